import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SettleProblem, SettleResult } from '../wire/solver.ts'
import { settle } from './settle.ts'
import { Z3 } from './z3.ts'

let z3: Z3
beforeAll(async () => {
  z3 = await Z3.open()
})
afterAll(() => z3.close())

function settled(problem: SettleProblem): Promise<SettleResult> {
  return settle(problem, { ask: z3.ask, timeoutMs: 60_000, now: () => performance.now() })
}

const sum = (max: number, ...names: string[]): SettleProblem['constraints'][number] => ({
  terms: names.map((variable) => ({ variable, factor: 1 })),
  max,
})

test('a sum that holds at its greatest holds', async () => {
  const variables = { spent: 40, next: { min: 0, max: 10 } }
  expect(await settled({ variables, given: [], constraints: [sum(50, 'spent', 'next')] })).toEqual({
    kind: 'holds',
  })
  expect(await settled({ variables, given: [], constraints: [sum(49, 'spent', 'next')] })).toEqual({
    kind: 'violated',
    constraint: 0,
    values: { spent: 40, next: 10 },
  })
})

test('what is known between variables counts', async () => {
  const variables = { a: { min: 0, max: 10 }, b: { min: 0, max: 10 } }
  const given = [sum(12, 'a', 'b')]
  expect(await settled({ variables, given, constraints: [sum(12, 'b', 'a')] })).toEqual({
    kind: 'holds',
  })
  const answer = await settled({ variables, given, constraints: [sum(20, 'a'), sum(11, 'b', 'a')] })
  expect(answer).toMatchObject({ kind: 'violated', constraint: 1 })
})

test('a variable of which nothing is said settles nothing', async () => {
  expect(await settled({ variables: {}, given: [], constraints: [sum(1, 'x')] })).toEqual({
    kind: 'unknown',
    why: 'nothing is said of x',
  })
})

test('the same is settled with and without z3', async () => {
  const quantity: fc.Arbitrary<number | { min: number; max: number }> = fc.oneof(
    fc.integer({ min: -20, max: 20 }),
    fc
      .tuple(fc.integer({ min: -9, max: 9 }), fc.nat(9))
      .map(([min, more]) => ({ min, max: min + more })),
  )
  const constraint = fc.record({
    terms: fc.array(
      fc.record({
        variable: fc.constantFrom('a', 'b', 'c'),
        factor: fc.integer({ min: -3, max: 3 }),
      }),
      { maxLength: 4 },
    ),
    max: fc.integer({ min: -30, max: 60 }),
  })
  const problem: fc.Arbitrary<SettleProblem> = fc.record({
    variables: fc.record({ a: quantity, b: quantity, c: quantity }).map((all) => ({ ...all })),
    given: fc.constant<SettleProblem['given']>([]),
    constraints: fc.array(constraint, { maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(problem, async (plain) => {
      const known = { terms: [{ variable: 'a', factor: 1 }], max: 1000 }
      const [bounds, solver] = [await settled(plain), await settled({ ...plain, given: [known] })]
      expect(solver.kind).toBe(bounds.kind)
    }),
    { numRuns: 60 },
  )
})
