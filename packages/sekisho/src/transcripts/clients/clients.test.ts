import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Claims } from '../claim.ts'
import { TRANSCRIPT_CLIENTS } from './all.ts'

const lines = (...objects: unknown[]): string =>
  objects.map((one) => JSON.stringify(one)).join('\n')
const AT = '2026-11-22T10:00:00.000Z'

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
  expect(clientOf(client).read?.(text)).toEqual(want)
})

test('whatever an agent writes into its log, reading it ends and throws nothing', () => {
  const readers = TRANSCRIPT_CLIENTS.flatMap(({ read }) => read ?? [])
  expect(readers.length).toBeGreaterThan(2)
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
  fc.assert(
    fc.property(fc.array(line), (all) => {
      for (const read of readers)
        expect(read(all.join('\n')).unread).toBeLessThanOrEqual(all.join('\n').split('\n').length)
    }),
  )
})

function clientOf(name: string): (typeof TRANSCRIPT_CLIENTS)[number] {
  const client = TRANSCRIPT_CLIENTS.find((one) => one.name === name)
  if (client === undefined) throw new Error(`no client ${name}`)
  return client
}
