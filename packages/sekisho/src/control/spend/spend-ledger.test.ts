import { afterEach, expect, test } from 'vitest'
import { SekishoError } from '../../core/error.ts'
import type { LlmBudget } from '../../wire/llm.ts'
import { ask, budget, closeWorlds, PRICE, SESSION, world } from './testing/spend-world.ts'
import type { SpendLedger } from './spend-ledger.ts'

afterEach(closeWorlds)

/** What such a call may come to, in tokens and so in micro-USD. */
const WORST = 1000 + 2048 + 256
const taken = async (ledger: SpendLedger): Promise<number[]> =>
  (await ledger.status()).map((status) => status.taken)

test('fifty that race for the last unit through a socket overshoot by nothing', async () => {
  const { client, ledger, supervisor } = await world([budget({ max: { microUsd: WORST * 3 } })])
  const answers = await Promise.all(Array.from({ length: 50 }, () => client.reserve(ask())))
  expect(answers.filter(({ kind }) => kind === 'reserved')).toHaveLength(3)
  expect(await taken(ledger)).toEqual([WORST * 3])
  expect(supervisor.entries).toHaveLength(3)
})

test('what is left is granted, and the gate is told how long the reply may be', async () => {
  const { client } = await world([budget({ max: { output: 300 } })])
  expect(await client.reserve(ask({ maxOutputTokens: 1000 }))).toEqual({
    kind: 'reserved',
    outputTokens: 300,
    counted: { input: 3048, cacheRead: 0, cacheWrite: 0, output: 300 },
  })
})

test('a call that asks for no length is reserved for the longest reply of its model', async () => {
  const { client, ledger } = await world([budget()])
  expect(await client.reserve(ask({ maxOutputTokens: null }))).toMatchObject({ outputTokens: null })
  expect(await taken(ledger)).toEqual([1000 + 2048 + 1000])
})

test('what it came to takes the place of what was reserved, over a restart of control', async () => {
  const { client, ledger, supervisor } = await world([budget()])
  const [first, second] = [ask(), ask()]
  await client.reserve(first)
  await client.reserve(second)
  const usage = { input: 10, cacheRead: 20, cacheWrite: 30, output: 40 }
  expect(client.settle(first.id, usage)).toEqual({ microUsd: 100, price: '2026-01-01' })
  await client.reserve(ask({ requestBytes: 0 })) // behind it in the same socket
  expect(await taken(ledger)).toEqual([100 + WORST + WORST - 1000])
  const after = await world([budget()], { supervisor })
  expect(await taken(after.ledger)).toEqual([100 + WORST + WORST - 1000])
})

test('one that was never made gives everything back, and one of which nobody knows nothing', async () => {
  const { client, ledger } = await world([budget()])
  const [never, unknown] = [ask(), ask()]
  await client.reserve(never)
  const reserved = await client.reserve(unknown)
  expect(client.settle(never.id, null)).toEqual({ microUsd: 0, price: '2026-01-01' })
  if (reserved.kind === 'reserved') client.settle(unknown.id, reserved.counted)
  const last = ask()
  await client.reserve(last)
  client.settle(last.id, null)
  expect(client.settle(last.id, null)).toEqual({ microUsd: null, price: '' })
  await client.reserve(ask({ model: 'm', requestBytes: 0, maxOutputTokens: 1 }))
  expect(await taken(ledger)).toEqual([WORST + 2049])
})

test('a budget that is exhausted is told once on record, with who and what', async () => {
  const { client, supervisor } = await world([budget({ per: 'session', max: { microUsd: WORST } })])
  await client.reserve(ask())
  const big = await client.reserve(ask({ requestBytes: 9000 }))
  expect(big).toMatchObject({ kind: 'deny', rules: ['budget.daily'] })
  expect(await client.reserve(ask({ requestBytes: 0 }))).toMatchObject({ rules: ['budget.daily'] })
  expect(supervisor.leaves).toEqual([
    {
      type: 'budget.breaker',
      session: SESSION,
      agent: 'coder',
      chain: SESSION,
      model: 'm',
      budget: 'daily',
      per: 'session',
      subject: SESSION,
      breaker: 'open',
      measure: 'microUsd',
      threshold: WORST,
      observed: 9000 + 2048 + 256,
      untilMs: Date.UTC(2026, 10, 23),
    },
  ])
})

test('calls in flight are cut when their budget is exhausted', async () => {
  const { client } = await world([budget({ per: 'session', max: { microUsd: WORST } })])
  const cut = new Promise<unknown>((resolve) => {
    void client
      .reserve(ask({ cut: resolve }))
      .then(() => client.reserve(ask({ requestBytes: 9000 })))
  })
  expect(await cut).toMatchObject({ kind: 'deny', rules: ['budget.daily'] })
})

// a number that the wire refuses ends control's connection, and with it all sessions
test.for([
  ['session', [Number.MAX_SAFE_INTEGER]],
  ['user', []],
] as const)(
  'a call that asks for more than can be counted exactly is refused alone, per %s',
  async ([per, observed]) => {
    const max = { tokens: 1_000_000, output: 900_000 }
    const { client, ledger, supervisor, reported } = await world([budget({ per, max })])
    await client.reserve(ask())
    const huge = ask({ requestBytes: 2_000_000, maxOutputTokens: Number.MAX_SAFE_INTEGER })
    expect(await client.reserve(huge)).toMatchObject({ kind: 'deny', rules: ['budget.daily'] })
    expect(reported).toEqual([])
    expect(supervisor.leaves.map((leaf) => leaf.observed)).toEqual(observed)
    expect((await taken(ledger)).toSorted((a, b) => a - b)).toEqual([256, WORST])
  },
)

test('what the wire would not take fails its own call, and no other', async () => {
  // the second is longer than what an account is kept by; two wait for the first to be written
  const names = ['ann', 'n'.repeat(600)]
  const { client, supervisor } = await world([budget()], {
    userOf: () => ({ name: names.shift() ?? 'ann', groups: [] }),
  })
  const answers = await Promise.all([1, 2, 3].map(() => client.reserve(ask())))
  expect(answers).toMatchObject([
    { kind: 'reserved' },
    { kind: 'deny', rules: ['invariant.ledger'] },
    { kind: 'reserved' },
  ])
  expect(supervisor.entries.map(({ kind }) => kind)).toEqual(['count', 'count'])
})

test('control that is gone, a disk that is full and a session that has ended reserve nothing', async () => {
  const full = await world([budget()])
  full.supervisor.broken = new SekishoError('LOG_UNWRITABLE', 'the disk is full')
  expect(await full.client.reserve(ask())).toEqual({
    kind: 'deny',
    rules: ['invariant.ledger'],
    reason: 'it cannot be counted: the disk is full',
  })
  full.supervisor.broken = undefined
  await full.client.reserve(ask())
  expect(await taken(full.ledger)).toEqual([WORST])
  full.cutOff()
  expect(await full.client.reserve(ask())).toMatchObject({ rules: ['invariant.ledger'] })
  const call = { id: 'x', agent: 'coder', uid: 1, provider: 'openai', model: 'm', price: null }
  await expect(
    full.ledger.reserve({
      ...call,
      session: `s-${'b'.repeat(20)}`,
      promptTokens: 1,
      outputTokens: 1,
    }),
  ).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' })
})

test('where no budget covers a call nobody is asked, and it is counted by those that are there when it ends', async () => {
  const mine: LlmBudget[] = []
  const { client, ledger } = await world(mine)
  const call = ask()
  expect(await client.reserve(call)).toMatchObject({ kind: 'reserved', outputTokens: null })
  mine.push(budget())
  client.settle(call.id, { input: 5, cacheRead: 0, cacheWrite: 0, output: 5 })
  await client.reserve(ask({ requestBytes: 0, maxOutputTokens: 1 }))
  expect(await taken(ledger)).toEqual([10 + 2049])
})

test.for([
  ['refused, by rule', { missingPrice: 'refuse' }, { rules: ['budget.no-price'] }],
  ['counted as the dearest', { missingPrice: 'dearest' }, { kind: 'reserved' }],
  [
    'refused where nothing has a price and a budget is of money',
    { missingPrice: 'dearest', prices: [] },
    { rules: ['budget.no-price'] },
  ],
] as const)('a model without a price is %s', async ([, llm, wanted]) => {
  const { client } = await world([budget()], {
    llm: { ...llm, prices: 'prices' in llm ? [] : [PRICE] },
  })
  expect(await client.reserve(ask({ model: 'unknown' }))).toMatchObject(wanted)
})

test('a model without a price that no budget of money covers is called, and its cost is not known', async () => {
  const { client } = await world([budget({ max: { tokens: 9000 } })], { llm: { prices: [] } })
  const call = ask()
  expect(await client.reserve(call)).toMatchObject({ kind: 'reserved' })
  expect(client.settle(call.id, { input: 1, cacheRead: 0, cacheWrite: 0, output: 1 })).toEqual({
    microUsd: null,
    price: '',
  })
})

test('a call that came to more than was reserved is reported, and counted as it was', async () => {
  const { client, ledger, reported } = await world([budget()])
  const call = ask()
  await client.reserve(call)
  client.settle(call.id, { input: 9000, cacheRead: 0, cacheWrite: 0, output: 0 })
  await client.reserve(ask({ requestBytes: 0, maxOutputTokens: 1 }))
  expect(reported).toEqual([`${SESSION} ${call.id} came to more than was reserved: microUsd`])
  expect(await taken(ledger)).toEqual([9000 + 2049])
})

test('many that wait are written together', async () => {
  const { client, supervisor } = await world([budget({ max: { calls: 1000 } })])
  await Promise.all(Array.from({ length: 50 }, () => client.reserve(ask())))
  expect(supervisor.entries).toHaveLength(50)
  expect(supervisor.writes).toBeLessThan(10)
})

test('a settlement is written with the reservation behind it, and by itself where none comes', async () => {
  const { client, supervisor } = await world([budget()])
  const [first, second] = [ask(), ask()]
  const usage = { input: 1, cacheRead: 0, cacheWrite: 0, output: 1 }
  await client.reserve(first)
  client.settle(first.id, usage)
  await client.reserve(second)
  expect([supervisor.writes, supervisor.entries.length]).toEqual([2, 3])
  client.settle(second.id, usage)
  await expect.poll(() => [supervisor.writes, supervisor.entries.length]).toEqual([3, 4])
})

test.for([
  ['a tier that costs twice is reserved twice', ['fast'], WORST * 2],
  ['one that nobody knows counts as the dearest there is', ['ultrafast'], WORST * 2],
] as const)('%s', async ([, tiers, worst]) => {
  const priced = { prices: [{ ...PRICE, tiers: { fast: 200 } }] }
  const { client, ledger } = await world([budget()], { llm: priced })
  expect(await client.reserve(ask({ tiers }))).toMatchObject({ kind: 'reserved' })
  expect(await taken(ledger)).toEqual([worst])
})
