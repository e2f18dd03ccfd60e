import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { mlDsa44Check as ownMlDsa44Check } from './browser/ml-dsa-44.ts'

/**
 * The only cryptography that reading and proving a log needs, as Node has it. A browser page takes
 * browser/crypto.ts in this file's place: the same functions, without Node.
 */

/** Whether the signature is one over the message; false for whatever else is wrong with it. */
export type SignatureCheck = (message: Uint8Array, signature: Uint8Array) => boolean

const ED25519_SIGNATURE_BYTES = 64
const P256_SIGNATURE_BYTES = 64
const ML_DSA_44_SIGNATURE_BYTES = 2420
const ML_DSA_44_KEY_BYTES = 1312

/** DER of a SubjectPublicKeyInfo up to the key's own bytes (RFC 8410 §4, RFC 5480 §2, RFC 9881 §4). */
const SPKI = {
  ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
  p256: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
  mlDsa44: Buffer.from('30820532300b06096086480165030403110382052100', 'hex'),
} as const

/** An auditor's Node may be an older one, whose OpenSSL does not: any 1312 bytes are such a key. */
const KNOWS_ML_DSA = knowsMlDsa()

function knowsMlDsa(): boolean {
  try {
    publicKeyOf(SPKI.mlDsa44, Buffer.alloc(ML_DSA_44_KEY_BYTES), ML_DSA_44_KEY_BYTES)
    return true
  } catch {
    return false // slower, and the same
  }
}

/** By way of a text: as a buffer Node gives memory of its own to each digest, which takes three times as long. */
export function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'latin1'), 'latin1')
}

/**
 * Ed25519 (RFC 8032).
 *
 * @param key 32 bytes
 * @throws TypeError when that is no key
 */
export function ed25519Check(key: Uint8Array): SignatureCheck {
  const publicKey = publicKeyOf(SPKI.ed25519, key, 32)
  return (message, signature) =>
    signature.length === ED25519_SIGNATURE_BYTES && verify(null, message, publicKey, signature)
}

/**
 * ECDSA over P-256 with SHA-256 (FIPS 186-5); signatures are r‖s (IEEE P1363), 64 bytes.
 *
 * @param point uncompressed, 65 bytes (SEC 1 §2.3.3)
 * @throws TypeError when that is no point of the curve
 */
export function p256Check(point: Uint8Array): SignatureCheck {
  const publicKey = publicKeyOf(SPKI.p256, point, 65)
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
  return (message, signature) =>
    signature.length === P256_SIGNATURE_BYTES && verify('sha256', message, key, signature)
}

/**
 * ML-DSA-44 (FIPS 204), pure, with an empty context.
 *
 * @param key 1312 bytes
 * @throws TypeError when that is no key
 */
export function mlDsa44Check(key: Uint8Array): SignatureCheck {
  if (key.length !== ML_DSA_44_KEY_BYTES) throw new TypeError('want a key of 1312 bytes')
  if (!KNOWS_ML_DSA) return ownMlDsa44Check(key)
  const publicKey = publicKeyOf(SPKI.mlDsa44, key, ML_DSA_44_KEY_BYTES)
  return (message, signature) =>
    signature.length === ML_DSA_44_SIGNATURE_BYTES && verify(null, message, publicKey, signature)
}

function publicKeyOf(prefix: Buffer, key: Uint8Array, bytes: number): KeyObject {
  if (key.length !== bytes) throw new TypeError(`want a key of ${bytes} bytes`)
  try {
    const der = Buffer.concat([prefix, key])
    return createPublicKey({ key: der, format: 'der', type: 'spki' })
  } catch (cause) {
    throw new TypeError('not a public key', { cause })
  }
}
