import { expect, test } from 'vitest'
import type { ModelPrice } from '../wire/llm.ts'
import { coversModel, dearest, priceAt, priceFor } from './price-list.ts'

const price = (model: string, over: Partial<ModelPrice> = {}): ModelPrice => ({
  model,
  provider: null,
  input: 1,
  cacheRead: 1,
  cacheWrite: 1,
  output: 1,
  maxOutputTokens: 1000,
  from: '2026-01-01',
  ...over,
})

const LIST = [
  price('*', { input: 900 }),
  price('gpt-*', { input: 100 }),
  price('gpt-5*', { input: 50 }),
  price('gpt-5', { input: 10 }),
  price('gpt-5', { input: 11, from: '2026-06-01' }),
  price('gpt-5', { input: 12, from: '2026-06-02', provider: 'azure' }),
  price('gpt-5-2026-03-01', { input: 9 }),
]

test.for([
  ['its own id before any beginning', 'openai', 'gpt-5', '2026-03-01', 10],
  ['the newest that is in force', 'openai', 'gpt-5', '2026-06-01', 11],
  ["the provider's own before any provider's", 'azure', 'gpt-5', '2026-07-01', 12],
  ['and not before its day', 'azure', 'gpt-5', '2026-06-01', 11],
  ['a dated id as the one without a date', 'openai', 'gpt-5-2025-08-07', '2026-03-01', 10],
  ['an id with a price of its own by that', 'openai', 'gpt-5-2026-03-01', '2026-03-01', 9],
  ['another model by the longest beginning', 'openai', 'gpt-5-mini', '2026-03-01', 50],
  ['a shorter beginning', 'openai', 'gpt-6', '2026-03-01', 100],
  ['anything', 'x', 'llama', '2026-03-01', 900],
  ['nothing before all days', 'openai', 'gpt-5', '2025-12-31', undefined],
] as const)('%s', ([, provider, model, day, input]) => {
  expect(priceFor(LIST, { provider, model, day })?.input).toBe(input)
})

test.for([
  ['claude-opus-4-5', 'claude-opus-4-5-20251101', true],
  ['claude-opus-4-5', 'claude-opus-4-5@20251101', true],
  ['claude-opus-4-5', 'claude-opus-4-5-latest', true],
  ['gpt-4.1', 'gpt-4.1-2025-04-14', true],
  ['gpt-5', 'gpt-5-mini', false],
  ['gpt-5', 'gpt-5-mini-2025-08-07', false],
  ['claude-opus-4', 'claude-opus-4-5-20251101', false],
  ['claude-opus-4*', 'claude-opus-4-5-20251101', true],
  ['a.c', 'abc', false],
] as const)('%s covers %s: %s', ([pattern, model, wanted]) => {
  expect(coversModel(pattern, model)).toBe(wanted)
})

test('the dearest is not cheaper than any, in any class, at any length', () => {
  const list = [
    price('a', { input: 5, output: 1, maxOutputTokens: 10 }),
    price('b', { cacheWrite: 7, cacheWriteLong: 9, from: '2026-02-01' }),
    price('c', {
      above: { promptTokens: 10, input: 1, cacheRead: 3, cacheWrite: 1, output: 20 },
    }),
    price('later', { input: 500, from: '2027-01-01' }),
  ]
  expect(dearest(list, '2026-11-22')).toEqual({
    model: '*',
    provider: null,
    input: 5,
    cacheRead: 3,
    cacheWrite: 7,
    cacheWriteLong: 9,
    output: 20,
    maxOutputTokens: 1000,
    from: '2026-02-01',
  })
  expect(dearest(list, '2025-01-01')).toBeUndefined()
})

test('tiers multiply what a model costs, rounded up, and one that is not known has no price', () => {
  const above = { promptTokens: 10, input: 3, cacheRead: 3, cacheWrite: 3, output: 3 }
  const tiered = price('m', { cacheWriteLong: 5, above, tiers: { fast: 250, us: 110, flex: 50 } })
  expect(priceAt(tiered, [])).toBe(tiered)
  expect(priceAt(tiered, ['auto', 'standard_only'])).toBe(tiered)
  expect(priceAt(tiered, ['fast', 'us'])).toMatchObject({
    input: 3,
    cacheWriteLong: 14,
    above: { input: 9, output: 9 },
  })
  expect(priceAt(tiered, ['flex'])).toMatchObject({ input: 1, cacheWriteLong: 3 })
  expect(priceAt(tiered, ['ultrafast'])).toBeUndefined()
  expect(priceAt(tiered, ['constructor'])).toBeUndefined()
  expect(dearest([tiered], '2026-11-22')).toMatchObject({ input: 8, cacheWriteLong: 13, output: 8 })
})

test.each([
  ['counts once however often it is said', ['fast', 'fast'], 250],
  ['is a discount where it is said twice alike', ['flex', 'flex'], 50],
  ['is no discount beside the usual one', ['flex', 'standard'], 100],
  ['is no discount beside a dearer one', ['flex', 'fast'], 250],
  ['is no discount beside another discount', ['flex', 'slow'], 100],
])('a tier %s', (_, asked, output) => {
  const tiered = price('m', { output: 100, tiers: { fast: 250, flex: 50, slow: 30 } })
  expect(priceAt(tiered, asked)).toMatchObject({ output })
})
