import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { rotationBytes } from '../../wire/identity.ts'
import { keyIdOf } from '../../x509/certificate.ts'
import type { LeafSigner } from '../log/leaf-text.ts'

/** A key made here, in this process's memory, which is the only place it ever is. */
export type SigningKey = LeafSigner & { readonly spki: Buffer }

/** Fresh and random: P-256, signing as r‖s (IEEE P1363), which has one form for one signature. */
export function makeSigningKey(): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  return { spki, ...leafSigner(keyIdOf(spki), privateKey) }
}

function leafSigner(keyId: string, key: KeyObject): LeafSigner {
  const options = { key, dsaEncoding: 'ieee-p1363' } as const
  return { keyId, sign: (bytes) => sign('sha256', bytes, options) }
}

/** The key before vouches for the one that follows it. */
export function endorse(before: LeafSigner, after: string): { by: string; value: string } {
  const value = before.sign(rotationBytes(before.keyId, after)).toString('base64')
  return { by: before.keyId, value }
}
