import { expect, test } from 'vitest'
import { describeBody } from './leaf-text.ts'

const LEAF = {
  type: 'budget.breaker',
  agent: 'coder',
  chain: 's-1',
  model: 'm',
  budget: 'daily',
  per: 'team',
  subject: 'finance',
  measure: 'microUsd',
  threshold: 5_000_000,
  observed: 5_130_000,
  untilMs: Date.UTC(2026, 10, 23),
}

test.for([
  [
    { breaker: 'open' },
    'BUDGET daily is exhausted for team finance: 5.13 USD of at most 5.00 USD, until 2026-11-23T00:00:00.000Z; agent coder, m',
  ],
  [
    { breaker: 'open', untilMs: null, per: 'platform', subject: 'all', measure: 'calls' },
    'BUDGET daily is exhausted for all: 5130000 calls of at most 5000000 calls, until an operator raises it; agent coder, m',
  ],
  [
    { breaker: 'half-open' },
    'BUDGET daily has room again and is tried for team finance: 5.13 USD of at most 5.00 USD; agent coder, m',
  ],
  [
    { breaker: 'closed' },
    'BUDGET daily is open again for team finance: 5.13 USD of at most 5.00 USD; agent coder, m',
  ],
  [
    { breaker: 'melted', measure: 'joules' },
    'BUDGET daily melted for team finance: 5130000 of at most 5000000; agent coder, m',
  ],
] as const)('a breaker in words: %j', ([over, text]) => {
  expect(describeBody({ ...LEAF, ...over })).toBe(text)
})
