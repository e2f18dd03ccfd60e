import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ModelCallAction, ToolCallAction } from '../../core/action.ts'
import type { ToolRule } from '../../wire/policy.ts'
import { commandsOf, toolCall } from './testing/call.ts'
import { ToolIndex } from './tool-index.ts'

function rule(id: string, fields: Partial<ToolRule> = {}): ToolRule {
  const any = { tool: '*', does: [], programs: [], paths: [], hosts: [], unknown: false }
  return { id, effect: 'allow', ...any, ...fields }
}

const RULES: readonly ToolRule[] = [
  rule('read', { does: ['read'], paths: ['src/**', 'docs/**'] }),
  rule('git', { tool: 'Bash', programs: ['git', 'ls'] }),
  rule('git-too', { tool: 'Bash', programs: ['git'] }),
  rule('loop', { tool: 'Bash', programs: ['grep'], unknown: true }),
  rule('fetch', { does: ['fetch', 'shell'], programs: ['curl'], hosts: ['*.example.com'] }),
  rule('docs', { tool: 'WebFetch', hosts: ['docs.example.com'] }),
  rule('no-push', { effect: 'deny', programs: ['git-push', 'rm'] }),
  rule('no-keys', { effect: 'deny', paths: ['~/.ssh/**', '/etc/shadow'] }),
  rule('no-evil', { effect: 'deny', hosts: ['evil.example.com'] }),
  rule('no-agents', { effect: 'deny', tool: 'Agent' }),
]

function decide(call: ToolCallAction, rules: readonly ToolRule[] | null = RULES): string {
  const index = new ToolIndex(
    { rules: rules === null ? null : [...rules], serverTools: [] },
    () => 0,
  )
  const verdict = index.decideCall(call)
  return verdict.kind === 'allow'
    ? `allow ${verdict.rules.join(' ')}`
    : `${verdict.kind} ${verdict.rules.join(' ')}: ${verdict.kind === 'deny' ? verdict.reason : ''}`
}

const bash = (...lines: string[]): ToolCallAction => toolCall({ commands: commandsOf(...lines) })

test('an agent file that says nothing of tools grants every tool of the client', () => {
  expect(new ToolIndex(undefined, () => 0).decideCall(bash('rm -rf /'))).toEqual({
    kind: 'allow',
    rules: ['tools.any'],
  })
})

test.for<[string, ToolCallAction, string]>([
  ['is allowed by every rule that covers it', bash('git status'), 'allow git git-too'],
  [
    'is allowed by the rules of all its commands',
    bash('git log', 'grep ?'),
    'allow git git-too loop',
  ],
  [
    'is denied for the one command that none allows',
    bash('git log', 'make'),
    'deny tools.default: no rule of `tools` allows Bash (shell): make',
  ],
  [
    'is denied where only another tool may run its command',
    { ...bash('git log'), tool: 'Shell' },
    'deny tools.default: no rule of `tools` allows Shell (shell): git log',
  ],
  [
    'is denied where an argument is known only when it runs',
    bash('git ?'),
    'deny tools.default: no rule of `tools` allows Bash (shell): git <known only when it runs>',
  ],
  ['is allowed where a rule says that it may be unknown', bash('grep -r ? src'), 'allow loop'],
  [
    'is denied for a program that may be one that is denied',
    bash('git status', '? x'),
    'deny no-push: rule no-push denies Bash (shell): git status; <known only when it runs> x',
  ],
  [
    'is denied for a denied program, wherever that lies',
    bash('git status', '/tmp/rm -rf /'),
    'deny no-push: rule no-push denies Bash (shell): git status; /tmp/rm -rf /',
  ],
  [
    'is denied for a program of the same name in another directory',
    bash('/tmp/git status'),
    'deny tools.default: no rule of `tools` allows Bash (shell): /tmp/git status',
  ],
  [
    'is denied for a path that climbs to where none may go',
    { ...bash('git add'), paths: ['../../home/agent/.ssh/id'] },
    'deny no-keys: rule no-keys denies Bash (shell): git add',
  ],
  [
    'that reads is allowed where each of its paths is',
    toolCall({ tool: 'Read', does: 'read', paths: ['/workspace/src/a', 'docs/b'] }),
    'allow read',
  ],
  [
    'that reads is denied where one of them is not',
    toolCall({ tool: 'Read', does: 'read', paths: ['src/a', 'secrets'] }),
    'deny tools.default: no rule of `tools` allows Read (read): src/a, secrets',
  ],
  [
    'that reads and names nothing is denied',
    toolCall({ tool: 'Read', does: 'read' }),
    'deny tools.default: no rule of `tools` allows Read (read)',
  ],
  [
    'is allowed to the hosts of its rule',
    { ...bash('curl -s'), urls: ['https://api.example.com/x'] },
    'allow fetch',
  ],
  [
    'is denied to another host beside one of them',
    { ...bash('curl -s'), urls: ['https://api.example.com/x', 'https://other.example/'] },
    'deny tools.default: no rule of `tools` allows Bash (shell): curl -s',
  ],
  [
    'is denied where a URL may lead to a denied host',
    { ...bash('curl -s'), urls: ['https://api.example.com\\@evil.example.com/'] },
    'deny no-evil: rule no-evil denies Bash (shell): curl -s',
  ],
  [
    'without a command is not what a rule with programs allows',
    toolCall({ tool: 'WebFetch', does: 'fetch', urls: ['https://api.example.com/'] }),
    'deny tools.default: no rule of `tools` allows WebFetch (fetch): https://api.example.com/',
  ],
  [
    'of a tool that is denied is denied however its name is spelled',
    toolCall({ tool: 'AGENT', does: 'spawn' }),
    'deny no-agents: rule no-agents denies AGENT (spawn)',
  ],
])('a call %s', ([, call, expected]) => {
  expect(decide(call)).toBe(expected)
})

test('no rules at all allow nothing', () => {
  expect(decide(bash('ls'), [])).toBe(
    'deny tools.default: no rule of `tools` allows Bash (shell): ls',
  )
})

test('a deny rule of what is not known denies only that', () => {
  const rules = [rule('any', { unknown: true }), rule('shown', { effect: 'deny', unknown: true })]
  expect([decide(bash('ls'), rules), decide(bash('ls ?'), rules)]).toEqual([
    'allow any',
    'deny shown: rule shown denies Bash (shell): ls <known only when it runs>',
  ])
})

test('a rule that has expired allows nothing, also when the clock goes back', () => {
  let nowMs = 999
  const rules = [rule('any', { unknown: true, expiresAtMs: 1_000 })]
  const index = new ToolIndex({ rules, serverTools: [] }, () => nowMs)
  const verdicts = [999, 1_000, 0].map((at) => {
    nowMs = at
    return index.decideCall(bash('ls')).kind
  })
  expect(verdicts).toEqual(['allow', 'deny', 'deny'])
  expect(index.decideCall(bash('ls'))).toEqual({
    kind: 'deny',
    rules: ['any'],
    reason: 'rule any expired on 1970-01-01, and no other allows Bash (shell): ls',
  })
})

test('more rules than a verdict names allow nothing', () => {
  const rules = Array.from({ length: 65 }, (_, at) => rule(`r${at}`, { unknown: true }))
  expect(decide(bash('ls'), rules)).toBe(
    'deny tools.default: it takes more than 64 rules to allow this call',
  )
})

test('a call does the worst that the rules that allow it say', () => {
  const index = new ToolIndex(
    {
      rules: [
        rule('a', { options: { effect: 'read', reversibility: 'reversible' } }),
        rule('b', { options: { effect: 'external', consequence: 'high' } }),
        rule('c'),
      ],
      serverTools: [],
    },
    () => 0,
  )
  expect([index.optionsFor(['a', 'c']), index.optionsFor(['a', 'b', 'c'])]).toEqual([
    { effect: 'read', reversibility: 'reversible' },
    { effect: 'external', reversibility: 'reversible', consequence: 'high' },
  ])
})

describe('what a provider would run by itself', () => {
  const offer = (...serverTools: string[]): ModelCallAction => ({
    kind: 'llm.generate',
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    api: 'messages',
    stream: true,
    serverTools,
    scheme: 'https',
    host: 'api.anthropic.com',
    port: 443,
    path: '/v1/messages',
  })
  const granted = (...serverTools: string[]): ToolIndex =>
    new ToolIndex({ rules: null, serverTools }, () => 0)

  test('is not granted by an agent file that does not say so', () => {
    expect(new ToolIndex(undefined, () => 0).decideOffer(offer('web_search_20250305'))).toEqual({
      kind: 'deny',
      rules: ['tools.server-side'],
      reason:
        'anthropic would run web_search_20250305 by itself, which `serverTools` does not grant',
    })
  })

  test.for([
    ['nothing', offer(), undefined],
    ['what is granted', offer('web_search_20250305'), undefined],
    [
      'one that is not, behind one that is',
      offer('web_search_1', 'code_execution'),
      'code_execution',
    ],
  ] as const)('and %s', ([, action, type]) => {
    const denied = granted('web_search*').decideOffer(action)
    expect(denied?.reason).toBe(
      type && `anthropic would run ${type} by itself, which \`serverTools\` does not grant`,
    )
  })
})

test('whatever is added to a call, nothing is allowed by it that was not', () => {
  const line = fc.constantFrom('git status', 'make', '? x', 'grep ?', '/tmp/git x', 'rm x', 'ls')
  const path = fc.constantFrom('src/a', '~/.ssh/id', '../x', '/etc/shadow')
  const url = fc.constantFrom('https://a.example.com/', 'https://evil.example.com/', 'x y')
  const call = fc.record({
    commands: fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => commandsOf(...lines)),
    paths: fc.array(path, { maxLength: 2 }),
    urls: fc.array(url, { maxLength: 2 }),
  })
  fc.assert(
    fc.property(call, line, (fields, more) => {
      const before = decide(toolCall(fields))
      const commands = [...fields.commands, ...commandsOf(more)]
      const after = decide(toolCall({ ...fields, commands }))
      expect(before.startsWith('deny') && after.startsWith('allow')).toBe(false)
    }),
  )
})

test.for(['agent', ' Agent', 'Agent\n', 'functions.Agent', 'default_api:agent', 'Agent:0'])(
  'a tool that is denied is denied by every name under which a client finds it: %j',
  (tool) => {
    const rules = [
      rule('any', { unknown: true }),
      rule('no-agents', { effect: 'deny', tool: 'Agent' }),
    ]
    expect(decide(toolCall({ tool, does: 'spawn' }), rules)).toMatch(/^deny no-agents/)
  },
)
