import { expect, test } from 'vitest'
import { type LeafFilter, readLeaves } from './read-leaves.ts'
import { end, intent, LogBuilder, outcome, SESSION, start } from './testing/build-log.ts'

const OTHER = 's-11111111111111111111'

test.for<{ name: string; filter: LeafFilter; want: [number, string][] }>([
  {
    name: 'every sealed leaf, in order',
    filter: {},
    want: [
      [0, 'session.start'],
      [1, 'action.intent'],
      [2, 'session.start'],
      [3, 'action.outcome'],
      [4, 'session.end'],
    ],
  },
  { name: 'one session', filter: { session: OTHER }, want: [[2, 'session.start']] },
  {
    name: 'some types',
    filter: { types: ['session.end', 'action.intent'] },
    want: [
      [1, 'action.intent'],
      [4, 'session.end'],
    ],
  },
  {
    name: 'from an index on',
    filter: { from: 3 },
    want: [
      [3, 'action.outcome'],
      [4, 'session.end'],
    ],
  },
  {
    name: 'every condition at once',
    filter: { session: SESSION, types: ['session.end'], from: 5 },
    want: [],
  },
])('gives $name', async ({ filter, want }) => {
  expect(await leavesOf(sample(), filter)).toEqual(want)
})

test('what no checkpoint seals yet is not given', async () => {
  const log = sample().leaf(intent('b'))
  expect(await leavesOf(log, { from: 5 })).toEqual([])
})

test('a batch that the next segment repeats is given once', async () => {
  const log = new LogBuilder().segment().batch(start)
  const before = log.saved()
  log.batch(intent('a')).segment(before).batch(intent('a')).batch(outcome('a'))
  expect(await leavesOf(log, {})).toEqual([
    [0, 'session.start'],
    [1, 'action.intent'],
    [2, 'action.outcome'],
  ])
})

test('a file that is no log is named with its line', async () => {
  const log = sample().line('hello')
  await expect(leavesOf(log, {})).rejects.toThrow('segment 2, line 5: not a log')
})

function sample(): LogBuilder {
  const log = new LogBuilder().segment()
  log.batch(start, intent('a')).batch({ ...start, session: OTHER })
  return log.segment().batch(outcome('a'), end)
}

function leavesOf(log: LogBuilder, filter: LeafFilter): Promise<[number, unknown][]> {
  return log.inDirectory(async (dir) => {
    const found: [number, unknown][] = []
    for await (const { index, leaf } of readLeaves(dir, filter)) found.push([index, leaf['type']])
    return found
  })
}
