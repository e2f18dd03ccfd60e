import { expect, test } from 'vitest'
import type { LlmBudget } from '../wire/llm.ts'
import { amountsOf, NOTHING } from './measures.ts'
import { type Asked, SpendState } from './spend-state.ts'

const NOW = Date.UTC(2026, 10, 22, 12)
const DAY = 86_400_000
const daily = (tokens: number): LlmBudget => ({
  id: 'daily',
  per: 'agent',
  of: {},
  windowMs: null,
  calendar: 'day',
  max: { tokens },
})

let ids = 0
const ask = (promptTokens: number, session = 's-1', id = `a-${(ids += 1)}`): Asked => ({
  id,
  spender: { session, chain: session, agent: 'coder', user: 'ann', teams: [], model: 'm' },
  promptTokens,
  outputTokens: 256,
  price: null,
})
const came = (tokens: number): ReturnType<typeof amountsOf> =>
  amountsOf({ input: tokens, cacheRead: 0, cacheWrite: 0, output: 0 }, null)
/** All of it, by a call that is over. */
const exhaust = (state: SpendState, budgets: readonly LlmBudget[]): void =>
  void state.count(ask(0).spender, came(1000), { budgets, nowMs: NOW })
const OPEN = {
  budget: 'daily',
  per: 'agent',
  subject: 'coder',
  state: 'open',
  measure: 'tokens',
  threshold: 1000,
  observed: 1456,
  untilMs: Date.UTC(2026, 10, 23),
} as const

test('the first call after all is used up shuts the account, for smaller ones too, until the window is over', () => {
  const state = new SpendState()
  const budgets = [daily(1000)]
  exhaust(state, budgets)
  const refused = state.reserve(ask(200), budgets, NOW)
  expect(refused.breakers).toEqual([OPEN])
  const small = state.reserve(ask(1), budgets, NOW)
  expect(small).toMatchObject({
    kind: 'exceeded',
    budget: 'daily',
    reason:
      'budget daily is exhausted for this agent (coder) until 2026-11-23T00:00:00.000Z: a call would have come to 1456 tokens of at most 1000 tokens',
    breakers: [],
  })
  expect(state.status(budgets, NOW)).toMatchObject([{ breaker: 'open', untilMs: OPEN.untilMs }])
  const next = state.reserve(ask(1), budgets, NOW + DAY)
  expect(next).toMatchObject({ kind: 'granted', breakers: [{ ...OPEN, state: 'half-open' }] })
})

// how long a prompt and its reply may be is the agent's choice: one would shut out a whole team
test.for(['chain', 'agent', 'user', 'team', 'tenant', 'platform'] as const)(
  'a call that is too long for what is left is refused by itself, per %s',
  (per) => {
    const state = new SpendState()
    const budgets: LlmBudget[] = [{ ...daily(1000), per }]
    const teams = ['finance']
    const of = (asked: Asked): Asked => ({ ...asked, spender: { ...asked.spender, teams } })
    expect(state.reserve(of(ask(1_000_000)), budgets, NOW)).toMatchObject({
      kind: 'exceeded',
      budget: 'daily',
      entries: [],
      breakers: [],
      cuts: [],
    })
    expect(state.reserve(of(ask(744)), budgets, NOW).kind).toBe('granted')
  },
)

test.for([
  [949, []],
  [950, [{ state: 'open', observed: 950 + 256 }]],
] as const)('of a thousand that are shared, %i are used up', ([used, breakers]) => {
  const state = new SpendState()
  state.count(ask(0).spender, came(used), { budgets: [daily(1000)], nowMs: NOW })
  const refused = state.reserve(ask(0), [daily(1000)], NOW)
  expect(refused).toMatchObject({ kind: 'exceeded', breakers })
})

test('a session shuts itself out by a call that is too long', () => {
  const state = new SpendState()
  const budgets: LlmBudget[] = [{ ...daily(1000), per: 'session' }]
  expect(state.reserve(ask(1000), budgets, NOW)).toMatchObject({
    kind: 'exceeded',
    breakers: [{ state: 'open', subject: 's-1', observed: 1256 }],
  })
  expect(state.reserve(ask(1), budgets, NOW).kind).toBe('exceeded')
  expect(state.reserve(ask(1, 's-2'), budgets, NOW).kind).toBe('granted')
})

test('calls in flight of an account that is shut are ended', () => {
  const state = new SpendState()
  const budgets = [daily(1000)]
  state.reserve(ask(1, 's-1', 'in-flight'), budgets, NOW)
  state.reserve(ask(2, 's-2', 'other'), budgets, NOW)
  exhaust(state, budgets)
  const refused = state.reserve(ask(1), budgets, NOW)
  expect(
    refused.cuts.map(({ session, ids: which, budget }) => ({ session, which, budget })),
  ).toEqual([
    { session: 's-1', which: ['in-flight'], budget: 'daily' },
    { session: 's-2', which: ['other'], budget: 'daily' },
  ])
})

test('what would fit if calls in flight gave everything back shuts nothing', () => {
  const state = new SpendState()
  const budgets = [daily(1000)]
  const held = ask(600)
  state.reserve(held, budgets, NOW)
  expect(state.reserve(ask(600), budgets, NOW)).toMatchObject({
    kind: 'exceeded',
    reason:
      'budget daily: 856 tokens of at most 1000 tokens per agent (coder) in a day are used up or held for calls in flight, and this may come to 856 tokens; there may be room when they have ended',
    breakers: [],
    cuts: [],
  })
  state.settle({ session: 's-1', id: held.id }, NOTHING, NOW)
  expect(state.reserve(ask(600), budgets, NOW).kind).toBe('granted')
})

test('when it has room again one tries, others wait, and its end closes the account', () => {
  const state = new SpendState()
  const budgets = [daily(1000)]
  exhaust(state, budgets)
  state.reserve(ask(1), budgets, NOW)
  const probe = ask(1)
  const later = NOW + DAY
  expect(state.reserve(probe, budgets, later).breakers).toMatchObject([{ state: 'half-open' }])
  expect(state.reserve(ask(1), budgets, later)).toMatchObject({
    kind: 'exceeded',
    reason:
      'budget daily was exhausted for this agent (coder) and has room again; one call tries it, and others wait for its end',
  })
  expect(state.settle({ session: 's-1', id: probe.id }, came(1), later).breakers).toMatchObject([
    { state: 'closed' },
  ])
  expect(state.reserve(ask(1), budgets, later)).toMatchObject({ kind: 'granted', breakers: [] })
})

test('one that tries and whose session is over before its end does not keep others waiting', () => {
  const state = new SpendState()
  const budgets = [daily(1000)]
  const later = NOW + DAY
  exhaust(state, budgets)
  state.reserve(ask(1), budgets, NOW)
  const probe = ask(1, 's-1')
  state.reserve(probe, budgets, later)
  state.endSession('s-1')
  const next = ask(1, 's-2')
  expect(state.reserve(next, budgets, later).kind).toBe('granted')
  expect(state.settle({ session: 's-1', id: probe.id }, came(1), later).breakers).toEqual([])
  expect(state.settle({ session: 's-2', id: next.id }, came(1), later).breakers).toMatchObject([
    { state: 'closed' },
  ])
})

// a call may be held for a person for hours, or be read by its agent as slowly as it likes
test('one that tries for ten seconds keeps others waiting no longer', () => {
  const state = new SpendState()
  const budgets = [daily(1000)]
  exhaust(state, budgets)
  state.reserve(ask(1), budgets, NOW)
  const later = NOW + DAY
  const probe = ask(1)
  state.reserve(probe, budgets, later)
  expect(state.reserve(ask(1), budgets, later + 9999).kind).toBe('exceeded')
  expect(state.reserve(ask(1), budgets, later + 10_000)).toMatchObject({
    kind: 'granted',
    breakers: [{ ...OPEN, observed: 1257, state: 'closed' }],
  })
  expect(state.reserve(ask(1000), budgets, later + 10_000).kind).toBe('exceeded')
  expect(state.settle({ session: 's-1', id: probe.id }, came(1), later + 20_000).breakers).toEqual(
    [],
  )
})

test('one that tries and does not fit shuts it again', () => {
  const state = new SpendState()
  const budgets: LlmBudget[] = [{ ...daily(1000), per: 'session' }]
  state.reserve(ask(1000), budgets, NOW)
  expect(state.reserve(ask(1000), budgets, NOW + DAY).breakers).toMatchObject([
    { state: 'open', untilMs: Date.UTC(2026, 10, 24) },
  ])
})

test.for([
  ['raised', [daily(2000)], 'granted'],
  ['lifted', [{ ...daily(1000), max: { calls: 9 } }], 'granted'],
  ['left as it is', [daily(1000)], 'exceeded'],
  ['lowered', [daily(900)], 'exceeded'],
] as const)('a budget that is %s', ([, budgets, kind]) => {
  const state = new SpendState()
  exhaust(state, [daily(1000)])
  state.reserve(ask(1), [daily(1000)], NOW)
  expect(state.reserve(ask(1), budgets, NOW).kind).toBe(kind)
})

test('a budget for ever stays shut for ever', () => {
  const state = new SpendState()
  const budgets = [{ ...daily(1000), calendar: undefined, windowMs: null }]
  exhaust(state, budgets)
  expect(state.reserve(ask(1), budgets, NOW)).toMatchObject({ breakers: [{ untilMs: null }] })
  expect(state.reserve(ask(1), budgets, NOW + 1000 * DAY)).toMatchObject({
    kind: 'exceeded',
    reason: expect.stringContaining('until an operator raises it'),
  })
})

test('what is shut is shut after a restart, and a session that is over takes its own along', () => {
  const before = new SpendState()
  const own: LlmBudget = { ...daily(1000), id: 'own', per: 'session' }
  exhaust(before, [daily(1000)])
  const { entries } = before.reserve(ask(1), [daily(1000)], NOW)
  expect(before.reserve(ask(1000), [own], NOW)).toMatchObject({ breakers: [{}], entries: [] })
  before.endSession('s-1')
  expect(before.reserve(ask(1), [own], NOW).kind).toBe('granted')
  for (const kept of [entries, before.snapshot(NOW)]) {
    const after = new SpendState()
    after.load(kept)
    expect(after.reserve(ask(1), [daily(1000)], NOW).kind).toBe('exceeded')
  }
})
