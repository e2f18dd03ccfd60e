import { hash } from 'node:crypto'
import type { HttpRequestAction } from '../core/action.ts'
import { type AwsScope, awsScopeFor } from '../core/aws-scope.ts'
import { SekishoError } from '../core/error.ts'
import { credentialScope, SIGV4, signedNames, signRequest } from '../core/sigv4.ts'
import { type Deny, deny } from '../core/verdict.ts'
import { awsPartName } from '../wire/aws.ts'
import type { GateCredential } from '../wire/gate.ts'
import { type Fields, fieldValue, withoutFields } from './http-fields.ts'

/** An access key of AWS, bound to where a request goes, as the session knows it: by placeholders. */
export type AwsPlaceholder = { id: GateCredential; token: string | undefined }

/** The only form that is read: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html */
const SIGNED =
  /^AWS4-HMAC-SHA256 +Credential=([\w-]+)\/\d{8}\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request, *SignedHeaders=([a-z0-9;-]+), *Signature=[0-9a-f]{64}$/

/** As the keyholder gives it: an instant, for what, and the key of that day. */
const RELEASED = /^(\d{8}T\d{6}Z)\/([a-z0-9-]+)\/([a-z0-9-]+)\/([0-9a-f]{64})$/

/** Of a URL or form that somebody has signed beforehand, by this version or the one before. */
const KEY_PARAMETERS: ReadonlySet<string> = new Set([
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-security-token',
  'x-amz-signature',
  'awsaccesskeyid',
  'signature',
  'signatureversion',
])

/** What a signature says, and what is written anew with it. */
const WRITTEN: ReadonlySet<string> = new Set([
  'authorization',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
])

/** Whose account it is, besides `Authorization`. */
const KEY_FIELDS: readonly string[] = ['x-amz-security-token', 'x-amz-s3session-token']

/** Rule of every denial for a signature that cannot be put into ours. */
export const AWS_SIGNATURE = 'invariant.aws-signature'

/** The keys of AWS among credentials, each with what its parts look like. */
export function awsPlaceholders(credentials: readonly GateCredential[]): AwsPlaceholder[] {
  return credentials.flatMap((id) => {
    if (id.aws?.part !== 'id') return []
    const token = credentials.find(({ aws }) => aws?.part === 'token' && aws.of === id.name)
    return [{ id, token: token?.placeholder }]
  })
}

/** Whether a value of `Authorization` is a signature by the key, whatever it is for. */
export function isSignedBy({ id }: AwsPlaceholder, value: string): boolean {
  return readSignature(value)?.id === id.placeholder
}

/**
 * Looks at a request to a host that a key of AWS is bound to: whoever signs there does it with this
 * session's, for what it is bound to. A key of somebody else's would leave what it likes in their account.
 *
 * @returns undefined for one that is well signed, or not signed at all
 */
export function inspectSigned(
  action: HttpRequestAction,
  fields: readonly string[],
  key: AwsPlaceholder,
): Deny | undefined {
  const parameter = keyParameter(action.query ?? '')
  if (parameter !== undefined) return foreign(action, `parameter ${parameter}`)
  const [signature, ...more] = valuesOf(fields, 'authorization')
  const tokens = KEY_FIELDS.flatMap((name) => valuesOf(fields, name))
  if (tokens.some((token) => token !== key.token) || tokens.length > 1) {
    return foreign(action, 'header x-amz-security-token')
  }
  if (signature === undefined) {
    return tokens.length === 0 ? undefined : refuse('a session token without a signature')
  }
  if (more.length > 0) return refuse('more than one signature')
  return inspectSignature(action, signature, key) ?? inspectPayload(action, fields)
}

function inspectSignature(
  action: HttpRequestAction,
  signature: string,
  key: AwsPlaceholder,
): Deny | undefined {
  const read = readSignature(signature)
  if (read?.id !== key.id.placeholder) {
    return read === undefined && signature.includes(key.id.placeholder)
      ? refuse(`a signature that is not one of ${SIGV4}, in its one form`)
      : foreign(action, 'header authorization')
  }
  if (!read.names.includes('host')) return refuse('a signature that says nothing of its host')
  const scope = scopeOf(key, action.host)
  const wanted = scope === undefined ? 'nothing known' : sayScope(scope)
  if (sayScope(read) === wanted) return undefined
  return refuse(`a signature for ${sayScope(read)}, and ${action.host} is for ${wanted}`)
}

function sayScope({ region, service }: AwsScope): string {
  return `${service} in ${region}`
}

function readSignature(value: string): (AwsScope & { id: string; names: string[] }) | undefined {
  const found = SIGNED.exec(value)
  if (found === null) return undefined
  const [, id = '', region = '', service = '', names = ''] = found
  return { id, region, service, names: names.split(';') }
}

/** What is signed is the body that is sent: one that signs itself, piece by piece, would not be it. */
function inspectPayload(
  { method }: HttpRequestAction,
  fields: readonly string[],
): Deny | undefined {
  const said = valuesOf(fields, 'x-amz-content-sha256')
  const known = /^(?:[0-9a-f]{64}|UNSIGNED-PAYLOAD)$/
  if (said.length > 1 || said.some((value) => !known.test(value))) {
    return refuse(`a body that is signed as ${(said[0] ?? '').slice(0, 64)}: send it in one piece`)
  }
  const codings = valuesOf(fields, 'content-encoding').join(',').toLowerCase()
  return codings.includes('aws-chunked') ? refuse(`${method} in chunks of their own`) : undefined
}

/**
 * Looks at a body that has been looked through otherwise: a key may stand in a form, and what nobody
 * has to its end nobody signs.
 *
 * @param content undefined for one that streams
 */
export function inspectSignedBody(
  action: HttpRequestAction,
  fields: readonly string[],
  content: Buffer | undefined,
): Deny | undefined {
  const type = (fieldValue(fields, 'content-type') ?? '').toLowerCase()
  const isSigned = valuesOf(fields, 'authorization').length > 0
  if (isSigned && content === undefined) return refuse('a body that streams is signed by nobody')
  // browsers put a signed policy beside the file (POST Object of S3)
  if (type.includes('form-data') && !isSigned) return foreign(action, 'a form')
  if (!type.includes('urlencoded')) return undefined
  const parameter = content === undefined ? 'that is not here' : keyParameter(content.toString())
  return parameter === undefined ? undefined : foreign(action, `parameter ${parameter} of the body`)
}

/**
 * Signs what leaves, in place of the signature that came with it.
 *
 * @param sent.fields as they leave
 * @param values what the keyholder released
 * @returns the fields with the signature
 */
export function signAnew(
  { action, fields, body }: { action: HttpRequestAction; fields: Fields; body: Buffer | null },
  { id }: AwsPlaceholder,
  values: ReadonlyMap<string, string>,
): Fields {
  const { date, key, scope, token } = readReleased(id, values)
  const bodyHash = hash('sha256', body ?? Buffer.alloc(0))
  const written = ['x-amz-date', date, 'x-amz-content-sha256', bodyHash]
  if (token !== undefined) written.push('x-amz-security-token', token)
  const sent = [...withoutFields(fields, WRITTEN), ...written]
  const headers = signedHeaders(action, sent)
  const { method, path, query } = action
  const signature = signRequest({ method, path, query, headers, bodyHash }, { key, date, scope })
  const credential = `${values.get(id.name) ?? ''}/${credentialScope(date, scope)}`
  const said = `Credential=${credential}, SignedHeaders=${signedNames(headers)}, Signature=${signature}`
  return [...sent, 'authorization', `${SIGV4} ${said}`]
}

type Signing = { date: string; key: Buffer; scope: AwsScope; token: string | undefined }

/** @throws SekishoError PROTOCOL_VIOLATION for what nothing can be signed with */
function readReleased({ name }: GateCredential, values: ReadonlyMap<string, string>): Signing {
  const found = RELEASED.exec(values.get(awsPartName(name, 'signing')) ?? '')
  if (found === null) {
    throw new SekishoError('PROTOCOL_VIOLATION', `there is nothing to sign for ${name} with`)
  }
  const [, date = '', region = '', service = '', hex = ''] = found
  const token = values.get(awsPartName(name, 'token'))
  return { date, key: Buffer.from(hex, 'hex'), scope: { region, service }, token }
}

/** What must be signed, and what says how the body is read. */
function signedHeaders(
  { host, port }: HttpRequestAction,
  fields: readonly string[],
): Map<string, string[]> {
  const headers = new Map([['host', [port === 443 ? host : `${host}:${port}`]]])
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] ?? '').toLowerCase()
    if (!name.startsWith('x-amz-') && name !== 'content-type' && name !== 'content-md5') continue
    // a field is written as latin1, and read as UTF-8 by whoever checks
    const value = Buffer.from(fields[index + 1] ?? '', 'latin1').toString('utf8')
    headers.set(name, [...(headers.get(name) ?? []), value])
  }
  return headers
}

/** A signature by the placeholder, for requests of the gate's own: {@link signAnew} writes the real one. */
export function placeholderSignature(id: GateCredential, host: string): string {
  const { region, service } = scopeOf({ id, token: undefined }, host) ?? { region: '', service: '' }
  const place = credentialScope('20000101', { region, service })
  const said = `Credential=${id.placeholder}/${place}, SignedHeaders=host, Signature=${'0'.repeat(64)}`
  return `${SIGV4} ${said}`
}

function scopeOf({ id: { aws } }: AwsPlaceholder, host: string): AwsScope | undefined {
  return aws === undefined ? undefined : awsScopeFor(aws, host)
}

function keyParameter(query: string): string | undefined {
  if (query === '') return undefined
  return [...new URLSearchParams(query).keys()].find((name) =>
    KEY_PARAMETERS.has(name.toLowerCase()),
  )
}

function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, at) => at % 2 === 1 && fields[at - 1]?.toLowerCase() === name)
}

function foreign({ host }: HttpRequestAction, where: string): Deny {
  const reason = `a key in ${where}, to ${host}, that is no credential of this session`
  return deny('invariant.foreign-key', reason)
}

function refuse(reason: string): Deny {
  return deny(AWS_SIGNATURE, reason)
}
