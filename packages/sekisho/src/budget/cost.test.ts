import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ModelPrice, TokenUsage } from '../wire/llm.ts'
import { costOf, outputWithin, worstCost } from './cost.ts'

/** USD for a million tokens, as price pages have them, to micro-USD. */
const usd = (dollars: number): number => Math.round(dollars * 1_000_000)
const price = (over: Partial<ModelPrice>): ModelPrice => ({
  model: 'm',
  provider: null,
  input: usd(3),
  cacheRead: usd(0.3),
  cacheWrite: usd(3.75),
  cacheWriteLong: usd(6),
  output: usd(15),
  maxOutputTokens: 64_000,
  from: '2026-01-01',
  ...over,
})

test.for([
  ['nothing costs nothing', { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 }, 0],
  ['one token is rounded up, once', { input: 1, cacheRead: 1, cacheWrite: 1, output: 1 }, 23],
  [
    'what a cache keeps for an hour has its own price',
    { input: 0, cacheRead: 0, cacheWrite: 1_000_000, cacheWriteLong: 400_000, output: 0 },
    usd(0.6 * 3.75 + 0.4 * 6),
  ],
  [
    'more kept for an hour than was written counts as all of it',
    { input: 0, cacheRead: 0, cacheWrite: 10, cacheWriteLong: 99, output: 0 },
    60,
  ],
  [
    'beyond exact numbers it is the greatest of them',
    { input: Number.MAX_SAFE_INTEGER, cacheRead: 0, cacheWrite: 0, output: 0 },
    Number.MAX_SAFE_INTEGER,
  ],
] as const)('%s', ([, usage, micro]) => {
  expect(costOf(usage, price({}))).toBe(micro)
})

const tiered = price({
  cacheWriteLong: undefined,
  input: usd(1.25),
  cacheRead: usd(0.125),
  cacheWrite: usd(1.25),
  output: usd(10),
  above: {
    promptTokens: 200_000,
    input: usd(2.5),
    cacheRead: usd(0.25),
    cacheWrite: usd(2.5),
    output: usd(15),
  },
})

test.for([
  [200_000, 0, usd(0.25 + 0.01)],
  [200_001, 0, 515_003],
  // the prompt is all of its classes
  [150_000, 60_000, usd((150_000 * 2.5 + 60_000 * 0.25) / 1_000_000 + 0.015)],
] as const)(
  '%d and %d tokens of prompt are charged as their length says',
  ([input, read, micro]) => {
    const usage = { input, cacheRead: read, cacheWrite: 0, output: 1000 }
    expect(costOf(usage, tiered)).toBe(micro)
  },
)

const tokens = fc.integer({ min: 0, max: 3_000_000 })
const rate = fc.integer({ min: 0, max: 200_000_000 })
const rates = { input: rate, cacheRead: rate, cacheWrite: rate, output: rate }
const anyPrice = fc.record({
  ...rates,
  cacheWriteLong: rate,
  above: fc.option(fc.record({ ...rates, promptTokens: tokens }), { nil: undefined }),
})
const anyUsage = fc
  .record({ input: tokens, cacheRead: tokens, cacheWrite: tokens, output: tokens, long: tokens })
  .map(
    ({ long, ...usage }): TokenUsage => ({
      ...usage,
      cacheWriteLong: Math.min(long, usage.cacheWrite),
    }),
  )

test('no call costs more than the worst that its tokens may come to', () => {
  fc.assert(
    fc.property(anyUsage, anyPrice, (usage, over) => {
      const whole = price(over)
      const prompt = usage.input + usage.cacheRead + usage.cacheWrite
      expect(costOf(usage, whole)).toBeLessThanOrEqual(worstCost(prompt, usage.output, whole))
    }),
  )
})

test('what fits into a sum is the most that does', () => {
  fc.assert(
    fc.property(tokens, fc.integer({ min: 0, max: 2 ** 32 }), anyPrice, (prompt, sum, over) => {
      const whole = price({ ...over, output: over.output + 1 })
      const fits = outputWithin(sum, prompt, whole)
      const least = fits ?? -1
      if (fits !== null) expect(worstCost(prompt, fits, whole)).toBeLessThanOrEqual(sum)
      expect(worstCost(prompt, least + 1, whole)).toBeGreaterThan(sum)
    }),
  )
})

test('output that costs nothing always fits', () => {
  expect(outputWithin(300, 100, price({ output: 0, cacheWriteLong: usd(3) }))).toBeNull()
  expect(outputWithin(375, 100, price({ output: 0, cacheWriteLong: usd(3) }))).toBe(
    Number.MAX_SAFE_INTEGER,
  )
})
