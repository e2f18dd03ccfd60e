import type { Certificate } from './certificate.ts'

/** What a certificate is for: who may have it, and what its key may do. */
export type Role = 'root' | 'issuing' | 'log' | 'session' | 'gate'

/** Milliseconds; RFC 5280 dates are whole seconds, and issuers backdate by some minutes. */
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** Clocks differ: an issuer's notBefore is earlier by a little. */
const BACKDATE_MS = 10 * MINUTE_MS

/** The longest life of each; a root lives as long as its owner says. */
const MAX_LIFE_MS: Readonly<Record<Exclude<Role, 'root'>, number>> = {
  issuing: 90 * DAY_MS + BACKDATE_MS,
  log: 366 * DAY_MS + BACKDATE_MS,
  session: HOUR_MS + BACKDATE_MS,
  // a gate has its key for as long as it lives, in its own memory
  gate: DAY_MS + BACKDATE_MS,
}

const SPIFFE = /^spiffe:\/\/([a-z0-9._-]{1,255})(\/[\x21-\x7e]+)?$/

/** Why a certificate does not fit its role; undefined when it does. Its signature is apart. */
export function whyNotRole(certificate: Certificate, role: Role): string | undefined {
  const isAuthority = role === 'root' || role === 'issuing'
  const wrong = isAuthority ? whyNoAuthority(certificate, role) : whyNoEnd(certificate)
  if (wrong !== undefined) return wrong
  const wanted = role === 'log' ? 'ed25519' : 'p256'
  if (certificate.key.algorithm !== wanted) return `its key is not ${wanted}`
  const life = certificate.notAfter - certificate.notBefore
  if (life <= 0) return 'it is never valid'
  if (role !== 'root' && life > MAX_LIFE_MS[role]) return 'it is valid for too long'
  return whyNoName(certificate, role)
}

function whyNoAuthority(certificate: Certificate, role: 'root' | 'issuing'): string | undefined {
  const { isAuthority, usage, pathLength } = certificate
  if (!isAuthority || !usage.certificateSign) return 'it is no authority'
  // an issuing authority makes no further ones
  if (role === 'issuing' && pathLength !== 0) return 'authorities could stand below it'
  if (role === 'root' && pathLength === 0) return 'no issuing authority may stand below it'
  return usage.digitalSignature ? 'an authority signs certificates alone' : undefined
}

function whyNoEnd({ isAuthority, usage }: Certificate): string | undefined {
  if (isAuthority || usage.certificateSign) return 'it is an authority'
  return usage.digitalSignature ? undefined : 'its key may not sign'
}

function whyNoName({ uri, protection }: Certificate, role: Role): string | undefined {
  if (protection === null) return 'it does not say where its key is'
  if (role === 'session' && protection.configuration === null) return 'it names no configuration'
  if (role !== 'session' && protection.configuration !== null) return 'it names a configuration'
  return whyNoUri(uri, role === 'root' || role === 'issuing')
}

/** An authority may name its trust domain; an end names itself. */
function whyNoUri(uri: string | null, isAuthority: boolean): string | undefined {
  if (uri === null) return isAuthority ? undefined : 'it names nobody'
  const name = parseSpiffe(uri)
  if (name === undefined) return 'its name is no SPIFFE ID'
  if (isAuthority) return name.path === '' ? undefined : 'it names an end'
  return name.path === '' ? 'it names nobody' : undefined
}

/** Trust domain and path of an SPIFFE ID; undefined for anything else. */
export function parseSpiffe(uri: string): { trustDomain: string; path: string } | undefined {
  const [, trustDomain, path] = SPIFFE.exec(uri) ?? []
  return trustDomain === undefined ? undefined : { trustDomain, path: path ?? '' }
}
