import fc from 'fast-check'
import { expect, test } from 'vitest'
import { budget, NOW, PRICE, SPENDER } from './testing/spending.ts'
import { amountsOf, worstAmounts } from './measures.ts'
import { SpendState } from './spend-state.ts'
import { BudgetStatus } from '../wire/spend.ts'

const MOST = Number.MAX_SAFE_INTEGER
const tokens = fc.oneof(fc.nat(2000), fc.maxSafeNat(), fc.constant(MOST))

test('sums beyond exact numbers are the greatest of them', () => {
  const usage = { input: MOST, cacheRead: MOST, cacheWrite: MOST, output: MOST }
  expect(amountsOf(usage, MOST).tokens).toBe(MOST)
  expect(worstAmounts({ promptTokens: 1, price: PRICE }, MOST)).toMatchObject({
    tokens: MOST,
    microUsd: MOST,
  })
})

test('whatever calls ask for and come to, all numbers are ones that the wire takes', () => {
  const call = fc.record({ prompt: tokens, output: tokens, input: tokens, came: tokens })
  const max = fc.record({ tokens, output: tokens, microUsd: tokens })
  fc.assert(
    fc.property(max, fc.array(call, { maxLength: 8 }), (most, calls) => {
      const state = new SpendState()
      const budgets = [budget({ max: most })]
      const seen: number[] = []
      calls.forEach(({ prompt, output }, index) => {
        const asked = { id: `a-${index}`, spender: SPENDER, price: PRICE }
        const worst = { promptTokens: prompt, outputTokens: output }
        const answer = state.reserve({ ...asked, ...worst }, budgets, NOW)
        seen.push(...answer.breakers.map(({ observed }) => observed))
      })
      calls.forEach(({ input, came }, index) => {
        const usage = { input, cacheRead: input, cacheWrite: input, output: came }
        state.settle({ session: SPENDER.session, id: `a-${index}` }, amountsOf(usage, came), NOW)
      })
      expect(seen.filter((each) => !Number.isSafeInteger(each))).toEqual([])
      for (const status of state.status(budgets, NOW)) BudgetStatus.parse(status)
    }),
  )
})
