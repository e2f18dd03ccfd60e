import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startThreadClock } from '../../core/testing/thread-clock.ts'
import type { Reading, Transcript } from '../claim.ts'
import { findUnreleased } from '../unreleased.ts'
import { readTranscript, TRANSCRIPT_CLIENTS, withJournals } from './all.ts'

const lines = (...objects: unknown[]): string =>
  objects.map((one) => JSON.stringify(one)).join('\n')
const AT = '2026-11-22T10:00:00.000Z'

type Claims = Pick<Reading, 'claims' | 'unread'>

test.for<{ client: string; name: string; text: string; want: Claims }>([
  {
    client: 'claude-code',
    name: 'a command, a fetch and another tool, and nothing of what the user or a tool says',
    text: lines(
      { type: 'user', message: { content: [{ type: 'tool_use', name: 'Bash' }] } },
      {
        type: 'assistant',
        timestamp: AT,
        message: {
          content: [
            { type: 'text', text: 'I will look.' },
            { type: 'tool_use', name: 'Bash', input: { command: 'ls' } },
            { type: 'tool_use', name: 'WebFetch', input: { url: 'https://a.example/' } },
            { type: 'tool_use', name: 'TodoWrite', input: {} },
          ],
        },
      },
    ),
    want: {
      claims: [
        { at: AT, tool: 'Bash', did: { kind: 'command', command: 'ls' } },
        { at: AT, tool: 'WebFetch', did: { kind: 'fetch', url: 'https://a.example/' } },
        { at: AT, tool: 'TodoWrite', did: { kind: 'other' } },
      ],
      unread: 0,
    },
  },
  {
    client: 'codex',
    name: 'a shell’s script, a command as a text, and a patch',
    text: lines(
      { type: 'session_meta', payload: { id: 'x' } },
      {
        timestamp: AT,
        type: 'response_item',
        payload: {
          type: 'function_call',
          name: 'shell',
          arguments: '{"command":["bash","-lc","make test"]}',
        },
      },
      {
        timestamp: AT,
        type: 'response_item',
        payload: { type: 'function_call', name: 'exec_command', arguments: '{"cmd":"ls -l"}' },
      },
      {
        timestamp: AT,
        type: 'response_item',
        payload: { type: 'custom_tool_call', name: 'apply_patch', input: '*** Begin Patch' },
      },
    ),
    want: {
      claims: [
        { at: AT, tool: 'shell', did: { kind: 'command', command: 'make test' } },
        { at: AT, tool: 'exec_command', did: { kind: 'command', command: 'ls -l' } },
        { at: AT, tool: 'apply_patch', did: { kind: 'other' } },
      ],
      unread: 0,
    },
  },
  {
    client: 'codex',
    name: 'what a script of its code mode calls with plain arguments, and not what it computes',
    text: lines({
      timestamp: AT,
      type: 'response_item',
      payload: {
        type: 'custom_tool_call',
        name: 'exec',
        input: String.raw`text((await tools.exec_command({"cmd":"echo \"}\" > a","tty":{}})).output); tools.exec_command({cmd: x})`,
      },
    }),
    want: {
      claims: [{ at: AT, tool: 'exec', did: { kind: 'command', command: 'echo "}" > a' } }],
      unread: 0,
    },
  },
  {
    client: 'gemini-cli',
    name: 'tool calls of a chat in one object',
    text: JSON.stringify({
      messages: [
        {
          type: 'gemini',
          timestamp: AT,
          toolCalls: [{ name: 'run_shell_command', args: { command: 'pwd' } }],
        },
      ],
    }),
    want: {
      claims: [{ at: AT, tool: 'run_shell_command', did: { kind: 'command', command: 'pwd' } }],
      unread: 0,
    },
  },
  {
    client: 'claude-code',
    name: 'a line that is cut, which is counted',
    text: `${lines({ type: 'assistant' })}\n{"type":"assist`,
    want: { claims: [], unread: 1 },
  },
])('$client: $name', ({ client, text, want }) => {
  expect(readTranscript(client, ofText(text))).toMatchObject(want)
})

const line = fc.oneof(
  fc.string(),
  fc.json(),
  fc
    .record({
      type: fc.constantFrom('assistant', 'response_item'),
      message: fc.jsonValue(),
      payload: fc.jsonValue(),
    })
    .map((o) => JSON.stringify(o)),
)

test('whatever an agent writes into its log, reading it ends and throws nothing', () => {
  expect(TRANSCRIPT_CLIENTS.length).toBeGreaterThan(4)
  fc.assert(
    fc.property(fc.array(line), (all) => {
      const text = all.join('\n')
      for (const { read } of TRANSCRIPT_CLIENTS) {
        expect(read(ofText(text)).unread).toBeLessThanOrEqual(text.split('\n').length)
      }
    }),
  )
})

const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`

test.for<[client: string, entry: object]>([
  ['claude-code', { type: 'assistant', message: { content: [{ type: 'tool_use', input: 0 }] } }],
  ['codex', { type: 'response_item', payload: { type: 'local_shell_call', action: 0 } }],
  ['gemini-cli', { toolCalls: [{ name: 'x', args: 0 }] }],
])(
  '%s: a call with arguments that are all depth is one that nobody has released',
  ([name, entry]) => {
    const text = JSON.stringify(entry).replace(/:0/, `:${DEEP}`)
    const { calls, unread } = readTranscript(name, ofText(`${text}\n{}`)) ?? {
      calls: [],
      unread: 1,
    }
    expect([findUnreleased(calls, [], 0).unreleased.length, unread]).toEqual([1, 0])
  },
)

test('a program of Codex that is all calls which do not end is read in no time', () => {
  const input = 'tools.exec_command({"cmd":'.repeat(300_000)
  const payload = { type: 'custom_tool_call', name: 'exec', input }
  const text = JSON.stringify({ type: 'response_item', payload })
  const tookMs = startThreadClock()
  expect(readTranscript('codex', ofText(text))).toMatchObject({ calls: { length: 1 }, unread: 0 })
  // each of them for itself takes minutes
  expect(tookMs()).toBeLessThan(5_000)
})

test('a client that nobody knows is not read', () => {
  expect(readTranscript('nobody', ofText(''))).toBe(null)
})

test('a database has its journal beside it, and what is without one stands by itself', () => {
  const file = (client: string, path: string): { client: string; path: string } => ({
    client,
    path,
  })
  const files = [
    file('opencode', 'a.db-wal'),
    file('opencode', 'a.db'),
    file('opencode', 'b.db'),
    file('opencode', 'c.db-wal'),
    file('openclaw', 'b.db-wal'),
    file('codex', 'a.db-wal'),
  ]
  const paths = withJournals(files).map(({ log, journal }) => [log.client, log.path, journal?.path])
  expect(paths).toEqual([
    ['opencode', 'a.db', 'a.db-wal'],
    ['opencode', 'b.db', undefined],
    ['opencode', 'c.db-wal', undefined],
    ['openclaw', 'b.db-wal', undefined],
    ['codex', 'a.db-wal', undefined],
  ])
})

function ofText(text: string): Transcript {
  return { content: Buffer.from(text), journal: null }
}
