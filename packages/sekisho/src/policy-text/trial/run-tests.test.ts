import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadPolicy } from '../load-policy.ts'
import { runTests } from './run-tests.ts'

const NOW_MS = Date.parse('2026-11-22T12:00:00Z')

const BUNDLE: Readonly<Record<string, string>> = {
  'agents/bot.yaml': `version: 1
name: bot
rules:
  - { id: read, effect: allow, host: wiki.example.com }
  - { id: send, effect: allow, host: mail.example.com, methods: [POST], paths: [/send] }
  - id: wipe
    effect: allow
    host: wiki.example.com
    methods: [DELETE]
    recovery: { method: PUT }
  - { id: pay, effect: allow, host: bank.example.com, methods: [POST], consequence: critical }
`,
  'users.yaml': `version: 1
users:
  - { name: bob, uid: 1000 }
  - { name: eve, uid: 1001, enabled: false }
`,
  'operations/mail.yaml': `version: 1
operations:
  - id: mail.send
    host: mail.example.com
    methods: [POST]
    paths: [/send]
    arguments: json
    parameters: { type: object, properties: { to: { type: string } }, required: [to] }
    critical: { recipient: [to] }
    reversibility: externally_reversible
    consequence: low
`,
}

async function resultsOf(rows: string): Promise<(readonly [string, readonly string[]])[]> {
  const files = new Map(
    Object.entries({ ...BUNDLE, 'tests/a.yaml': `version: 1\ntests:\n${rows}` }),
  )
  const results = runTests(files, await loadPolicy(files, []), NOW_MS)
  return results.map(({ name, failures }) => [name, failures])
}

test.for<[string, string]>([
  [
    'what the agent file grants',
    'action: GET https://wiki.example.com/a, expect: allow, rules: [read]',
  ],
  ['what it does not', 'action: POST https://wiki.example.com/a, expect: deny, rules: [default]'],
  [
    'the third of the rule of two',
    'action: DELETE https://wiki.example.com/a, facts: { integrity: untrusted, preImage: kept }, expect: hold, needs: [approver], rules: [rule-of-two]',
  ],
  [
    'a yes to it',
    'action: DELETE https://wiki.example.com/a, facts: { integrity: untrusted, preImage: kept, approvals: [approver] }, expect: allow',
  ],
  [
    'what could not be kept',
    'action: DELETE https://wiki.example.com/a, facts: { preImage: missing }, expect: hold, rules: [irreversible]',
  ],
  [
    'what is critical',
    'action: POST https://bank.example.com/, expect: hold, needs: [initiator, approver]',
  ],
  [
    'a user who is disabled',
    'user: eve, action: GET https://wiki.example.com/a, expect: deny, rules: [invariant.user-disabled]',
  ],
  ['a user who is not', 'user: bob, action: GET https://wiki.example.com/a, expect: allow'],
  [
    'a declared operation',
    'action: POST https://mail.example.com/send, arguments: { to: a@example.com }, expect: allow',
  ],
  [
    'one whose recipient somebody else has named',
    'action: POST https://mail.example.com/send, arguments: { to: a@example.com }, facts: { unconfirmed: [recipient] }, expect: hold, needs: [initiator]',
  ],
  [
    'one with an argument that it does not take',
    'action: POST https://mail.example.com/send, arguments: { to: a@example.com, bcc: x }, expect: deny, rules: [operation.arguments]',
  ],
  ['a name', 'action: resolve wiki.example.com, expect: allow'],
  ['a port that nothing opens', 'action: "connect tcp://wiki.example.com:5432", expect: deny'],
])('%s is as a row expects it', async ([name, row]) => {
  expect(await resultsOf(`  - { name: ${name}, agent: bot, ${row} }\n`)).toEqual([[name, []]])
})

test('a row that fails says what was expected and what came', async () => {
  const rows = `  - { name: a, agent: bot, action: GET https://wiki.example.com/a, expect: deny }
  - { name: b, agent: bot, action: POST https://bank.example.com/, expect: hold, needs: [approver], rules: [mine] }
  - { name: c, agent: bit, action: GET https://wiki.example.com/a, expect: deny }
  - { name: d, agent: bot, user: bib, action: GET https://wiki.example.com/a, expect: deny }
`
  expect(await resultsOf(rows)).toEqual([
    ['a', ['expected deny, got allow by read']],
    [
      'b',
      [
        'expected a hold for approver, got one for initiator, approver',
        'expected mine to decide, got consequence, critical-intent, invariant.critical',
      ].map((text) => expect.stringContaining(text.split(', got')[0] ?? '')),
    ],
    ['c', ['no agent `bit`; there are bot']],
    ['d', ['users.yaml names no user `bib`']],
  ])
})

test.for([
  ['no action', '{ name: a, agent: bot, action: fetch it, expect: deny }', 'action'],
  [
    'a URL with dots',
    '{ name: a, agent: bot, action: GET https://a.example/../b, expect: deny }',
    'URL',
  ],
  [
    'needs of a denial',
    '{ name: a, agent: bot, action: resolve a.example, expect: deny, needs: [approver] }',
    'needs',
  ],
  [
    'an unknown fact',
    '{ name: a, agent: bot, action: resolve a.example, expect: deny, facts: { integrty: user } }',
    'integrity',
  ],
])('a table with %s is refused', async ([, row, named]) => {
  await expect(resultsOf(`  - ${row}\n`)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^tests\/a\.yaml:3:\d+: /),
  })
  const thrown: unknown = await resultsOf(`  - ${row}\n`).catch((error: unknown) => error)
  expect(JSON.stringify([String(thrown), Object(thrown)])).toContain(named)
})

test('the tests of the platform’s own bundle pass', async () => {
  const root = join(import.meta.dirname, '../../../../../policy')
  const names = ['builder', 'claude-code', 'codex', 'default'].map((name) => `agents/${name}.yaml`)
  const files = new Map(
    [...names, 'hosts.yaml', 'defaults.cedar', 'tests/defaults.yaml'].map((path) => [
      path,
      readFileSync(join(root, path), 'utf8'),
    ]),
  )
  const results = runTests(files, await loadPolicy(files, []), NOW_MS)
  expect(results.length).toBeGreaterThan(10)
  expect(results.filter(({ failures }) => failures.length > 0)).toEqual([])
})
