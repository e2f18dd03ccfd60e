import { createHash, createPublicKey, verify } from 'node:crypto'

/** Names a person's public key in statements and leaves. */
export function keyDigest(key: Uint8Array): string {
  return `sha256:${createHash('sha256').update(key).digest('hex')}`
}

export type Signed = {
  bytes: Uint8Array
  /** Ed25519, base64 */
  signature: string
}

/**
 * Whether the holder of the key's other half signed exactly these bytes (RFC 8032 §5.1.7).
 *
 * @param key Ed25519 public key, 32 bytes; one that is no point of the curve has signed nothing
 */
export function isSignedBy(key: Uint8Array, { bytes, signature }: Signed): boolean {
  const x = Buffer.from(key).toString('base64url')
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, bytes, publicKey, Buffer.from(signature, 'base64'))
}
