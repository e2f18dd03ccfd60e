import { awsScopeFor } from '../core/aws-scope.ts'
import { SekishoError } from '../core/error.ts'
import { Secret } from '../core/secret.ts'
import { amzDate, signingKey } from '../core/sigv4.ts'
import { type AwsPart, awsPartName } from '../wire/aws.ts'
import type { CredentialBinding } from '../wire/keyholder.ts'

type Part = { binding: CredentialBinding; value: string }

/** One access key of AWS; the key itself is never released. */
export type AwsKey = { id: Secret; key: Secret; token: Secret | undefined; scope: AwsPart }

/** by the name of the id */
export type AwsKeys = ReadonlyMap<string, AwsKey>

/** As a client writes it between `Credential=` and the first slash. */
const ID = /^[\w-]{3,128}$/
/** What is sent in a field is visible ASCII. */
const TOKEN = /^[\x21-\x7e]+$/

/** @throws SekishoError CONFIG_INVALID for a key that lacks a part, or has one that cannot be sent */
export function readAwsKeys(secrets: readonly Part[]): AwsKeys {
  const keys = new Map<string, AwsKey>()
  for (const { binding, value } of secrets) {
    if (binding.aws?.part !== 'id') continue
    const { name, aws: scope } = binding
    const key = find(secrets, name, 'key')
    const token = find(secrets, name, 'token')
    if (key === undefined) throw invalid(name, 'has an id and no secret key')
    if (!ID.test(value)) throw invalid(name, 'has an id that no client can sign with')
    if (token !== undefined && !TOKEN.test(token.reveal())) {
      throw invalid(name, 'has a session token that no field can hold')
    }
    keys.set(name, { id: new Secret(name, value), key, token, scope })
  }
  return keys
}

function find(secrets: readonly Part[], of: string, part: AwsPart['part']): Secret | undefined {
  const found = secrets.find(({ binding: { aws } }) => aws?.of === of && aws.part === part)
  return found === undefined ? undefined : new Secret(found.binding.name, found.value)
}

function invalid(name: string, what: string): SekishoError {
  return new SekishoError('CONFIG_INVALID', `secret ${name}: it ${what}`, {
    hint: 'give the id in `from`, the secret key and any session token in `aws`',
  })
}

/**
 * What a gate needs to sign for the host today, and of the secret key no more than that: a key for one
 * day, region and service.
 *
 * @returns undefined for a host that is signed for in no known way
 */
export function signingValues(
  { id, key, token, scope: asked }: AwsKey,
  host: string,
  unixMs: number,
): Map<string, Secret> | undefined {
  const scope = awsScopeFor(asked, host)
  if (scope === undefined) return undefined
  const date = amzDate(unixMs)
  const hex = signingKey(key.reveal(), date.slice(0, 8), scope).toString('hex')
  const signing = awsPartName(id.name, 'signing')
  const values = new Map([
    [id.name, id],
    [signing, new Secret(signing, [date, scope.region, scope.service, hex].join('/'))],
  ])
  if (token !== undefined) values.set(token.name, token)
  return values
}
