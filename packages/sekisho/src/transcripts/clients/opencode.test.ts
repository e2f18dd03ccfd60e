import { expect, test } from 'vitest'
import type { ClaimedCall } from '../claim.ts'
import { opencode } from './opencode.ts'
import { made, quoted, recorded } from './testing/recorded.ts'

const DB = recorded('opencode-1.18.33.db')
const WAL = recorded('opencode-1.18.33.db-wal')

function told({ id, tool, arguments: json }: ClaimedCall): unknown[] {
  return [id?.slice(-1), tool, JSON.parse(json)]
}

const BASH = { command: 'echo "a result" > greeting.txt', description: 'Write it' }
test('what opencode has written: calls, those of its subagent, and none of a tool that there is not', () => {
  const { claims, calls, unread } = opencode.read({ content: DB, journal: WAL })
  const task = { description: 'A subagent', prompt: 'Do it', subagent_type: 'general' }
  expect(calls.map(told)).toEqual([
    ['1', 'task', task],
    // the subagent’s, which tried a tool that it does not have before
    ['2', 'bash', BASH],
    // its own
    ['2', 'bash', BASH],
  ])
  expect(calls.map(({ at }) => Date.parse(at ?? ''))).toEqual(
    calls.map(() => expect.toSatisfy((ms: number) => ms > Date.parse('2026-11-22'))),
  )
  expect(claims.map(({ did }) => did)).toEqual([
    { kind: 'other' },
    { kind: 'command', command: BASH.command },
    { kind: 'command', command: BASH.command },
  ])
  expect(unread).toBe(0)
})

test('without its journal, or with half of it, less is there and it is told', () => {
  // all of it is there still
  expect(opencode.read({ content: DB, journal: null })).toMatchObject({ calls: [], unread: 1 })
  const half = opencode.read({ content: DB, journal: WAL.subarray(0, WAL.length / 2) })
  // two frames of a transaction, and a piece of one
  expect([half.calls.length, half.unread]).toEqual([1, 3])
})

const call = (state: object): string =>
  quoted({ type: 'tool', tool: 'bash', callID: 'a', state: { input: { command: 'id' }, ...state } })

test.for<[name: string, data: string, calls: number, unread: number]>([
  ['a call that has run', call({ status: 'completed', time: { start: 1e12 } }), 1, 0],
  ['a call that failed', call({ status: 'error', time: { start: 1e99 } }), 1, 0],
  ['a call whose arguments are still to come', call({ status: 'pending' }), 0, 0],
  ['a text', quoted({ type: 'text', text: 'tool' }), 0, 0],
  ['no JSON', "'{'", 0, 1],
  ['no text', "x'00'", 0, 1],
])('%s', ([, data, calls, unread]) => {
  const read = opencode.read(
    made(`CREATE TABLE part (id TEXT, data); INSERT INTO part VALUES ('p', ${data})`),
  )
  expect([read.calls.length, read.claims.length, read.unread]).toEqual([calls, calls, unread])
})

test('a database of another form is told to be unread', () => {
  expect(opencode.read(made('CREATE TABLE message (id TEXT, data)'))).toEqual({
    claims: [],
    calls: [],
    unread: 1,
  })
})
