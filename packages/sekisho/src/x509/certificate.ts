import { hash, randomBytes } from 'node:crypto'
import {
  bitString,
  boolean,
  context,
  integer,
  objectId,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts'

/**
 * X.509 (RFC 5280) written straight as DER, in two steps, because who signs may be a device: first
 * the body, then the certificate around it and its signature. ECDSA over P-256 with SHA-256 alone.
 */

/** AlgorithmIdentifier of everything here (RFC 5758 §3.2). */
export const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'))

const ORGANIZATION = objectId('2.5.4.10')
const COMMON_NAME = objectId('2.5.4.3')
const V3 = context(0, integer(Buffer.from([2])))
/** RFC 5280 appendix A: ub-common-name, ub-organization-name. */
const MAX_NAME = 64

export type CertificateFields = {
  /** big-endian, positive */
  serial: Buffer
  issuer: Buffer
  subject: Buffer
  /** SubjectPublicKeyInfo, DER */
  spki: Buffer
  notBefore: Date
  notAfter: Date
  extensions: readonly Buffer[]
}

/** TBSCertificate: what is signed. */
export function certificateBody(fields: CertificateFields): Buffer {
  return sequence(
    V3,
    integer(fields.serial),
    ECDSA_WITH_SHA256,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.spki,
    context(3, sequence(...fields.extensions)),
  )
}

/** @param signature over the body, as DER (RFC 3279 §2.2.3); certificates and revocation lists alike */
export function withSignature(body: Buffer, signature: Buffer): Buffer {
  return sequence(body, ECDSA_WITH_SHA256, bitString(signature))
}

/** 16 random bytes, positive, of one length and never zero (RFC 5280 §4.1.2.2). */
export function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes
}

/** An organization and a name in it; each cut to 64 characters. */
export function distinguishedName(organization: string, name: string): Buffer {
  return sequence(attribute(ORGANIZATION, organization), attribute(COMMON_NAME, name))
}

export function commonName(text: string): Buffer {
  return sequence(attribute(COMMON_NAME, text))
}

function attribute(type: Buffer, text: string): Buffer {
  return set(sequence(type, utf8String(text.slice(0, MAX_NAME))))
}

export function extension(id: Buffer, critical: boolean, value: Buffer): Buffer {
  return sequence(id, ...(critical ? [boolean(true)] : []), octetString(value))
}

/** RFC 7093 §2, method 1 (truncated SHA-256) over the key itself: the identifier is free to choose. */
export function keyIdentifier(spki: Uint8Array): Buffer {
  return hash('sha256', spki, 'buffer').subarray(0, 20)
}

/** By which leaves and certificates of this platform name a key: 16 bytes of SHA-256, hex. */
export function keyIdOf(spki: Uint8Array): string {
  return hash('sha256', spki).slice(0, 32)
}

/** @param label as between `-----BEGIN ` and `-----` (RFC 7468) */
export function toPem(der: Buffer, label: 'CERTIFICATE' | 'X509 CRL' = 'CERTIFICATE'): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
