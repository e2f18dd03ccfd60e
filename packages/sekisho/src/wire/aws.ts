import * as z from 'zod'

/** A part of an access key of AWS, which signs what leaves and is itself sent nowhere. */
export const AwsPart = z.strictObject({
  /** the credential that the parts are of: the name of the key's id */
  of: z.string().min(1).max(128),
  part: z.enum(['id', 'key', 'token']),
  /** null for what the host says */
  region: z.string().max(64).nullable(),
  service: z.string().max(64).nullable(),
})
export type AwsPart = z.infer<typeof AwsPart>

/** None of an agent file has a dot in its name. */
export function awsPartName(name: string, part: AwsPart['part'] | 'signing'): string {
  return part === 'id' ? name : `aws.${name}.${part}`
}

/** Whose the parts are, in the environment of a client: `AWS_ACCESS_KEY_ID` and what goes with it. */
const ID_VARIABLE = /ACCESS_KEY_ID$/

/** @returns undefined for a variable that no client takes for that of an id */
export function awsVariable(id: string, part: AwsPart['part']): string | undefined {
  if (!ID_VARIABLE.test(id)) return undefined
  const names = { id: 'ACCESS_KEY_ID', key: 'SECRET_ACCESS_KEY', token: 'SESSION_TOKEN' }
  return id.replace(ID_VARIABLE, names[part])
}
