import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addLongs,
  type CedarLong,
  divideLong,
  longOf,
  moduloLong,
  multiplyLongs,
  negateLong,
  subtractLongs,
} from './long.ts'

const MIN = -(2n ** 63n)
const MAX = 2n ** 63n - 1n

/** Around zero, around the safe integers' ends and around 64 bits' ends. */
const longs = fc
  .oneof(
    fc.bigInt(MIN, MAX),
    fc.bigInt(-100n, 100n),
    fc.bigInt(2n ** 53n - 4n, 2n ** 53n + 4n),
    fc.bigInt(-(2n ** 53n) - 4n, -(2n ** 53n) + 4n),
    fc.bigInt(MAX - 3n, MAX),
    fc.bigInt(MIN, MIN + 3n),
  )
  .map((value) => [value, inOneForm(value)] as const)

function inOneForm(value: bigint): CedarLong {
  const long = longOf(value)
  if (long === null) throw new RangeError('not of 64 bits')
  return long
}

/** What 64 bits hold of an exact result; null where it does not fit. */
function fitted(value: bigint): CedarLong | null {
  if (value < MIN || value > MAX) return null
  return value >= -(2n ** 53n) + 1n && value <= 2n ** 53n - 1n ? Number(value) : value
}

test.for([
  ['sums', addLongs, (a: bigint, b: bigint) => a + b],
  ['differences', subtractLongs, (a: bigint, b: bigint) => a - b],
  ['products', multiplyLongs, (a: bigint, b: bigint) => a * b],
] as const)('%s are exact in 64 bits or none', ([, ours, exact]) => {
  fc.assert(
    fc.property(longs, longs, ([a, left], [b, right]) => {
      expect(ours(left, right)).toBe(fitted(exact(a, b)))
    }),
    { numRuns: 2_000 },
  )
})

test('a Long has one form, so that === compares', () => {
  fc.assert(
    fc.property(longs, ([value, long]) => {
      expect(long).toBe(fitted(value))
    }),
  )
  expect(longOf(MAX + 1n)).toBe(null)
  expect(longOf(MIN - 1n)).toBe(null)
  expect(Object.is(multiplyLongs(0, -5), 0)).toBe(true)
})

test('only the least Long has no negative', () => {
  expect(negateLong(inOneForm(MIN))).toBe(null)
  expect(negateLong(inOneForm(MAX))).toBe(inOneForm(-MAX))
})

test('quotients lose their fraction, remainders are never negative', () => {
  fc.assert(
    fc.property(longs, fc.constantFrom(60, 1_000, 86_400_000), ([exact, long], by) => {
      const divisor = BigInt(by)
      expect(divideLong(long, by)).toBe(fitted(exact / divisor))
      const rest = ((exact % divisor) + divisor) % divisor
      expect(moduloLong(long, by)).toBe(Number(rest))
    }),
    { numRuns: 1_000 },
  )
})
