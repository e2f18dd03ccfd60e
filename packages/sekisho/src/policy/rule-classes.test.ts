import { expect, test } from 'vitest'
import { parseAgentFile } from './agent-file.ts'
import { sessionPolicy } from './session-policy.ts'

const read = (rule: string): ReturnType<typeof parseAgentFile> =>
  parseAgentFile(
    `version: 1\nname: x\nrules:\n  - { id: r, effect: allow, host: wiki.example.com, ${rule} }\n`,
    'policy/agents/x.yaml',
  )

test('what a request does outside is said by its rule', () => {
  const agent = read(
    'methods: [PUT, DELETE], outside: external, reversibility: irreversible, consequence: high, recovery: { method: PUT, path: "/restore{path}" }',
  )
  expect(sessionPolicy(agent, []).rules[0]?.options).toEqual({
    effect: 'external',
    reversibility: 'irreversible',
    consequence: 'high',
    recovery: { method: 'PUT', path: '/restore{path}' },
  })
})

test.for<[string, string, string]>([
  ['an effect that there is not', 'outside: extern', 'did you mean `external`?'],
  ['a class that there is not', 'reversibility: readonly', 'did you mean `read_only`?'],
  ['a consequence that there is not', 'consequence: critcal', 'did you mean `critical`?'],
  [
    'recovery of what only reads',
    'methods: [GET, POST], recovery: { method: PUT }',
    'add the method to `methods`, or delete the key',
  ],
  [
    'recovery of what nobody reads',
    'scheme: tcp, ports: [5432], recovery: { method: PUT }',
    'delete the key, or choose http or https',
  ],
  [
    'a path with another name in braces',
    'methods: [PUT], recovery: { method: PUT, path: "/restore/{id}" }',
    'write a path, in which {path} stands for the one of the request',
  ],
  [
    'a misspelt key',
    'methods: [PUT], recovery: { methd: PUT }',
    'correct policy/agents/x.yaml in these places',
  ],
])('%s is refused', ([, rule, hint]) => {
  expect(() => read(rule)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', hint }))
})

test('a deny rule says nothing of what it denies', () => {
  expect(() =>
    parseAgentFile(
      'version: 1\nname: x\nrules:\n  - { id: r, effect: deny, host: a.example.com, consequence: high }\n',
      'policy/agents/x.yaml',
    ),
  ).toThrow('a deny rule denies, for ever and all of it')
})
