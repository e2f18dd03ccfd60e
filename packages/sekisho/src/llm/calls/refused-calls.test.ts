import { expect, test } from 'vitest'
import type { ProposedCall } from '../format.ts'
import { canonicalCall } from './canonical-call.ts'
import { OF, proposed } from './testing/proposed.ts'

test.for<[what: string, call: ProposedCall, reason: RegExp]>([
  ['no JSON', proposed('Bash', {}, { arguments: '{"command":' }), /no JSON/],
  [
    'a name twice',
    proposed('Bash', {}, { arguments: '{"command":"ls","command":"rm"}' }),
    /stands twice/,
  ],
  [
    'a name twice, spelled in two ways',
    proposed('Bash', {}, { arguments: '{"command":"ls","c\\u006fmmand":"rm"}' }),
    /stands twice/,
  ],
  ['a lone surrogate', proposed('x', {}, { arguments: '{"a":"\\ud800"}' }), /surrogate/],
  ['a number without bound', proposed('x', {}, { arguments: '{"a":1e999}' }), /too large/],
  ['no shell line', proposed('Bash', { command: 'rm "x' }), /shell line/],
  ['no program', proposed('exec', 'await tools.'), /JavaScript/],
  ['no patch', proposed('apply_patch', 'x'), /names no file/],
  ['many commands', proposed('Bash', { command: 'a;'.repeat(70) }), /64 commands/],
  [
    'many files',
    proposed('Bash', { command: `cat ${Array.from({ length: 70 }, (_, i) => `/${i}`).join(' ')}` }),
    /64 files/,
  ],
  [
    'many calls in one',
    proposed('batch', { tool_calls: Array(33).fill({ tool: 'read', parameters: {} }) }),
    /32 calls/,
  ],
  ['an empty batch', proposed('batch', { tool_calls: [] }), /names none/],
  ['a batch without names', proposed('batch', { tool_calls: [{}] }), /without a name/],
  [
    'a tool that is named twice',
    proposed('tool_call', { id: 'read', name: 'exec', args: { command: 'ls' } }),
    /one way/,
  ],
  [
    'input in two places',
    proposed('tool_call', { id: 'exec', args: { command: 'ls' }, command: 'rm' }),
    /several places/,
  ],
  [
    'input in a third place',
    proposed('tool_call', { id: 'exec', 'args.command': 'rm' }),
    /several places/,
  ],
  [
    'wrappers without end',
    proposed('tool_call', {
      id: 'tool_call',
      args: {
        id: 'tool_call',
        args: {
          id: 'tool_call',
          args: { id: 'tool_call', args: { id: 'tool_call', args: { id: 'exec', args: {} } } },
        },
      },
    }),
    /within calls/,
  ],
])('%s is refused', ([, call, reason]) => {
  expect(canonicalCall(call, OF)).toEqual({
    kind: 'refused',
    reason: expect.stringMatching(reason),
  })
})
