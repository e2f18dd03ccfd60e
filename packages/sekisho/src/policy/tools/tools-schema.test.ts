import { expect, test } from 'vitest'
import { parseAgentFile } from '../agent-file.ts'
import { sessionPolicy, setupPolicy } from '../session-policy.ts'

const FILE = 'policy/agents/x.yaml'
const HEAD = 'version: 1\nname: x\n'

const ALL = `${HEAD}tools:
  serverTools: ["web_search*"]
  rules:
    - id: git
      effect: allow
      tool: Bash
      does: [shell]
      programs: [git, "/usr/bin/python3*"]
      paths: ["src/**"]
      hosts: ["*.example.com"]
      unknown: true
      outside: external
      reversibility: irreversible
      consequence: high
      owner: platform
      reason: builds
      expires: "2027-01-31"
    - { id: shell, effect: allow, tool: Bash }
    - { id: ls, effect: allow, programs: [ls] }
    - { id: no-rm, effect: deny, programs: [rm] }
`

const ANY = { tool: '*', does: [], programs: [], paths: [], hosts: [] }

test('all that a file can say of tools is what a gate decides by', () => {
  expect(sessionPolicy(parseAgentFile(ALL, FILE), []).tools).toEqual({
    rules: [
      {
        id: 'git',
        effect: 'allow',
        tool: 'Bash',
        does: ['shell'],
        programs: ['git', '/usr/bin/python3*'],
        paths: ['src/**'],
        hosts: ['*.example.com'],
        unknown: true,
        expiresAtMs: Date.UTC(2027, 1, 1),
        options: { effect: 'external', reversibility: 'irreversible', consequence: 'high' },
      },
      { ...ANY, id: 'shell', effect: 'allow', tool: 'Bash', unknown: true },
      { ...ANY, id: 'ls', effect: 'allow', programs: ['ls'], unknown: false },
      { ...ANY, id: 'no-rm', effect: 'deny', programs: ['rm'], unknown: false },
    ],
    serverTools: ['web_search*'],
  })
})

test('a file that says nothing of tools says nothing of them to a gate', () => {
  expect(sessionPolicy(parseAgentFile(HEAD, FILE), [])).toEqual({ rules: [] })
})

test('tools of the provider alone leave those of the client as they are', () => {
  const text = `${HEAD}tools: { serverTools: ["web_search*"] }\n`
  expect(sessionPolicy(parseAgentFile(text, FILE), []).tools).toEqual({
    rules: null,
    serverTools: ['web_search*'],
  })
})

test('what holds for the agent holds for its setup', () => {
  const agent = parseAgentFile(`${HEAD}setup: {}\ntools: { rules: [] }\n`, FILE)
  expect(setupPolicy(agent, [])?.tools).toEqual({ rules: [], serverTools: [] })
})

function refusal(text: string): string {
  try {
    parseAgentFile(HEAD + text, FILE)
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : 'no error'
  }
  return 'taken'
}

const rule = (fields: string): string => `tools:\n  rules:\n    - { id: a, ${fields} }\n`

test.for<[string, string, string]>([
  [
    'another word for what it does',
    rule('effect: allow, does: [run]'),
    'tools.rules[0].does[0]: want shell or write or read or fetch or mcp or spawn or other, not `run`',
  ],
  ['a misspelt key', rule('effect: allow, program: [rm]'), 'tools.rules[0]: unknown key `program`'],
  ['another misspelt key', 'tools: { serverTool: [] }\n', 'tools: unknown key `serverTool`'],
  ['a path that is not normal', rule('effect: deny, paths: [./a]'), '`./a` is not a normal path'],
  [
    'an address',
    rule('effect: deny, hosts: [10.0.0.1]'),
    '`10.0.0.1` is an address; a session reaches names only',
  ],
  [
    'no programs',
    rule('effect: allow, programs: []'),
    'tools.rules[0].programs: want at least 1 entries',
  ],
  [
    'a deny rule that ends',
    rule('effect: deny, expires: "2027-01-31"'),
    'tools.rules[0].expires: a deny rule denies, for ever and all of it',
  ],
  [
    'a deny rule that leaves out what is not known',
    rule('effect: deny, unknown: false'),
    'tools.rules[0].unknown: a deny rule denies also what is known only when it runs',
  ],
  [
    'an id of the platform',
    'tools: { rules: [{ id: tools.any, effect: allow }] }\n',
    'the rule id `tools.any` belongs to the platform',
  ],
  [
    'an id twice',
    'tools: { rules: [{ id: a, effect: allow }, { id: a, effect: deny }] }\n',
    'tools.rules[1].id: `a` is taken by an earlier entry',
  ],
  [
    'an id of a rule of the network',
    `rules: [{ id: a, effect: allow, host: a.example }]\n${rule('effect: allow')}`,
    'tools.rules[0].id: a rule of the network is called `a` too',
  ],
])('%s is refused', ([, text, problem]) => {
  expect(refusal(text)).toContain(problem)
})
