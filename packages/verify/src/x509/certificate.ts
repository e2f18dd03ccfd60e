import {
  DerFault,
  DerReader,
  type Element,
  readBitString,
  readInteger,
  readTime,
  TAG,
} from './der.ts'
import { type Extensions, readExtensions } from './extensions.ts'

/** What is certified: a P-256 point, or an Ed25519 key. */
export type CertifiedKey = {
  algorithm: 'p256' | 'ed25519'
  /** SubjectPublicKeyInfo, DER */
  spki: Buffer
}

/** An X.509 certificate of this project's profile (RFC 5280, narrowed). */
export type Certificate = Extensions & {
  /** what `signature` is over */
  body: Buffer
  /** by the issuer: ECDSA P-256, SHA-256, r‖s */
  signature: Buffer
  /** hexadecimal digits */
  serial: string
  /** Name, DER: compared octet by octet */
  issuer: Buffer
  subject: Buffer
  /** Unix ms, both inclusive */
  notBefore: number
  notAfter: number
  key: CertifiedKey
}

const MAX_CERTIFICATE_BYTES = 8192
const ECDSA_WITH_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex')
/** id-ecPublicKey with prime256v1 (RFC 5480 §2.1.1). */
const P256_ALGORITHM = Buffer.from('301306072a8648ce3d020106082a8648ce3d030107', 'hex')
/** RFC 8410 §3. */
const ED25519_ALGORITHM = Buffer.from('300506032b6570', 'hex')
const P256_POINT_BYTES = 65
const ED25519_BYTES = 32
const SCALAR_BYTES = 32
/** RFC 5280 §4.1.2.2. */
const MAX_SERIAL_OCTETS = 20

/**
 * Reads a certificate; a string says what is wrong with it. What is not expected is refused:
 * another version, algorithm or key, an extension that is not known, one octet too many.
 */
export function parseCertificate(bytes: Buffer): Certificate | string {
  if (bytes.length > MAX_CERTIFICATE_BYTES) return `a certificate of ${bytes.length} bytes`
  try {
    return readCertificate(bytes)
  } catch (thrown) {
    if (thrown instanceof DerFault) return thrown.message
    throw thrown
  }
}

/** A public key alone (RFC 5280 §4.1.2.7); a string says what is wrong with it. */
export function parsePublicKey(bytes: Buffer): CertifiedKey | string {
  try {
    const outer = new DerReader(bytes)
    const key = readKey(outer)
    outer.end('the public key')
    return key
  } catch (thrown) {
    if (thrown instanceof DerFault) return thrown.message
    throw thrown
  }
}

function readCertificate(bytes: Buffer): Certificate {
  const outer = new DerReader(bytes)
  const certificate = outer.into(TAG.sequence, 'the certificate')
  outer.end('the certificate')
  const body = certificate.take(TAG.sequence, 'the certificate’s body')
  requireAlgorithm(certificate)
  const signature = readEcdsa(readBitString(certificate, 'the signature'))
  certificate.end('the certificate')
  return { body: body.whole, signature, ...readBody(new DerReader(body.content)) }
}

function readBody(body: DerReader): Omit<Certificate, 'body' | 'signature'> {
  const version = body.into(0xa0, 'the version')
  if (!readInteger(version, 'the version').equals(Buffer.from([2]))) {
    throw new DerFault('want a certificate of version 3')
  }
  version.end('the version')
  const serial = readInteger(body, 'the serial number')
  if (serial.length > MAX_SERIAL_OCTETS) throw new DerFault('a serial number too long')
  requireAlgorithm(body)
  const issuer = readName(body, 'the issuer')
  const validity = body.into(TAG.sequence, 'the validity')
  const notBefore = readTime(validity, 'notBefore')
  const notAfter = readTime(validity, 'notAfter')
  validity.end('the validity')
  const subject = readName(body, 'the subject')
  const key = readKey(body)
  const extensions = readExtensions(body.into(0xa3, 'the extensions'))
  body.end('the certificate’s body')
  const names = { issuer: issuer.whole, subject: subject.whole }
  return { serial: serial.toString('hex'), ...names, notBefore, notAfter, key, ...extensions }
}

function requireAlgorithm(reader: DerReader): void {
  const { whole } = reader.take(TAG.sequence, 'the signature algorithm')
  if (!whole.equals(ECDSA_WITH_SHA256)) throw new DerFault('signed by another algorithm')
}

/** Well formed; what it says is shown to nobody and decides nothing. */
function readName(reader: DerReader, what: string): Element {
  const name = reader.take(TAG.sequence, what)
  const sets = new DerReader(name.content)
  while (!sets.isAtEnd) {
    const attributes = sets.into(TAG.set, what)
    const attribute = attributes.into(TAG.sequence, what)
    attribute.take(TAG.objectId, what)
    attribute.any(what)
    attribute.end(what)
    attributes.end(what)
  }
  return name
}

function readKey(reader: DerReader): CertifiedKey {
  const { whole, content } = reader.take(TAG.sequence, 'the public key')
  const fields = new DerReader(content)
  const algorithm = fields.take(TAG.sequence, 'the key’s algorithm').whole
  const bits = readBitString(fields, 'the public key')
  fields.end('the public key')
  if (algorithm.equals(P256_ALGORITHM)) {
    // one form of a key, so that one key has one id
    if (bits.length !== P256_POINT_BYTES || bits[0] !== 4) throw new DerFault('want a plain point')
    return { algorithm: 'p256', spki: whole }
  }
  if (!algorithm.equals(ED25519_ALGORITHM)) throw new DerFault('a key of another algorithm')
  if (bits.length !== ED25519_BYTES) throw new DerFault('an Ed25519 key has 32 bytes')
  return { algorithm: 'ed25519', spki: whole }
}

/** Ecdsa-Sig-Value (RFC 3279 §2.2.3) as r‖s of 32 octets each. */
function readEcdsa(bytes: Buffer): Buffer {
  const outer = new DerReader(bytes)
  const fields = outer.into(TAG.sequence, 'the signature')
  outer.end('the signature')
  const scalars = [readInteger(fields, 'r'), readInteger(fields, 's')]
  fields.end('the signature')
  if (scalars.some(({ length }) => length > SCALAR_BYTES)) throw new DerFault('a scalar too long')
  return Buffer.concat(
    scalars.flatMap((scalar) => [Buffer.alloc(SCALAR_BYTES - scalar.length), scalar]),
  )
}
