import { generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto'
import type { LeafSigner } from '../log/leaf-text.ts'

/** A session's key as its keyholder has it, and the half that an auditor has. */
export function leafKey(): LeafSigner & { publicKey: KeyObject } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  return {
    publicKey,
    keyId: hash('sha256', spki).slice(0, 32),
    sign: (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  }
}
