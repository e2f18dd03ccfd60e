import { expect, test } from 'vitest'
import type { SpendEntry } from '../wire/spend.ts'
import { NOTHING } from './measures.ts'
import { SpendState } from './spend-state.ts'
import { NOW, SPENDER, ask, budget, used, takenOf } from './testing/spending.ts'

const HOUR = 3_600_000

test('a call counts with its worst case until it is settled, and then with what it came to', () => {
  const state = new SpendState()
  const budgets = [budget({ max: { tokens: 1000, microUsd: 1000, calls: 9 } })]
  const call = ask(300, 400)
  expect(state.reserve(call, budgets, NOW)).toMatchObject({
    kind: 'granted',
    outputTokens: 400,
    microUsd: 700,
  })
  expect(state.status(budgets, NOW)).toEqual(
    [
      ['microUsd', 1000, 700],
      ['tokens', 1000, 700],
      ['calls', 9, 1],
    ].map(([measure, max, taken]) => ({
      budget: 'b',
      per: 'platform',
      subject: 'all',
      measure,
      max,
      taken,
      inFlight: taken,
      breaker: 'closed',
      untilMs: null,
    })),
  )
  const { overshoot } = state.settle({ session: 's-1', id: call.id }, used(100, 50), NOW)
  expect(overshoot).toEqual([])
  expect(state.status(budgets, NOW)).toMatchObject([
    { taken: 150, inFlight: 0 },
    { taken: 150, inFlight: 0 },
    { taken: 1, inFlight: 0 },
  ])
})

test('one that was never made counts for nothing, and one that nobody tells of stands', () => {
  const state = new SpendState()
  const budgets = [budget({})]
  const [first, second] = [ask(300, 256), ask(100, 256)]
  state.reserve(first, budgets, NOW)
  state.reserve(second, budgets, NOW)
  state.settle({ session: 's-1', id: first.id }, NOTHING, NOW)
  state.settle({ session: 's-1', id: second.id }, 'as reserved', NOW)
  expect(takenOf(state, budgets)).toEqual([356])
  // a second word on it changes nothing
  state.settle({ session: 's-1', id: second.id }, NOTHING, NOW)
  expect(takenOf(state, budgets)).toEqual([356])
})

test('where not all of the output fits, less is granted', () => {
  const state = new SpendState()
  const budgets = [budget({})]
  expect(state.reserve(ask(300, 64_000), budgets, NOW)).toMatchObject({
    kind: 'granted',
    outputTokens: 700,
  })
})

test.for([
  ['microUsd', { microUsd: 1000 }, 600],
  ['tokens', { tokens: 1000 }, 600],
  ['output', { output: 500 }, 500],
  ['the tightest of several', { output: 500, tokens: 900, microUsd: 800 }, 400],
  ['calls do not bound a reply', { calls: 1 }, 64_000],
  ['nor does input', { input: 400 }, 64_000],
] as const)('%s: what is granted is what is left', ([, max, wanted]) => {
  const state = new SpendState()
  const answer = state.reserve(ask(400, 64_000), [budget({ max })], NOW)
  expect(answer).toMatchObject({ kind: 'granted', outputTokens: wanted })
})

test.for([
  [
    'tokens',
    { tokens: 600 },
    'budget b: 0 tokens of at most 600 tokens in all are used up, and this may come to 657 tokens',
  ],
  [
    'money',
    { microUsd: 600 },
    'budget b: 0.00 USD of at most 0.0006 USD in all are used up, and this may come to 0.000657 USD',
  ],
  [
    'input',
    { input: 399 },
    'budget b: 0 tokens of input of at most 399 tokens of input in all are used up, and this may come to 401 tokens of input',
  ],
  [
    'cache reads',
    { cacheRead: 399 },
    'budget b: 0 tokens read from caches of at most 399 tokens read from caches in all are used up, and this may come to 401 tokens read from caches',
  ],
  [
    'calls',
    { calls: 0 },
    'budget b: 0 calls of at most 0 calls in all are used up, and this may come to 1 calls',
  ],
] as const)('too little %s for the least reply is refused, and says so', ([, max, reason]) => {
  const state = new SpendState()
  expect(state.reserve(ask(401, 256), [budget({ max })], NOW)).toMatchObject({
    kind: 'exceeded',
    budget: 'b',
    reason,
  })
})

test('money without a price is refused, and tokens without one are not', () => {
  const state = new SpendState()
  const call = ask(1, 1, { price: null })
  expect(state.reserve(call, [budget({ max: { microUsd: 5000 } })], NOW)).toMatchObject({
    kind: 'exceeded',
    budget: 'no-price',
    reason: 'budget b is one of money, and m has no price',
  })
  expect(state.reserve(call, [budget({})], NOW)).toMatchObject({ kind: 'granted', microUsd: null })
})

test.for([
  ['session', ['s-1']],
  ['chain', ['s-0']],
  ['agent', ['coder']],
  ['user', ['ann']],
  ['team', ['finance', 'tools']],
  ['tenant', ['default']],
  ['platform', ['all']],
] as const)('per %s it counts for %s', ([per, subjects]) => {
  const state = new SpendState()
  const budgets = [budget({ per })]
  state.reserve(ask(10, 10), budgets, NOW)
  expect(state.status(budgets, NOW)).toMatchObject(
    subjects.map((subject) => ({ subject, taken: 20 })),
  )
})

test.for([
  ['agent', { agent: 'coder' }, 1],
  ['another agent', { agent: 'other' }, 0],
  ['user', { user: 'ann' }, 1],
  ['another user', { user: 'bob' }, 0],
  ['team', { team: 'tools' }, 1],
  ['another team', { team: 'sales' }, 0],
  ['model', { model: 'm*' }, 1],
  ['another model', { model: 'n' }, 0],
] as const)('of one %s it counts those calls alone', ([, of, count]) => {
  const state = new SpendState()
  const budgets = [budget({ of, per: of === undefined ? 'platform' : 'tenant' })]
  state.reserve(ask(10, 10), budgets, NOW)
  expect(takenOf(state, budgets)).toEqual(Array.from({ length: count }, () => 20))
})

test('of one team it counts for that team and no other that its user is in', () => {
  const state = new SpendState()
  const budgets = [budget({ per: 'team', of: { team: 'tools' } })]
  state.reserve(ask(10, 10), budgets, NOW)
  expect(state.status(budgets, NOW).map(({ subject }) => subject)).toEqual(['tools'])
})

test('a team that is at its end stops a user who is in another that is not', () => {
  const state = new SpendState()
  const budgets = [budget({ per: 'team' })]
  const other = { ...SPENDER, user: 'bob', teams: ['tools'] }
  state.reserve(ask(500, 500, { spender: other }), budgets, NOW)
  expect(state.reserve(ask(100, 256), budgets, NOW)).toMatchObject({ kind: 'exceeded' })
  const third = { ...SPENDER, user: 'cy', teams: ['finance'] }
  expect(state.reserve(ask(100, 256, { spender: third }), budgets, NOW).kind).toBe('granted')
})

test('what was spent in a window before counts no more', () => {
  const state = new SpendState()
  const budgets = [budget({ windowMs: HOUR })]
  const call = ask(300, 600)
  state.reserve(call, budgets, NOW)
  state.settle({ session: 's-1', id: call.id }, 'as reserved', NOW)
  expect(takenOf(state, budgets, NOW + HOUR)).toEqual([900])
  expect(takenOf(state, budgets, NOW + HOUR + HOUR / 16)).toEqual([0])
  expect(state.snapshot(NOW + 2 * HOUR)).toEqual([])
})

test('a call that comes back in the next window gives back what it took in the one before', () => {
  const state = new SpendState()
  const budgets = [budget({ calendar: 'day' })]
  const [late, next] = [ask(300, 600), ask(10, 256)]
  state.reserve(late, budgets, NOW)
  const tomorrow = NOW + 24 * HOUR
  state.reserve(next, budgets, tomorrow)
  state.settle({ session: 's-1', id: late.id }, used(1, 1), tomorrow)
  expect(takenOf(state, budgets, tomorrow)).toEqual([266])
})

test('what comes to more than was reserved is counted as it is, and told', () => {
  const state = new SpendState()
  const budgets = [budget({ max: { tokens: 1000, microUsd: 10_000 } })]
  const call = ask(10, 10)
  state.reserve(call, budgets, NOW)
  const { overshoot } = state.settle({ session: 's-1', id: call.id }, used(900, 10), NOW)
  expect(overshoot).toEqual(['microUsd', 'tokens'])
  expect(takenOf(state, budgets)).toEqual([910, 910])
})

test('a call that nothing was asked for before counts by the budgets that there are by then', () => {
  const state = new SpendState()
  const budgets = [budget({})]
  state.count(SPENDER, used(600, 300), { budgets, nowMs: NOW })
  expect(state.reserve(ask(100, 256), budgets, NOW)).toMatchObject({ kind: 'exceeded' })
})

test('after a crash all of it counts, with what was in flight as it was reserved', () => {
  const file: SpendEntry[] = []
  const before = new SpendState()
  const budgets = [budget({ max: { tokens: 10_000 } }), budget({ id: 'c', per: 'session' })]
  const [first, second] = [ask(100, 256), ask(200, 256)]
  file.push(...before.reserve(first, budgets, NOW).entries)
  file.push(...before.reserve(second, budgets, NOW).entries)
  file.push(...before.settle({ session: 's-1', id: first.id }, used(50, 50), NOW).entries)
  const after = new SpendState()
  after.load(file)
  expect(after.status(budgets, NOW)).toMatchObject([{ budget: 'b', taken: 556, inFlight: 0 }])
  const anew = new SpendState()
  anew.load(after.snapshot(NOW))
  expect(anew.status(budgets, NOW)).toEqual(after.status(budgets, NOW))
  // what it says of a call of the life before changes nothing: it stands as it was reserved
  anew.settle({ session: 's-1', id: second.id }, used(1, 1), NOW)
  expect(takenOf(anew, budgets)).toEqual([556])
})

test('a session is over with its own sums, and its calls may come back after it', () => {
  const state = new SpendState()
  const budgets = [budget({ per: 'session' }), budget({ id: 'c', per: 'agent' })]
  const call = ask(100, 256)
  state.reserve(call, budgets, NOW)
  state.endSession('s-1')
  state.settle({ session: 's-1', id: call.id }, used(10, 10), NOW)
  expect(state.status(budgets, NOW)).toMatchObject([{ budget: 'c', taken: 20, inFlight: 0 }])
})

test('a budget whose maximum changes goes on; one that counts something else begins anew', () => {
  const state = new SpendState()
  state.reserve(ask(100, 256), [budget({})], NOW)
  expect(takenOf(state, [budget({ max: { tokens: 2000 } })])).toEqual([356])
  expect(takenOf(state, [budget({ of: { model: 'm' } })])).toEqual([])
})
