import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LlmBudget } from '../wire/llm.ts'
import { type Asked, SpendState } from './spend-state.ts'
import { NOW, ask, budget, used, takenOf } from './testing/spending.ts'

type Step = { settles: boolean; at: number; prompt: number; output: number; comes: number }
const step = fc.record({
  settles: fc.boolean(),
  at: fc.nat(1000),
  prompt: fc.nat(400),
  output: fc.integer({ min: 1, max: 600 }),
  comes: fc.nat(1000),
})

/** Runs steps against a budget, and gives the highest that was ever really spent or still may be. */
function mostOf(steps: readonly Step[], budgets: readonly LlmBudget[]): number {
  const state = new SpendState()
  const flying: { call: Asked; granted: number }[] = []
  let [spent, most] = [0, 0]
  for (const { settles, at, prompt, output, comes } of steps) {
    const back = settles ? flying.splice(at % Math.max(1, flying.length), 1)[0] : undefined
    if (back !== undefined) {
      const came = Math.min(comes, back.granted)
      const actual = used(Math.min(comes, back.call.promptTokens), came)
      spent += actual.tokens ?? 0
      state.settle({ session: 's-1', id: back.call.id }, actual, NOW)
    } else {
      const call = ask(prompt, output)
      const answer = state.reserve(call, budgets, NOW)
      if (answer.kind === 'granted') flying.push({ call, granted: answer.outputTokens })
    }
    const worst = flying.reduce(
      (sum, { call, granted }) => sum + call.promptTokens + granted,
      spent,
    )
    most = Math.max(most, worst)
  }
  return most
}

test('whatever the order of calls and their ends, nothing that may yet come goes beyond a budget', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 120 }),
      fc.integer({ min: 0, max: 5000 }),
      (steps, max) => {
        expect(mostOf(steps, [budget({ max: { tokens: max } })])).toBeLessThanOrEqual(max)
        // at this price a token is a micro-USD
        expect(mostOf(steps, [budget({ max: { microUsd: max } })])).toBeLessThanOrEqual(max)
      },
    ),
  )
})

test('fifty that race for the last unit overshoot by nothing', () => {
  const state = new SpendState()
  const budgets = [budget({ max: { tokens: 1000, calls: 1000 } })]
  const kinds = Array.from({ length: 50 }, () => state.reserve(ask(44, 256), budgets, NOW).kind)
  expect(kinds.filter((kind) => kind === 'granted')).toHaveLength(3)
  expect(takenOf(state, budgets)).toEqual([900, 3])
})
