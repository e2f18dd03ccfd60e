import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { mlDsa44Check as opensslCheck } from '../crypto.ts'
import { mlDsa44Check } from './ml-dsa-44.ts'
import { expandA, inverseNtt, type Poly, Q } from './ml-dsa-ring.ts'

/**
 * Signatures of a key whose t1 is zero can be made by anybody, with any z and any hints: they are
 * right in everything but the one rule that a test is about, which then is what refuses them.
 */

const RHO = createHash('sha256').update('sekisho').digest()
const KEY = Buffer.concat([RHO, Buffer.alloc(1312 - 32)])
const MESSAGE = Buffer.from('sekisho')
const GAMMA_1 = 2 ** 17
const ALPHA = (Q - 1) / 44
const BOUND = GAMMA_1 - 78
const NO_HINTS: Hints = { positions: [], counts: [0, 0, 0, 0] }

/** As they are encoded: positions of all rows one after another, and where each row's end. */
type Hints = { positions: readonly number[]; counts: readonly number[] }

test.for([0, 1, -1, 5000, BOUND - 1, 1 - BOUND])('a z of %i is within the bound', (z) => {
  expect(verdicts(forge({ z, hints: NO_HINTS }))).toEqual([true, true])
})

test.for([BOUND, -BOUND, GAMMA_1, 1 - GAMMA_1])('a z of %i is refused', (z) => {
  expect(verdicts(forge({ z, hints: NO_HINTS }))).toEqual([false, false])
})

const CANONICAL: Hints = { positions: [1, 2, 2], counts: [2, 2, 3, 3] }
const ROWS: Rows = [[1, 2], [], [2], []]

test('hints in their one encoding are taken', () => {
  expect(verdicts(forge({ z: 0, hints: CANONICAL, rows: ROWS }))).toEqual([true, true])
})

test.for<[string, { hints: Hints; rows: Rows }]>([
  ['ends that go back', { hints: { positions: [1, 2], counts: [2, 1, 2, 2] }, rows: ROWS }],
  ['positions that go back', { hints: { ...CANONICAL, positions: [2, 1, 2] }, rows: ROWS }],
  [
    'a position twice',
    { hints: { positions: [1, 1], counts: [2, 2, 2, 2] }, rows: [[1], [], [], []] },
  ],
  ['bytes after the last', { hints: { ...CANONICAL, positions: [1, 2, 2, 7] }, rows: ROWS }],
  [
    '84 hints, the ends among them',
    {
      hints: { positions: [...upTo(77), 5, 6, 7], counts: [77, 78, 80, 84] },
      rows: [upTo(77), [5], [6, 7], [77, 78, 80, 84]],
    },
  ],
])('hints with %s are refused, though all else is right', ([, forged]) => {
  expect(verdicts(forge({ z: 0, ...forged }))).toEqual([false, false])
})

type Rows = readonly (readonly number[])[]

function verdicts(signature: Buffer): boolean[] {
  return [mlDsa44Check(KEY)(MESSAGE, signature), opensslCheck(KEY)(MESSAGE, signature)]
}

/** @param rows the hints that the encoding stands for, to whom it says anything */
function forge({ z, hints, rows }: { z: number; hints: Hints; rows?: Rows }): Buffer {
  const tr = shake256(KEY, 64)
  const mu = shake256(Buffer.concat([tr, Buffer.alloc(2), MESSAGE]), 64)
  const w1 = expandA(RHO).map(([first], row) => highBits(first, z, rows?.[row] ?? []))
  const c = shake256(Buffer.concat([mu, ...w1.map((poly) => packed(poly, 6))]), 32)
  const column = Array.from({ length: 256 }, (_, i) => GAMMA_1 - (i === 0 ? z : 0))
  const rest = Array.from({ length: 256 * 3 }, () => GAMMA_1)
  const encoded = Buffer.alloc(84)
  encoded.set(hints.positions)
  encoded.set(hints.counts, 80)
  return Buffer.concat([c, packed([...column, ...rest], 18), encoded])
}

/** Of A·z, where z is one coefficient of its first polynomial, and the hints (algorithm 40). */
function highBits(first: Poly | undefined, z: number, hints: readonly number[]): number[] {
  const factor = ((z % Q) + Q) % Q
  const product = first?.map((value) => (value * factor) % Q) ?? new Int32Array(256)
  return Array.from(inverseNtt(product), (value, i) => {
    const low = value % ALPHA > ALPHA / 2 ? (value % ALPHA) - ALPHA : value % ALPHA
    const high = value - low === Q - 1 ? 0 : (value - low) / ALPHA
    if (!hints.includes(i)) return high
    return low > 0 ? (high + 1) % 44 : (high + 43) % 44
  })
}

function packed(values: readonly number[], bits: number): Buffer {
  const bytes = Buffer.alloc((values.length * bits) / 8)
  for (const [i, value] of values.entries()) {
    for (let bit = 0; bit < bits; bit += 1) {
      const at = i * bits + bit
      const byte = at >> 3
      if ((value >> bit) % 2 === 1) bytes[byte] = (bytes[byte] ?? 0) | (1 << (at % 8))
    }
  }
  return bytes
}

function shake256(bytes: Buffer, outputLength: number): Buffer {
  return createHash('shake256', { outputLength }).update(bytes).digest()
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
