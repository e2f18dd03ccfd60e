import { zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { ClaimedCall } from '../claim.ts'
import { openclaw } from './openclaw.ts'
import { made, quoted, recorded } from './testing/recorded.ts'

const DB = recorded('openclaw-2026.9.6.sqlite')

function told({ id, tool, arguments: json }: ClaimedCall): unknown[] {
  return [id, tool, JSON.parse(json)]
}

test('what OpenClaw has written: its calls, with what it wraps around them', () => {
  const { claims, calls, unread } = openclaw.read({ content: DB, journal: null })
  const edits = [{ oldText: 'result', newText: 'greeting' }]
  expect(calls.map(told)).toEqual([
    ['call_0', 'exec', { command: 'echo "a result" > greeting.txt' }],
    ['call_1', 'tool_call', { id: 'exec', args: { command: 'cat greeting.txt' } }],
    ['call_2', 'edit', { path: 'greeting.txt', edits }],
  ])
  expect(claims.map(({ did }) => did)).toEqual([
    { kind: 'command', command: 'echo "a result" > greeting.txt' },
    { kind: 'command', command: 'cat greeting.txt' },
    { kind: 'other' },
  ])
  expect(unread).toBe(0)
})

const event = (id: string): object => ({
  type: 'message',
  message: {
    role: 'assistant',
    content: [{ type: 'toolCall', id, name: 'exec', arguments: { command: 'id' } }],
  },
})
const hex = (bytes: Uint8Array): string => `x'${Buffer.from(bytes).toString('hex')}'`
const packed = (text: string): string => hex(zstdCompressSync(text))

test.for<[name: string, json: string, zstd: string, ids: string[], unread: number]>([
  ['a call', quoted(event('call_0')), 'NULL', ['call_0'], 0],
  ['a call of Responses, which has two ids', quoted(event('call_0|fc_1')), 'NULL', ['call_0'], 0],
  ['a call that is compressed', 'NULL', packed(JSON.stringify(event('call_0'))), ['call_0'], 0],
  ['what a user says', quoted({ type: 'message', message: { role: 'user' } }), 'NULL', [], 0],
  ['no JSON', "'{'", 'NULL', [], 1],
  ['what is not compressed', 'NULL', hex(Buffer.from('{}')), [], 1],
  [
    'what would become more than an event can be',
    'NULL',
    packed(JSON.stringify({ a: ' '.repeat(5e6) })),
    [],
    1,
  ],
  ['nothing at all', 'NULL', 'NULL', [], 1],
])('%s', ([, json, zstd, ids, unread]) => {
  const table = 'CREATE TABLE transcript_events (event_json, created_at, event_zstd)'
  const row = `INSERT INTO transcript_events VALUES (${json}, 1, ${zstd})`
  const read = openclaw.read(made(`${table}; ${row}`))
  expect([read.calls.map(({ id }) => id), read.unread]).toEqual([ids, unread])
})

test('of a command with a secret, which it covers, the beginning is claimed', () => {
  const covered = JSON.stringify(event('call_0')).replace(
    '"command":"id"',
    '"command":"echo sk-pro…Rs8t -H ***"',
  )
  const table = 'CREATE TABLE transcript_events (event_json, event_zstd)'
  const { calls, claims } = openclaw.read(
    made(`${table}; INSERT INTO transcript_events VALUES ('${covered}', NULL)`),
  )
  expect(claims.map(({ did }) => did)).toEqual([{ kind: 'command', command: 'echo ' }])
  expect(calls).toMatchObject([{ isCovered: true }])
})

test('what is compressed does not become more in all than anybody looks at', () => {
  const bomb = packed(`{"a":"${' '.repeat(4_000_000)}"}`)
  const rows = Array.from({ length: 20 }, () => `(NULL, ${bomb})`)
  const sql = `CREATE TABLE transcript_events (event_json, event_zstd); INSERT INTO transcript_events VALUES ${rows.join(',')}`
  expect(openclaw.read(made(sql)).unread).toBe(3)
})
