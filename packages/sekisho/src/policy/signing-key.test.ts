import { generateKeyPairSync, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { isSignedBy, keyDigest } from './signing-key.ts'

// RFC 8032 §7.1, test 2
const KEY = Buffer.from('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', 'hex')
const BYTES = Buffer.from('72', 'hex')
const SIGNATURE = Buffer.from(
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  'hex',
).toString('base64')

test('a signature of RFC 8032 is one', () => {
  expect(isSignedBy(KEY, { bytes: BYTES, signature: SIGNATURE })).toBe(true)
})

test('neither over other bytes, nor by another key, nor by no point of the curve', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  const other = Buffer.from(x, 'base64url')
  const signature = sign(null, BYTES, privateKey).toString('base64')
  expect(isSignedBy(other, { bytes: BYTES, signature })).toBe(true)
  expect(isSignedBy(KEY, { bytes: BYTES, signature })).toBe(false)
  expect(isSignedBy(KEY, { bytes: Buffer.from('73', 'hex'), signature: SIGNATURE })).toBe(false)
  expect(isSignedBy(Buffer.alloc(32, 0xff), { bytes: BYTES, signature: SIGNATURE })).toBe(false)
  expect(isSignedBy(KEY, { bytes: BYTES, signature: '' })).toBe(false)
})

test('a key is named by its digest', () => {
  expect(keyDigest(KEY)).toMatch(/^sha256:[0-9a-f]{64}$/)
})
