import { expect, test } from 'vitest'
import type { ModelApi } from '../../core/action.ts'
import {
  added,
  chunk,
  completed,
  done,
  fn,
  item,
  named,
  plain,
  run,
  start,
  stop,
  tool,
  useOf,
} from './testing/events.ts'

const of = (at: number, args: string): object =>
  item('function_call', { id: `i${at}`, call_id: `c${at}`, name: 'exec', arguments: args })

test.for<[string, ModelApi, string, string[]]>([
  [
    'a call without arguments has an empty object',
    'messages',
    named(start, useOf(0), stop(0)),
    ['Bash {}'],
  ],
  [
    'arguments in space are an empty object',
    'chat',
    plain(tool({ index: 0, id: 'a', function: { name: 'x', arguments: ' ' } })),
    ['x {}'],
  ],
  [
    'a stream that ends says that arguments are whole',
    'chat',
    plain(tool({ index: 0, function: { name: 'x', arguments: '{"a":1}' } })),
    ['x {"a":1}'],
  ],
  [
    'the call as it was before there were several',
    'chat',
    plain(
      chunk({ function_call: { name: 'x', arguments: '{"a"' } }),
      chunk({ function_call: { arguments: ':1}' } }),
      chunk({}, 'function_call'),
    ),
    ['x {"a":1}'],
  ],
  [
    'a custom tool of Chat takes a text',
    'chat',
    plain(
      tool({ index: 0, type: 'custom', custom: { name: 'x', input: 'ls' } }),
      tool({ index: 0, custom: { input: ' -l' } }),
      chunk({}, 'tool_calls'),
    ),
    ['x ls -l'],
  ],
  [
    'a call without an index is one by itself',
    'chat',
    plain(
      tool({ id: 'a', function: { name: 'x', arguments: '{}' } }),
      tool({ id: 'b', function: { name: 'y', arguments: '{}' } }),
      chunk({}, 'tool_calls'),
    ),
    ['x {}', 'y {}'],
  ],
  [
    'a call that comes with the end of its choice',
    'chat',
    plain({
      choices: [
        {
          index: 0,
          delta: { tool_calls: [{ index: 0, function: { name: 'x', arguments: '{}' } }] },
          finish_reason: 'tool_calls',
        },
      ],
    }),
    ['x {}'],
  ],
  [
    'a program of Codex',
    'responses',
    named(
      added(item('custom_tool_call', { call_id: 'c', name: 'exec', input: '' })),
      {
        type: 'response.custom_tool_call_input.delta',
        item_id: 'i1',
        output_index: 0,
        delta: 'await x()',
      },
      done(item('custom_tool_call', { call_id: 'c', name: 'exec', input: 'await x()' })),
    ),
    ['exec await x()'],
  ],
  [
    'a local shell',
    'responses',
    named(
      done(item('local_shell_call', { call_id: 'c', action: { type: 'exec', command: ['ls'] } })),
    ),
    ['local_shell_call {"action":{"type":"exec","command":["ls"]}}'],
  ],
  [
    'a shell of the client',
    'responses',
    named(
      done(item('shell_call', { call_id: 'c', action: { commands: ['ls'] }, environment: null })),
    ),
    ['shell_call {"action":{"commands":["ls"]},"environment":null}'],
  ],
  [
    // the item says whose shell it is, and clients go by the tools that they offered
    'a shell that is said to be of the provider',
    'responses',
    named(
      done(
        item('shell_call', {
          call_id: 'c',
          action: { commands: ['ls'] },
          environment: { type: 'container_reference' },
        }),
      ),
    ),
    ['shell_call {"action":{"commands":["ls"]},"environment":{"type":"container_reference"}}'],
  ],
  [
    'calls whose items end when all have been told',
    'responses',
    named(
      ...[0, 1].flatMap((at) => [
        added(of(at, ''), at),
        {
          type: 'response.function_call_arguments.delta',
          output_index: at,
          delta: `{"a":${at}}`,
        },
      ]),
      ...[0, 1].map((at) => done(of(at, `{"a":${at}}`), at)),
    ),
    ['exec {"a":0}', 'exec {"a":1}'],
  ],
  [
    'a patch',
    'responses',
    named(
      done(
        item('apply_patch_call', { call_id: 'c', operation: { type: 'delete_file', path: 'a' } }),
      ),
    ),
    ['apply_patch_call {"operation":{"type":"delete_file","path":"a"}}'],
  ],
  [
    'a question whether a tool of MCP may run',
    'responses',
    named(
      done(item('mcp_approval_request', { name: 'x', arguments: '{"a":1}', server_label: 's' })),
    ),
    ['mcp__s__x {"a":1}'],
  ],
  [
    'a tool of a server of MCP, by its namespace',
    'responses',
    named(done({ ...fn('{"a":1}'), namespace: 'mcp__s__' })),
    ['mcp__s__exec {"a":1}'],
  ],
  [
    'a tool of any other namespace, which clients differ about',
    'responses',
    named(done({ ...fn('{"a":1}'), namespace: 'clock' })),
    ['exec {"a":1}'],
  ],
  [
    'a search for tools by the client',
    'responses',
    named(done(item('tool_search_call', { execution: 'client', arguments: { q: 1 } }))),
    ['tool_search_call {"execution":"client","arguments":{"q":1}}'],
  ],
  [
    'a call that is told only at the end',
    'responses',
    named(completed(fn('{"a":1}'))),
    ['exec {"a":1}'],
  ],
  [
    'a call that the end tells otherwise is another',
    'responses',
    named(done(fn('{"a":1}')), completed(fn('{"a":2}'))),
    ['exec {"a":1}', 'exec {"a":2}'],
  ],
  [
    'a call that the end tells again is the same',
    'responses',
    named(added(fn('')), done(fn('{}')), completed(fn('{}'))),
    ['exec {}'],
  ],
])('%s (%s)', ([, api, text, want]) => {
  const { judged, output, refused } = run(api, text)
  expect([...judged.values()]).toEqual(want)
  expect({ output, refused }).toEqual({ output: text, refused: null })
})
