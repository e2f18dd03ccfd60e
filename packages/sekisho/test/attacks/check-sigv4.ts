import { createHash, createHmac } from 'node:crypto'

export type ReceivedRequest = {
  method: string
  /** as it stands in the request line */
  target: string
  /** name, value, name, value … as they came */
  fields: readonly string[]
  body: string | Buffer
}

export type AccessKey = {
  id: string
  secretKey: string
  sessionToken?: string | undefined
  region: string
  service: string
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
/** AWS takes no older signature. */
const MAX_AGE_MS = 5 * 60_000

/**
 * Checks a signature as a service of AWS does that is not S3: from what arrived and the secret key,
 * with nothing of the platform's own code.
 *
 * @returns what is wrong with it; undefined for a good one
 */
export function whyNotSigned(
  request: ReceivedRequest,
  key: AccessKey,
  nowMs = Date.now(),
): string | undefined {
  const found = AUTHORIZATION.exec(valuesOf(request, 'authorization').join('|'))
  if (found === null) return 'the authorization'
  const [, id, day = '', region, service, names = '', signature] = found
  const [date = ''] = valuesOf(request, 'x-amz-date')
  const bodyHash = sha256(request.body)
  const scope = `${day}/${region}/${service}/aws4_request`
  const signed = names.split(';')
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical(request, signed, bodyHash))]
  const faults: readonly (readonly [boolean, string])[] = [
    [id !== key.id, `the id ${id}`],
    [scope !== `${day}/${key.region}/${key.service}/aws4_request`, `the scope ${scope}`],
    [!isOf(date, day, nowMs), `the date ${date}`],
    [valuesOf(request, 'x-amz-security-token')[0] !== key.sessionToken, 'the session token'],
    [valuesOf(request, 'x-amz-content-sha256')[0] !== bodyHash, 'the hash of the body'],
    [
      namesOf(request).some((name) => mustBeSigned(name) && !signed.includes(name)),
      'what is signed',
    ],
    [signatureOf(scope, text.join('\n'), key.secretKey) !== signature, 'the signature'],
  ]
  return faults.find(([isWrong]) => isWrong)?.[1]
}

function mustBeSigned(name: string): boolean {
  return name === 'host' || name.startsWith('x-amz-')
}

function signatureOf(scope: string, text: string, secretKey: string): string {
  const start: string | Buffer = `AWS4${secretKey}`
  const signing = scope.split('/').reduce<string | Buffer>((by, part) => hmac(by, part), start)
  return hmac(signing, text).toString('hex')
}

function canonical(request: ReceivedRequest, signed: readonly string[], bodyHash: string): string {
  const { pathname, searchParams } = new URL(request.target, 'https://service.invalid')
  const pairs = [...searchParams].map((pair) => pair.map(escape3986).join('='))
  return [
    request.method,
    pathname.split('/').map(escape3986).join('/'),
    pairs.toSorted().join('&'),
    ...signed.map((name) => `${name}:${valuesOf(request, name).map(plain).join(',')}`),
    '',
    signed.join(';'),
    bodyHash,
  ].join('\n')
}

function plain(value: string): string {
  return value.trim().replaceAll(/ +/g, ' ')
}

function isOf(date: string, day: string, nowMs: number): boolean {
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  return date.startsWith(day) && Math.abs(Date.parse(iso) - nowMs) < MAX_AGE_MS
}

function escape3986(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function namesOf({ fields }: ReceivedRequest): string[] {
  return fields.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
}

function valuesOf({ fields }: ReceivedRequest, name: string): string[] {
  return fields.filter((_, at) => at % 2 === 1 && fields[at - 1]?.toLowerCase() === name)
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
