import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as node from '../crypto.ts'
import * as browser from './crypto.ts'
import { sha512 } from './sha2.ts'
import { shakeBytes } from './shake.ts'

/** What OpenSSL does is what the page's own code must do, for good and bad input alike. */
const KINDS = [
  { kind: 'ed25519', ours: browser.ed25519Check, openssl: node.ed25519Check, bytes: 32 },
  { kind: 'p256', ours: browser.p256Check, openssl: node.p256Check, bytes: 65 },
  { kind: 'ml-dsa-44', ours: browser.mlDsa44Check, openssl: node.mlDsa44Check, bytes: 1312 },
] as const

test('the page has what Node has', () => {
  expect(Object.keys(browser).toSorted()).toEqual(Object.keys(node).toSorted())
})

test.for([
  ['SHA-256', (bytes: Uint8Array) => browser.sha256(bytes), 'sha256', undefined],
  ['SHA-512', sha512, 'sha512', undefined],
  ['SHAKE128', (bytes: Uint8Array) => shakeBytes(128, bytes, 500), 'shake128', 500],
  ['SHAKE256', (bytes: Uint8Array) => shakeBytes(256, bytes, 500), 'shake256', 500],
] as const)('%s is that of OpenSSL for each length up to 300 bytes', ([, ours, name, length]) => {
  const options = length === undefined ? {} : { outputLength: length }
  for (let bytes = 0; bytes <= 300; bytes += 1) {
    const message = randomBytes(bytes)
    const want = createHash(name, options).update(message).digest('hex')
    expect([bytes, Buffer.from(ours(message)).toString('hex')]).toEqual([bytes, want])
  }
})

test('SHA-256 of a megabyte', () => {
  const message = randomBytes(1024 * 1024)
  expect(browser.sha256(message)).toEqual(node.sha256(message))
})

test.for(KINDS)('$kind: what OpenSSL signs is accepted, many keys and messages', (one) => {
  for (let round = 0; round < 12; round += 1) {
    const { privateKey, raw } = keyOf(one.kind)
    const [ours, openssl] = [one.ours(raw), one.openssl(raw)]
    for (let size = 0; size < 5; size += 1) {
      const message = randomBytes(size * 77)
      const signature = signed(one.kind, message, privateKey)
      expect(openssl(message, signature)).toBe(true)
      expect(ours(message, signature)).toBe(true)
      expect(ours(Buffer.concat([message, Buffer.from([0])]), signature)).toBe(false)
    }
  }
})

test.for(KINDS)('$kind: no byte of a signature can change, nor its length', ({ kind, ours }) => {
  const { privateKey, raw } = keyOf(kind)
  const message = Buffer.from('sekisho')
  const signature = signed(kind, message, privateKey)
  const check = ours(raw)
  const stride = kind === 'ml-dsa-44' ? 7 : 1
  for (let at = 0; at < signature.length; at += stride) {
    expect([at, check(message, flipped(signature, at))]).toEqual([at, false])
  }
  expect(check(message, signature.subarray(0, -1))).toBe(false)
  expect(check(message, Buffer.concat([signature, Buffer.from([0])]))).toBe(false)
  expect(check(message, Buffer.alloc(0))).toBe(false)
})

test.for(KINDS)('$kind: no byte of the key can change', ({ kind, ours, openssl }) => {
  const { privateKey, raw } = keyOf(kind)
  const message = Buffer.from('sekisho')
  const signature = signed(kind, message, privateKey)
  for (let at = 0; at < raw.length; at += Math.ceil(raw.length / 40)) {
    const accepts = (): boolean => ours(flipped(raw, at))(message, signature)
    expect([at, orNoKey(accepts)]).toEqual([at, false])
  }
  for (const bytes of [raw.subarray(1), Buffer.alloc(0)]) {
    expect(() => ours(bytes)).toThrow(TypeError)
    expect(() => openssl(bytes)).toThrow(TypeError)
  }
})

test('Ed25519: s and s + L are not both signatures', () => {
  const { privateKey, raw } = keyOf('ed25519')
  const message = Buffer.from('sekisho')
  const signature = signed('ed25519', message, privateKey)
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`)
  const second = Buffer.from((s + order).toString(16).padStart(64, '0'), 'hex').reverse()
  const twin = Buffer.concat([signature.subarray(0, 32), second])
  expect(browser.ed25519Check(raw)(message, twin)).toBe(false)
  expect(node.ed25519Check(raw)(message, twin)).toBe(false)
})

test('Ed25519: a key that is no point, or not in its one encoding, is none', () => {
  const notBelowP = Buffer.from(`ee${'ff'.repeat(30)}7f`, 'hex')
  const noPoint = Buffer.from(`02${'00'.repeat(31)}`, 'hex')
  for (const key of [notBelowP, noPoint]) expect(() => browser.ed25519Check(key)).toThrow(TypeError)
})

test('ECDSA P-256: r and s of zero, of the order and beyond are refused', () => {
  const { privateKey, raw } = keyOf('p256')
  const message = Buffer.from('sekisho')
  const signature = signed('p256', message, privateKey)
  const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
  for (const part of ['00'.repeat(32), order, 'ff'.repeat(32)]) {
    const value = Buffer.from(part, 'hex')
    for (const bytes of [
      Buffer.concat([value, signature.subarray(32)]),
      Buffer.concat([signature.subarray(0, 32), value]),
      Buffer.concat([value, value]),
    ]) {
      expect(browser.p256Check(raw)(message, bytes)).toBe(false)
      expect(node.p256Check(raw)(message, bytes)).toBe(false)
    }
  }
})

test('ECDSA P-256: a key that is no point of the curve, or in another form, is none', () => {
  const { raw } = keyOf('p256')
  for (const at of [0, 1, 64]) {
    expect(() => browser.p256Check(flipped(raw, at))).toThrow(TypeError)
    expect(() => node.p256Check(flipped(raw, at))).toThrow(TypeError)
  }
})

test('random bytes are no signature of any kind', () => {
  const keys = KINDS.map(({ kind, ours }) => ours(keyOf(kind).raw))
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ maxLength: 40 }),
      (noise, message) => {
        for (const check of keys) expect(check(message, noise)).toBe(false)
      },
    ),
    { numRuns: 30 },
  )
})

type Kind = (typeof KINDS)[number]['kind']

function keyOf(kind: Kind): { privateKey: KeyObject; raw: Buffer } {
  const { privateKey, publicKey } = pairOf(kind)
  const der = publicKey.export({ format: 'der', type: 'spki' })
  return { privateKey, raw: der.subarray(-(KINDS.find((one) => one.kind === kind)?.bytes ?? 0)) }
}

function pairOf(kind: Kind): { privateKey: KeyObject; publicKey: KeyObject } {
  if (kind === 'p256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ml-dsa-44')
}

function signed(kind: Kind, message: Uint8Array, key: KeyObject): Buffer {
  return kind === 'p256'
    ? sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })
    : sign(null, message, key)
}

/** Not every string of bytes is a point of a curve. */
function orNoKey(accepts: () => boolean): boolean {
  try {
    return accepts()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(TypeError)
    return false
  }
}

function flipped(bytes: Buffer, at: number): Buffer {
  return written(bytes, at, (bytes[at] ?? 0) ^ (1 << (at % 8)))
}

function written(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(value, at)
  return copy
}
