import { createHmac, hash } from 'node:crypto'
import type { AwsScope } from './aws-scope.ts'

/** AWS Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html */
export const SIGV4 = 'AWS4-HMAC-SHA256'

/** These take a path as it is; all others have what is escaped in it escaped once more. */
const ONCE_ESCAPED: ReadonlySet<string> = new Set([
  's3',
  's3express',
  's3-outposts',
  's3-object-lambda',
])

export type SignedRequest = {
  method: string
  /** as it leaves, without dot segments */
  path: string
  /** as it leaves; null for none */
  query: string | null
  /** what is signed: name in lower case, and its values in the order of their fields */
  headers: ReadonlyMap<string, readonly string[]>
  /** SHA-256 of the body, in lower-case hexadecimal */
  bodyHash: string
}

/** An instant as AWS writes it, `20150830T123600Z`. */
export function amzDate(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19).replaceAll(/[:-]/g, '')}Z`
}

/** For one day, region and service: whoever has it signs nothing else. */
export function signingKey(secretKey: string, day: string, { region, service }: AwsScope): Buffer {
  return [day, region, service, 'aws4_request'].reduce<Buffer>(
    (key, text) => hmac(key, text),
    Buffer.from(`AWS4${secretKey}`, 'utf8'),
  )
}

/**
 * @param signer.date as {@link amzDate}
 * @returns the signature, in lower-case hexadecimal
 */
export function signRequest(
  request: SignedRequest,
  { key, date, scope }: { key: Buffer; date: string; scope: AwsScope },
): string {
  const canonical = canonicalRequest(request, scope.service)
  const place = credentialScope(date, scope)
  return hmac(key, [SIGV4, date, place, hash('sha256', canonical)].join('\n')).toString('hex')
}

export function credentialScope(date: string, { region, service }: AwsScope): string {
  return [date.slice(0, 8), region, service, 'aws4_request'].join('/')
}

/** The names of what is signed, as they stand in the request. */
export function signedNames(headers: SignedRequest['headers']): string {
  return [...headers.keys()].toSorted().join(';')
}

export function canonicalRequest(request: SignedRequest, service: string): string {
  const { method, path, query, headers, bodyHash } = request
  const lines = [...headers]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, values]) => `${name}:${values.map(trimAll).join(',')}\n`)
  return [
    method,
    canonicalPath(path, service),
    canonicalQuery(query ?? ''),
    lines.join(''),
    signedNames(headers),
    bodyHash,
  ].join('\n')
}

function canonicalPath(path: string, service: string): string {
  if (ONCE_ESCAPED.has(service)) return path.split('/').map(escapedOnce).join('/')
  // these resolve what stands for nothing (RFC 3986 §6.2.2.3), empty segments too
  const segments = path.split('/').filter((segment) => segment !== '')
  const end = segments.length > 0 && path.endsWith('/') ? '/' : ''
  return `/${segments.map((segment) => escapeBytes(Buffer.from(segment, 'utf8'))).join('/')}${end}`
}

function canonicalQuery(query: string): string {
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
      return [ofForm(name), ofForm(value)] as const
    })
  return pairs
    .toSorted(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** Services read `+` in a query as forms have it. */
function ofForm(text: string): string {
  return escapedOnce(text.replaceAll('+', ' '))
}

/** By code unit, which is by byte: what is escaped is ASCII. */
function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** Whatever was escaped of it: all that is not unreserved, once. */
function escapedOnce(text: string): string {
  const bytes = text.replaceAll(/%([0-9a-fA-F]{2})|[^]/gu, (whole, hex: string | undefined) =>
    hex === undefined ? Buffer.from(whole, 'utf8').toString('latin1') : latin1Of(hex),
  )
  return escapeBytes(Buffer.from(bytes, 'latin1'))
}

function latin1Of(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16))
}

/** All but what RFC 3986 §2.3 has as unreserved. */
function escapeBytes(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[^A-Za-z0-9\-._~]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}

function trimAll(value: string): string {
  return value.trim().replaceAll(/ +/g, ' ')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}
