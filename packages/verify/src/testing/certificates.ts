import { createPublicKey, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto'
import { PROTECTION_OID_DER } from '../x509/protection.ts'

/** Certificates for tests, good ones and bad ones: whatever a field can say can be said. */

export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const octets =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...octets]), content])
}

export type KeyPair = { key: KeyObject; spki: Buffer; id: string }

export function newKey(type: 'p256' | 'ed25519' = 'p256'): KeyPair {
  const { privateKey } =
    type === 'p256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519')
  return keyPair(privateKey)
}

export function keyPair(key: KeyObject): KeyPair {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return { key, spki, id: hash('sha256', spki).slice(0, 32) }
}

export const ECDSA = Buffer.from('300a06082a8648ce3d040302', 'hex')
const COMMON_NAME = Buffer.from('0603550403', 'hex')

export const OID = {
  basicConstraints: Buffer.from('0603551d13', 'hex'),
  keyUsage: Buffer.from('0603551d0f', 'hex'),
  alternativeName: Buffer.from('0603551d11', 'hex'),
  protection: PROTECTION_OID_DER,
} as const

export function name(text: string): Buffer {
  return der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0c, Buffer.from(text)))))
}

export function time(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replace(/[-:T]|\.\d{3}/g, '')
  return digits < '2050' ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits))
}

export function extension(id: Buffer, value: Buffer, critical = false): Buffer {
  return der(0x30, id, ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value))
}

export type CertificateFields = {
  subject: string
  issuer: string
  uri: string | null
  spki: Buffer
  notBefore: number
  notAfter: number
  /** null: an end */
  pathLength: number | null
  protection: { class: string; emulated: boolean; configuration?: string } | null
  /** further ones */
  extensions: readonly Buffer[]
}

/** @param by the issuer's key */
export function certificate(fields: CertificateFields, by: KeyObject): string {
  const body = certificateBody(fields)
  return sealed(body, by).toString('base64')
}

export function sealed(body: Buffer, by: KeyObject): Buffer {
  return der(0x30, body, ECDSA, der(0x03, Buffer.from([0]), sign('sha256', body, by)))
}

export function certificateBody(fields: CertificateFields): Buffer {
  const { subject, issuer, spki, notBefore, notAfter } = fields
  return der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([0x41, 1, 2, 3])),
    ECDSA,
    name(issuer),
    der(0x30, time(notBefore), time(notAfter)),
    name(subject),
    spki,
    der(0xa3, der(0x30, ...extensionsOf(fields))),
  )
}

function extensionsOf({ pathLength, uri, protection, extensions }: CertificateFields): Buffer[] {
  const isAuthority = pathLength !== null
  const constraints = isAuthority
    ? der(0x30, der(0x01, Buffer.from([0xff])), der(0x02, Buffer.from([pathLength])))
    : der(0x30)
  const usage = der(0x03, Buffer.from(isAuthority ? [1, 0x06] : [7, 0x80]))
  return [
    extension(OID.basicConstraints, constraints, true),
    extension(OID.keyUsage, usage, true),
    ...(uri === null
      ? []
      : [extension(OID.alternativeName, der(0x30, der(0x86, Buffer.from(uri))))]),
    ...(protection === null ? [] : [extension(OID.protection, protectionOf(protection))]),
    ...extensions,
  ]
}

export function protectionOf({
  class: name,
  emulated,
  configuration,
}: NonNullable<CertificateFields['protection']>): Buffer {
  return der(
    0x30,
    der(0x0c, Buffer.from(name)),
    der(0x01, Buffer.from([emulated ? 0xff : 0])),
    ...(configuration === undefined ? [] : [der(0x0c, Buffer.from(configuration))]),
  )
}

export function toPem(base64: string, label = 'CERTIFICATE'): string {
  const lines = base64.match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
