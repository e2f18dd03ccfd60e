import * as z from 'zod'
import { Digest } from './sandbox.ts'
import { Port } from './schemas.ts'

/** How what a request changes can be put back. The state before is read by a GET of the same URL. */
export const Recovery = z.strictObject({
  /** how it is put back */
  method: z.enum(['PUT', 'POST', 'PATCH']),
  /** path that it is sent to, in which `{path}` stands for the request's own; null: the same */
  path: z.string().max(1024).nullable(),
})
export type Recovery = z.infer<typeof Recovery>

/**
 * What was there before an action, kept encrypted by the keyholder. Digests are the keyholder's names
 * for content: keyed, so that erasing the content leaves the log's proofs and tells nobody anything.
 */
export const PreImage = z.strictObject({
  /** of the content; null where there was nothing (404, 410), which a restore puts back by DELETE */
  content: Digest.nullable(),
  bytes: z.int().min(0),
  /** ETag, by which a restore knows that nobody has changed it since */
  etag: z.string().max(1024).nullable(),
  /** of the {@link RestoreRecipe}: all that a restore goes by */
  recipe: Digest,
  /** of its URL, whole where the log has one without what was found in it: the same for the same */
  resource: Digest,
  /** of the body that the action sends, as it would be kept; null where it streams or has none */
  sent: Digest.nullable(),
  recovery: Recovery,
})
export type PreImage = z.infer<typeof PreImage>

/**
 * How one action is taken back, kept beside the content. A restore takes nothing of it from whoever
 * asks for it: where content may go to, and with which credentials, was settled when it was kept.
 */
export const RestoreRecipe = z.strictObject({
  scheme: z.enum(['http', 'https']),
  host: z.string().max(253),
  port: Port,
  path: z.string().max(8192),
  query: z.string().max(8192).nullable(),
  /** that it was read by: name, value, name, value …, with placeholders where credentials go */
  fields: z.array(z.string().max(65_536)).max(256),
  /** of the session that read, by name of the credential */
  placeholders: z.record(z.string(), z.string()),
  content: Digest.nullable(),
  contentType: z.string().max(256).nullable(),
  recovery: Recovery,
})
export type RestoreRecipe = z.infer<typeof RestoreRecipe>
