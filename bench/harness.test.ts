import fc from 'fast-check'
import { expect, test } from 'vitest'
import { measure, quantile, ratioOf, rowOf } from './harness.ts'

const numbers = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 })
const row = { unit: 'ms', min: 0, p99: 0 }

test.for([
  { name: 'of one value are that value', of: [7], want: { min: 7, median: 7, p99: 7 } },
  { name: 'do not depend on order', of: [3, 1, 2], want: { min: 1, median: 2, p99: 2.98 } },
  {
    name: 'of an even count fall between',
    of: [1, 2, 3, 4],
    want: { min: 1, median: 2.5, p99: 3.97 },
  },
  { name: 'compare numbers, not text', of: [10, 9, 100], want: { min: 9, median: 10, p99: 98.2 } },
])('the figures $name', ({ of, want }) => {
  const { min, median, p99 } = rowOf({ name: 'x', unit: 'ms' }, of)
  expect({ min, median, p99: Number(p99.toFixed(6)) }).toEqual(want)
})

test('the p99 of 1 to 101 is 100', () => {
  const values = Array.from({ length: 101 }, (_, index) => index + 1)
  expect(rowOf({ name: 'x', unit: 'ms' }, values).p99).toBe(100)
})

test('quantiles stay within the values and never fall', () => {
  fc.assert(
    fc.property(numbers, fc.double({ min: 0, max: 1, noNaN: true }), (values, at) => {
      const sorted = Float64Array.from(values).sort()
      const value = quantile(sorted, at)
      return value >= quantile(sorted, 0) && value <= quantile(sorted, 1)
    }),
  )
})

test.for([{ of: [] }, { of: [1, Number.NaN] }, { of: [Number.POSITIVE_INFINITY] }])(
  'samples $of make no row',
  ({ of }) => {
    expect(() => rowOf({ name: 'x', unit: 'ms' }, of)).toThrow(RangeError)
  },
)

test('peers take turns, and each round starts with the next one', async () => {
  const calls: string[] = []
  const peer = (name: string) => ({ name, unit: 'ms' as const, fn: () => void calls.push(name) })
  await measure([peer('a'), peer('b'), peer('c')], { rounds: 3, warmUpRounds: 1 })
  expect(calls.join('')).toBe('abc' + 'bca' + 'cab' + 'abc')
})

test('warm-up calls are made and not counted', async () => {
  let next = 0
  const [only] = await measure([{ name: 'x', unit: '1/s', sample: () => next++ }], {
    rounds: 3,
    warmUpRounds: 5,
  })
  expect(only).toEqual({ name: 'x', unit: '1/s', min: 5, median: 6, p99: 6.98 })
})

test.for([
  { unit: 'ms', least: 2 },
  { unit: 'us', least: 2_000 },
  { unit: 'ns', least: 2_000_000 },
] as const)('a call of 2 ms takes at least $least $unit', async ({ unit, least }) => {
  const busy = (): void => {
    const untilMs = performance.now() + 2
    while (performance.now() < untilMs);
  }
  const [only] = await measure([{ name: 'x', unit, fn: busy }], { rounds: 2, warmUpRounds: 0 })
  expect(only?.min).toBeGreaterThanOrEqual(least)
  expect(only?.min).toBeLessThan(least * 100)
})

test('a peer that fails ends the measurement', async () => {
  const failing = { name: 'x', unit: 'ms', sample: () => Promise.reject(new Error('refused')) }
  await expect(measure([failing], { rounds: 1 })).rejects.toThrow('refused')
})

test('a ratio divides medians', () => {
  const rows = [
    { ...row, name: 'ours', median: 3 },
    { ...row, name: 'theirs', median: 2 },
  ]
  expect(ratioOf(rows, 'ours', 'theirs')).toBe(1.5)
  expect(() => ratioOf(rows, 'ours', 'nobody')).toThrow('no row nobody')
})
