import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ToolRelease, toolRelease } from '../core/tool-release.ts'
import { canonicalCall } from '../llm/calls/canonical-call.ts'
import type { ClaimedCall } from './claim.ts'
import { readTranscript, TRANSCRIPT_CLIENTS } from './clients/all.ts'
import { findUnreleased } from './unreleased.ts'

const AT = '2026-11-22T10:00:00.000Z'
const SINCE = Date.parse(AT) - 1000

function claimed(id: string | null, command: string, more: Partial<ClaimedCall> = {}): ClaimedCall {
  const call = { at: AT, id, tool: 'Bash', type: 'tool_use', format: 'json' as const }
  return { ...call, arguments: JSON.stringify({ command }), ...more }
}

/** As the gate records what it hands over. */
function released(call: ClaimedCall): ToolRelease[] {
  const read = canonicalCall({ ...call, index: 0, callId: call.id }, { provider: 'p', model: 'm' })
  if (read.kind === 'refused') throw new Error(read.reason)
  return read.actions.map(toolRelease)
}

const lines = (...objects: unknown[]): string =>
  objects.map((one) => JSON.stringify(one)).join('\n')

const ls = claimed('toolu_1', 'ls')

test.for<
  [
    name: string,
    calls: ClaimedCall[],
    releases: ToolRelease[],
    unreleased: number,
    unclaimed: number,
  ]
>([
  ['a call that was released', [ls], released(ls), 0, 0],
  ['a call that nobody released', [ls], [], 1, 0],
  ['a call of the same arguments, by another id', [claimed('other', 'ls')], released(ls), 0, 0],
  ['a call of other arguments, by another id', [claimed('other', 'rm x')], released(ls), 1, 1],
  [
    'a call of which the client has changed the order',
    [claimed(null, '', { arguments: '{"command":"ls","a":1}' })],
    released(claimed(null, '', { arguments: '{"a":1,"command":"ls"}' })),
    0,
    0,
  ],
  [
    'the same call twice, released once',
    [claimed(null, 'ls'), claimed(null, 'ls')],
    released(claimed(null, 'ls')),
    1,
    0,
  ],
  ['one call that is told twice', [ls, ls], released(ls), 0, 0],
  ['a release that nobody claims', [], released(ls), 0, 1],
  [
    'one that has an id and one that has not, of the same arguments',
    [claimed(null, 'ls'), ls],
    released(ls),
    1,
    0,
  ],
  [
    'arguments that nobody can read',
    [claimed(null, '', { arguments: '{"a":1,"a":2}' })],
    released(ls),
    1,
    1,
  ],
  [
    'one id that two calls have, as some servers give them',
    [claimed('call_0', 'ls'), claimed('call_0', 'id')],
    [...released(claimed('call_0', 'ls')), ...released(claimed('call_0', 'id'))],
    0,
    0,
  ],
  [
    'a tool of which the client has repaired the name',
    [claimed('a', 'ls', { tool: 'bash' })],
    released(claimed('a', 'ls')),
    0,
    0,
  ],
  [
    'another tool of the same arguments',
    [claimed(null, 'ls', { tool: 'Other' })],
    released(claimed(null, 'ls')),
    1,
    1,
  ],
])('%s', ([, calls, releases, unreleased, unclaimed]) => {
  const check = findUnreleased(calls, releases, SINCE)
  expect([check.unreleased.length, check.unclaimed]).toEqual([unreleased, unclaimed])
})

test.for<[name: string, call: ClaimedCall]>([
  ['other arguments', claimed('toolu_1', 'ls -l')],
  ['another tool', claimed('toolu_1', 'ls', { tool: 'Read' })],
  ['arguments that nobody can read', claimed('toolu_1', '', { arguments: '{"a":1,"a":2}' })],
])('a call that was released, with %s, is another one', ([, call]) => {
  const check = findUnreleased([call], released(ls), SINCE)
  expect(check).toMatchObject({ unreleased: [], changed: [call], unclaimed: 0 })
})

test('a call with a secret that its client covers is known by its id and its tool', () => {
  const covered = claimed('toolu_1', 'ls ***', { isCovered: true })
  const check = (call: ClaimedCall): number[] => {
    const { unreleased, changed } = findUnreleased([call], released(ls), SINCE)
    return [unreleased.length, changed.length]
  }
  expect(check(covered)).toEqual([0, 0])
  expect(check({ ...covered, tool: 'Read' })).toEqual([0, 1])
  expect(check({ ...covered, id: 'x' })).toEqual([1, 0])
})

test('a call that is told with its arguments and with others is one too many', () => {
  const other = claimed('toolu_1', 'rm x')
  expect(findUnreleased([ls, other], released(ls), SINCE)).toMatchObject({
    unreleased: [],
    changed: [other],
  })
})

test.for<
  [name: string, sent: Record<string, unknown>, tool: string, told: Record<string, unknown>]
>([
  [
    'a command without its cd to where it is',
    { command: 'cd /w && ls -l' },
    'Bash',
    { command: 'ls -l' },
  ],
  [
    'an escape that was escaped',
    { command: String.raw`cd /w && find . -exec ls \\;` },
    'Bash',
    { command: String.raw`find . -exec ls \;` },
  ],
  ['a field that it does not know', { command: 'ls', bogus: 1 }, 'Bash', { command: 'ls' }],
  [
    'a file without blanks at the ends of its lines',
    { file_path: '/w/a', content: 'a  \n' },
    'Write',
    { file_path: '/w/a', content: 'a\n' },
  ],
  [
    'a default',
    { file_path: '/w/a', old_string: 'a', new_string: 'b' },
    'Edit',
    { replace_all: false, file_path: '/w/a', old_string: 'a', new_string: 'b' },
  ],
])('Claude Code writes down otherwise than it came: %s', ([, sent, tool, told]) => {
  const releases = released(claimed('toolu_1', '', { tool, arguments: JSON.stringify(sent) }))
  const line = (input: unknown): string =>
    lines({
      type: 'assistant',
      timestamp: AT,
      cwd: '/w',
      message: { content: [{ type: 'tool_use', id: 'toolu_1', name: tool, input }] },
    })
  const check = (input: unknown): number[] => {
    const transcript = { content: Buffer.from(line(input)), journal: null }
    const { calls = [] } = readTranscript('claude-code', transcript) ?? {}
    const { unreleased, changed } = findUnreleased(calls, releases, SINCE)
    return [unreleased.length, changed.length]
  }
  expect(check(told)).toEqual([0, 0])
  expect(check({ ...told, command: 'rm -r x', file_path: '/w/b' })).toEqual([0, 1])
})

test('what an earlier session has left in the client’s log is not held against this one', () => {
  const check = findUnreleased([ls, claimed('b', 'id', { at: null })], [], SINCE + 5000)
  expect(check).toMatchObject({ compared: 1, earlier: 1, unreleased: [{ id: 'b' }] })
})

test('a program of Codex is one release for each call in it, and is known by itself', () => {
  const program = 'await tools.exec_command({cmd: "ls -l"}); await tools.exec_command({cmd: "id"})'
  const call = claimed('call_1', '', {
    tool: 'exec',
    type: 'custom_tool_call',
    arguments: program,
    format: 'text',
  })
  const releases = released(call)
  expect(releases.length).toBeGreaterThan(1)
  expect(findUnreleased([call], releases, SINCE).unreleased).toEqual([])
  expect(findUnreleased([{ ...call, id: 'x' }], releases, SINCE)).toMatchObject({
    unreleased: [],
    unclaimed: 0,
  })
  const other = { ...call, id: 'x', arguments: program.replace('id', 'rm') }
  expect(findUnreleased([other], releases, SINCE).unreleased).toHaveLength(1)
})

test.for<[client: string, text: string, calls: ClaimedCall[]]>([
  [
    'claude-code',
    lines(
      { type: 'user', message: { content: [{ type: 'tool_use', id: 'x', name: 'Bash' }] } },
      {
        type: 'assistant',
        timestamp: AT,
        message: {
          content: [
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: 'ls' } },
            { type: 'server_tool_use', id: 'srv', name: 'web_search', input: {} },
          ],
        },
      },
    ),
    [ls],
  ],
  [
    'codex',
    lines(
      {
        timestamp: AT,
        type: 'response_item',
        payload: { type: 'function_call', name: 'shell', call_id: 'c1', arguments: '{"a":1}' },
      },
      {
        timestamp: AT,
        type: 'response_item',
        payload: { type: 'custom_tool_call', name: 'exec', call_id: 'c2', input: 'tools.x()' },
      },
      {
        timestamp: AT,
        type: 'response_item',
        payload: { type: 'local_shell_call', call_id: 'c3', action: { command: ['ls'] } },
      },
      { timestamp: AT, type: 'response_item', payload: { type: 'web_search_call' } },
    ),
    [
      {
        at: AT,
        id: 'c1',
        tool: 'shell',
        type: 'function_call',
        arguments: '{"a":1}',
        format: 'json',
      },
      {
        at: AT,
        id: 'c2',
        tool: 'exec',
        type: 'custom_tool_call',
        arguments: 'tools.x()',
        format: 'text',
      },
      {
        at: AT,
        id: 'c3',
        tool: 'local_shell_call',
        type: 'local_shell_call',
        arguments: '{"command":["ls"]}',
        format: 'json',
      },
    ],
  ],
  [
    'gemini-cli',
    JSON.stringify({
      messages: [
        { timestamp: AT, toolCalls: [{ id: 'own', name: 'read_file', args: { path: '/x' } }] },
      ],
    }),
    [
      {
        at: AT,
        id: 'own',
        tool: 'read_file',
        type: 'functionCall',
        arguments: '{"path":"/x"}',
        format: 'json',
      },
    ],
  ],
])('calls in the log of %s', ([name, text, calls]) => {
  const transcript = { content: Buffer.from(text), journal: null }
  expect(readTranscript(name, transcript)?.calls).toMatchObject(calls)
})

test('whatever an agent writes into its log, reading and comparing it ends without a fault', () => {
  const json = fc.json({ maxDepth: 5 })
  fc.assert(
    fc.property(fc.array(fc.oneof(json, fc.string())), (texts) => {
      const text = texts.join('\n')
      for (const { read } of TRANSCRIPT_CLIENTS) {
        const { calls } = read({ content: Buffer.from(text), journal: null })
        expect(findUnreleased(calls, [], 0).unreleased.length).toBeLessThanOrEqual(calls.length)
      }
    }),
  )
})
