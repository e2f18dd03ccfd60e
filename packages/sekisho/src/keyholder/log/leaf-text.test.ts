import { verify } from 'node:crypto'
import { parseCanonical } from '@sekisho/verify'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from '../../core/canonical-json.ts'
import { leafKey } from '../testing/leaf-key.ts'
import { intent } from '../testing/leaves.ts'
import { type PreparedLeaf, signLeaves } from './leaf-signing.ts'
import { draftLeaf } from './leaf-text.ts'

const AT = '2026-01-02T03:04:05.678Z'
const LATER = '2026-01-02T03:04:06.000Z'
const key = leafKey()

test('a leaf is stamped and signed over everything but its signature', () => {
  const { sig, ...signed } = stored(intent('a'))
  expect(signed).toEqual({ ...intent('a'), v: 2, at: AT })
  expect(sig).toEqual({ by: key.keyId, value: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/) })
  expect(isSigned(signed, sig)).toBe(true)
})

test('the stamp of a clock that went back is signed too', () => {
  const { sig, ...signed } = stored(intent('a'), LATER)
  expect(signed).toMatchObject({ at: LATER, clock: 'held' })
  expect(isSigned(signed, sig)).toBe(true)
})

test('any field changed, added or left out breaks the signature', () => {
  const { sig, ...signed } = stored({ ...intent('a'), state: { seq: 0, from: null, to: 'x' } })
  const names = Object.keys(signed)
  expect(names.length).toBeGreaterThan(8)
  for (const name of names) {
    expect([name, isSigned({ ...signed, [name]: 'other' }, sig)]).toEqual([name, false])
    const rest = Object.fromEntries(Object.entries(signed).filter(([other]) => other !== name))
    expect([name, isSigned(rest, sig)]).toEqual([name, false])
  }
  expect(isSigned({ ...signed, more: 1 }, sig)).toBe(false)
})

test('whatever the members are called, a signed leaf is canonical', () => {
  const value = fc.jsonValue()
  const names = fc.oneof(
    fc.string(),
    fc.constantFrom('sia', 'sif', 'sih', 'sigh', 'si', 'Sig', 'ü'),
  )
  const stamped = new Set(['v', 'at', 'clock', 'sig', 'type', '__proto__'])
  fc.assert(
    fc.property(
      fc.dictionary(
        names.filter((name) => !stamped.has(name)),
        value,
      ),
      (members) => {
        const leaf = stored({ ...members, type: 'test' })
        const { sig, ...signed } = leaf
        expect(isSigned(signed, sig)).toBe(true)
      },
    ),
  )
})

test('without a signer a leaf has no signature', () => {
  const { line } = prepared(intent('a'), { nowText: AT, after: null })
  expect(line.toString()).toBe(`${canonicalJson({ ...intent('a'), v: 2, at: AT })}\n`)
})

test.for(['v', 'at', 'clock', 'sig'])('a caller cannot give its leaf a %s', (name) => {
  expect(() => stored({ ...intent('a'), [name]: 'x' })).toThrow(`a leaf with a ${name} of its own`)
})

function prepared(...draft: Parameters<typeof draftLeaf>): PreparedLeaf {
  const [leaf] = signLeaves([draftLeaf(...draft)])
  if (leaf === undefined) throw new Error('no leaf')
  return leaf
}

/** Only a canonical leaf comes out. */
function stored(leaf: object, after: string | null = null): Record<string, unknown> {
  const { line } = prepared(leaf, { nowText: AT, after, signer: key })
  const found = parseCanonical(line.subarray(0, -1))
  if (found === undefined) throw new Error(`not canonical: ${line.toString()}`)
  return found
}

function isSigned(leaf: object, sig: unknown): boolean {
  const value = typeof sig === 'object' && sig !== null ? Reflect.get(sig, 'value') : ''
  return verify(
    'sha256',
    Buffer.from(`sekisho/leaf/v2\n${canonicalJson(leaf)}`),
    { key: key.publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(String(value), 'base64'),
  )
}
