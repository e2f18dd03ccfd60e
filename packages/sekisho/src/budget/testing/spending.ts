import type { LlmBudget, ModelPrice } from '../../wire/llm.ts'
import type { Spender } from '../account.ts'
import { costOf } from '../cost.ts'
import { amountsOf } from '../measures.ts'
import type { Asked, SpendState } from '../spend-state.ts'

export const NOW = Date.UTC(2026, 10, 22, 12)

/** One micro-USD a token of any class. */
export const PRICE: ModelPrice = {
  model: 'm',
  provider: null,
  input: 1_000_000,
  cacheRead: 1_000_000,
  cacheWrite: 1_000_000,
  output: 1_000_000,
  maxOutputTokens: 64_000,
  from: '2026-01-01',
}
export const SPENDER: Spender = {
  session: 's-1',
  chain: 's-0',
  agent: 'coder',
  user: 'ann',
  teams: ['finance', 'tools'],
  model: 'm',
}

let ids = 0
export const ask = (
  promptTokens: number,
  outputTokens: number,
  over: Partial<Asked> = {},
): Asked => ({
  id: `a-${(ids += 1)}`,
  spender: SPENDER,
  promptTokens,
  outputTokens,
  price: PRICE,
  ...over,
})
export const budget = (over: Partial<LlmBudget>): LlmBudget => ({
  id: 'b',
  per: 'platform',
  of: {},
  windowMs: null,
  max: { tokens: 1000 },
  ...over,
})
export const used = (input: number, output: number): ReturnType<typeof amountsOf> => {
  const usage = { input, cacheRead: 0, cacheWrite: 0, output }
  return amountsOf(usage, costOf(usage, PRICE))
}
export const takenOf = (state: SpendState, budgets: readonly LlmBudget[], now = NOW): number[] =>
  state.status(budgets, now).map(({ taken }) => taken)
