import { expect, test } from 'vitest'
import { SPEND_GROUPS, type SpendGroup, spendCells, SpendTally, sumOf } from './spend-tally.ts'

const call = (over: Record<string, unknown>): { leaf: Record<string, unknown> } => ({
  leaf: {
    type: 'llm.call',
    at: '2026-11-22T10:00:00.000Z',
    session: 's-1',
    provider: 'anthropic',
    model: 'claude-sonnet-5-5',
    served: null,
    usage: {},
    counted: { input: 1, cacheRead: 2, cacheWrite: 3, output: 4 },
    microUsd: 1_000_000,
    ...over,
  },
})

const tally = (group: SpendGroup): SpendTally => {
  const all = new SpendTally(group)
  all.addStart({ session: 's-1', agent: 'coder', initiator: { uid: 1000, pid: 1 } })
  all.addStart({ session: 's-2', agent: 'tester', initiator: { uid: 1000, pid: 2 } })
  all.addCall(call({}))
  all.addCall(
    call({
      session: 's-2',
      microUsd: 5_000_000,
      served: 'claude-sonnet-5-5-x',
      at: '2026-11-21T23:59:59.999Z',
    }),
  )
  all.addCall(call({ session: 's-3', provider: 'openai', model: 'm', microUsd: null, usage: null }))
  return all
}

test.for<[SpendGroup, [string, number, number][]]>([
  [
    'session',
    [
      ['s-2', 1, 5_000_000],
      ['s-1', 1, 1_000_000],
      ['s-3', 1, 0],
    ],
  ],
  [
    'agent',
    [
      ['tester', 1, 5_000_000],
      ['coder', 1, 1_000_000],
      ['?', 1, 0],
    ],
  ],
  [
    'user',
    [
      ['uid-1000', 2, 6_000_000],
      ['?', 1, 0],
    ],
  ],
  [
    'model',
    [
      ['anthropic:claude-sonnet-5-5-x', 1, 5_000_000],
      ['anthropic:claude-sonnet-5-5', 1, 1_000_000],
      ['openai:m', 1, 0],
    ],
  ],
  [
    'provider',
    [
      ['anthropic', 2, 6_000_000],
      ['openai', 1, 0],
    ],
  ],
  [
    'day',
    [
      ['2026-11-21', 1, 5_000_000],
      ['2026-11-22', 2, 1_000_000],
    ],
  ],
])('by %s', ([group, rows]) => {
  expect(
    tally(group)
      .rows()
      .map(({ key, calls, microUsd }) => [key, calls, microUsd]),
  ).toEqual(rows)
})

test('whatever they are grouped by, they come to the same', () => {
  const sums = SPEND_GROUPS.map((group) => sumOf(tally(group).rows()))
  for (const sum of sums) {
    expect(sum).toEqual({
      key: 'all',
      calls: 3,
      input: 3,
      cacheRead: 6,
      cacheWrite: 9,
      output: 12,
      microUsd: 6_000_000,
      unpriced: 1,
      untold: 1,
    })
  }
})

test('what is not known of a sum stands beside it', () => {
  expect(spendCells(sumOf(tally('day').rows()))).toEqual([
    'all',
    '3',
    '3',
    '6',
    '9',
    '12',
    '6.00 USD',
    '1 without a price, 1 estimated',
  ])
})
