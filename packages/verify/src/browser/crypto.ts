import { sha256 as digest } from './sha2.ts'

/**
 * What ../crypto.ts is, without Node: a page takes this file in its place. Written for reading and
 * tested against OpenSSL; it is some hundred times slower.
 */

export { ed25519Check } from './ed25519.ts'
export { mlDsa44Check } from './ml-dsa-44.ts'
export { p256Check } from './p256.ts'

/** Whether the signature is one over the message; false for whatever else is wrong with it. */
export type SignatureCheck = (message: Uint8Array, signature: Uint8Array) => boolean

export function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(digest(bytes))
}
