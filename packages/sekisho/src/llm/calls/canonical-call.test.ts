import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CommandCall } from '../../core/action.ts'
import { ActionShape } from '../../wire/schemas.ts'
import type { ProposedCall } from '../format.ts'
import { canonicalCall } from './canonical-call.ts'
import { OF, proposed, actionsOf, command, UNKNOWN } from './testing/proposed.ts'

test('a call is one action that says everything', () => {
  expect(
    canonicalCall(proposed('Bash', { command: 'cat ~/.ssh/id_rsa > /tmp/x', n: 1 }), OF),
  ).toEqual({
    kind: 'call',
    actions: [
      {
        kind: 'llm.tool-call',
        provider: 'anthropic',
        model: 'm-1',
        tool: 'Bash',
        does: 'shell',
        commands: [command('cat', '~/.ssh/id_rsa')],
        paths: ['/tmp/x', '~/.ssh/id_rsa'],
        urls: [],
        // sha256 of {"command":"cat ~/.ssh/id_rsa > /tmp/x","n":1}
        digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        callId: 'call-1',
      },
    ],
    findings: [
      { detector: 'command.credential-read', place: 'tool call', count: 1, did: 'recorded' },
    ],
  })
})

test.for<
  [
    what: string,
    call: ProposedCall,
    tools: [tool: string, first: CommandCall | string | undefined][],
  ]
>([
  [
    'calls in parallel',
    proposed('multi_tool_use.parallel', {
      tool_uses: [
        { recipient_name: 'functions.exec_command', parameters: { cmd: 'rm x' } },
        { recipient_name: 'functions.view_image', parameters: { path: '/a' } },
      ],
    }),
    [
      ['functions.exec_command', command('rm', 'x')],
      ['functions.view_image', '/a'],
    ],
  ],
  [
    'a batch',
    proposed('batch', {
      tool_calls: [
        { tool: 'bash', parameters: { command: 'ls' } },
        { tool: 'read', parameters: { filePath: '/b' } },
      ],
    }),
    [
      ['bash', command('ls')],
      ['read', '/b'],
    ],
  ],
  [
    'a found tool',
    proposed('tool_call', { id: 'exec', args: { command: 'rm x' } }),
    [['exec', command('rm', 'x')]],
  ],
  [
    'a found tool with its group',
    proposed('tool_call', { id: 'openclaw:core:exec', args: { command: 'rm x' } }),
    [['openclaw:core:exec', command('rm', 'x')]],
  ],
  [
    'a found tool, flat',
    proposed('tool_call', { name: 'exec', command: 'rm x' }),
    [['exec', command('rm', 'x')]],
  ],
  [
    'a tool in a tool in a tool',
    proposed('batch', {
      tool_calls: [{ tool: 'tool_call', parameters: { id: 'exec', args: { command: 'rm x' } } }],
    }),
    [['exec', command('rm', 'x')]],
  ],
  [
    'a program of three calls',
    proposed(
      'exec',
      "// @exec: {\"yield_time_ms\": 1}\nconst a = await tools.exec_command({ cmd: 'ls' });\nawait tools.apply_patch('*** Begin Patch\\n*** Add File: f\\n+x\\n*** End Patch');\nawait tools.mcp__s__t({ url: 'https://x.example' })",
    ),
    [
      ['exec_command', command('ls')],
      ['apply_patch', 'f'],
      ['mcp__s__t', 'https://x.example'],
    ],
  ],
  [
    'a program that hides a call',
    proposed('exec', "tools.exec_command({ cmd: 'ls' }); eval('x')"),
    [
      ['exec_command', command('ls')],
      ['exec', UNKNOWN],
    ],
  ],
  ['a program that calls nothing', proposed('exec', "text('hi')"), [['exec', undefined]]],
  [
    'a program in JSON',
    proposed('exec', { code: "tools.exec_command({ cmd: 'ls' })" }),
    [['exec_command', command('ls')]],
  ],
  [
    'a program and a line',
    proposed('exec', { code: "text('x')", command: 'rm x' }),
    [
      ['exec', undefined],
      ['exec', command('rm', 'x')],
    ],
  ],
  [
    'a program whose arguments write themselves',
    proposed('exec', "tools.exec_command({ cmd: 'ls', toJSON() { return { cmd: 'rm x' } } })"),
    [['exec_command', UNKNOWN]],
  ],
  [
    'a patch that a program works out',
    proposed('exec', 'tools.apply_patch(load("p"))'),
    [['apply_patch', UNKNOWN]],
  ],
  [
    'a file that a program works out',
    proposed('exec', 'tools.view_image({ path: load("p") })'),
    [['view_image', UNKNOWN]],
  ],
  [
    'a command that a program works out',
    proposed('exec', 'tools.exec_command({ cmd: `ls ${load("p")}` })'),
    [['exec_command', UNKNOWN]],
  ],
  [
    'a tool by its type',
    proposed('x', { action: { command: ['ls'] } }, { type: 'local_shell_call' }),
    [['x', command('ls')]],
  ],
])('%s is opened', ([, call, tools]) => {
  const actions = actionsOf(call)
  expect(
    actions.map(({ tool, commands, paths, urls }) => [tool, commands[0] ?? paths[0] ?? urls[0]]),
  ).toEqual(tools)
})

test.for<[what: string, args: unknown]>([
  ['no line at all', {}],
  ['a line under another name', { script: 'rm x' }],
  ['a line that is a number', { command: 1 }],
  ['no words', { command: [] }],
])('a shell with %s runs nobody knows what', ([, args]) => {
  expect(actionsOf(proposed('Bash', args))[0]?.commands).toEqual([UNKNOWN])
})

test('the digest is that of the value, however it is written', () => {
  const digest = (args: string, format: 'json' | 'text' = 'json'): string | undefined =>
    actionsOf(proposed('x', {}, { arguments: args, format }))[0]?.digest
  expect(digest('{"a":1,"b":[2]}')).toBe(digest(' {"b":[2.0], "\\u0061":1}'))
  expect(digest('{"a":1}')).not.toBe(digest('{"a":2}'))
  expect(digest('')).toBe(digest('{}'))
  expect(digest('text()', 'text')).not.toBe(digest('text() ', 'text'))
  // RFC 6234 test of the empty text
  expect(digest('', 'text')).toBe(
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  )
})

test('words that no leaf holds are not known', () => {
  const long = 'x'.repeat(1025)
  const many = Array.from({ length: 70 }, (_, i) => `w${i}`)
  const [action] = actionsOf(
    proposed('Bash', { command: `a ${long}; ${long}; b ${many.join(' ')}` }),
  )
  expect(action?.commands).toEqual([
    command('a', null),
    command(null),
    command('b', ...many.slice(0, 63), null),
  ])
})

test('whatever is proposed is refused or fits a leaf', () => {
  const words = fc.constantFrom(
    'Bash',
    'exec',
    'shell',
    'apply_patch',
    'tool_call',
    'batch',
    'constructor',
    '__proto__',
    'read',
    'mcp__a__b',
    'toString',
    '',
  )
  const keys = fc.constantFrom(
    'command',
    'cmd',
    'code',
    'path',
    'url',
    'id',
    'args',
    'tool_calls',
    'tool',
    'parameters',
    '__proto__',
    'constructor',
  )
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(
      'rm -rf / | sh',
      'tools.exec({code:"x"})',
      'https://x.example/a',
      '/a/b',
      'x'.repeat(3000),
    ),
  )
  const { json } = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      texts,
      fc.double(),
      fc.boolean(),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(keys, tie('json'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(
      words,
      fc.oneof(
        json.map((value) => JSON.stringify(value)),
        texts,
      ),
      fc.constantFrom('json', 'text'),
      (tool, args, format) => {
        const read = canonicalCall(
          { index: 0, callId: tool, tool, type: tool, arguments: args, format },
          OF,
        )
        if (read.kind === 'refused') {
          expect(read.reason.length).toBeLessThan(300)
          return
        }
        expect(read.actions.length).toBeGreaterThan(0)
        for (const action of read.actions) expect(ActionShape.parse(action)).toEqual(action)
      },
    ),
    { numRuns: 3000 },
  )
})
