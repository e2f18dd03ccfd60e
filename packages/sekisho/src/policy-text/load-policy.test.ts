import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { DecisionBundle } from '../wire/decision.ts'
import { NO_LLM_SETTINGS } from '../wire/llm.ts'
import { loadPolicy } from './load-policy.ts'
import { AGENT, BOB, KEY, WHOLE } from './testing/whole-bundle.ts'

const load = (files: Readonly<Record<string, string>>): ReturnType<typeof loadPolicy> =>
  loadPolicy(new Map(Object.entries(files)), [])

test('a bundle with everything in it is a generation', async () => {
  const { decision, approvers, warnings } = await load(WHOLE)
  const read = decision(7)
  expect(DecisionBundle.parse(read)).toEqual(read)
  expect({ ...read, cedar: read.cedar.map(({ id }) => id) }).toEqual({
    generation: 7,
    digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    cedar: ['granted', 'no-invoices'],
    hosts: [
      {
        host: 'api.anthropic.com',
        integrity: 'trusted',
        confidentiality: 'internal',
        external: true,
        groups: ['llm-providers'],
      },
      {
        host: 'models.example.com',
        integrity: 'trusted',
        confidentiality: 'internal',
        external: true,
        groups: ['llm-providers'],
      },
      {
        host: 'mail.example.com',
        integrity: 'untrusted',
        confidentiality: 'internal',
        external: true,
        groups: ['mail'],
      },
      {
        host: '*.wiki.example.com',
        integrity: 'trusted',
        confidentiality: 'internal',
        external: false,
        groups: [],
      },
    ],
    operations: [expect.objectContaining({ id: 'mail.send', port: 443, scheme: 'https' })],
    constraints: [
      {
        id: 'mails',
        of: { operation: 'mail.send' },
        measure: { kind: 'count' },
        per: 'user',
        windowMs: 86_400_000,
        max: 20,
      },
      {
        id: 'cents',
        of: { operation: 'mail.send' },
        measure: { kind: 'sum', argument: 'cents', min: 0, max: 500 },
        per: 'agent',
        windowMs: null,
        max: 900,
      },
    ],
    mandates: [
      {
        id: 'newsletter',
        kinds: ['initiator'],
        agent: 'docs-bot',
        user: 'bob',
        operations: ['mail.send'],
        rules: [],
        counterparties: ['team@example.com'],
        maxAmount: null,
        maxUses: 4,
        expiresAtMs: Date.parse('2027-02-01T00:00:00Z'),
        digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      },
    ],
    users: [
      { name: 'bob', uid: 1000, groups: ['writers'], enabled: true },
      { name: 'eve', uid: 1001, groups: [], enabled: false },
    ],
    approvals: { timeoutMs: 90_000 },
    llm: {
      ...NO_LLM_SETTINGS,
      missingPrice: 'refuse',
      providers: [
        {
          id: 'ollama',
          api: 'chat',
          flavour: 'native',
          scheme: 'http',
          host: 'models.example.com',
          port: 11_434,
          basePath: '/v1',
        },
      ],
      prices: [
        {
          model: 'llama*',
          provider: 'ollama',
          input: 100_000,
          cacheRead: 100_000,
          cacheWrite: 100_000,
          output: 200_000,
          maxOutputTokens: 8000,
          from: '2026-01-01',
        },
      ],
      budgets: [
        {
          id: 'daily',
          per: 'team',
          of: { agent: 'docs-bot', user: 'bob', team: 'writers' },
          windowMs: 86_400_000,
          max: { microUsd: 5_000_000 },
        },
      ],
    },
  })
  expect(approvers).toEqual([
    { name: 'ann', key: KEY(1).slice(8), as: 'operator', uid: null, enabled: true },
    { name: 'bob', key: BOB.toString('base64'), as: 'user', uid: 1000, enabled: true },
  ])
  expect(warnings).toEqual([])
})

test('a bundle of agents alone has the platform’s own policies', async () => {
  const { decision } = await load({ 'agents/docs-bot.yaml': AGENT })
  expect(decision(1).cedar.map(({ id }) => id)).toContain('rule-of-two')
  expect(decision(1).approvals).toEqual({ timeoutMs: 300_000 })
})

test('what the operator says of a host stands in place of what a preset says', async () => {
  const hosts = `version: 1
hosts: [{ host: api.anthropic.com, integrity: untrusted, confidentiality: public }]
`
  const { decision } = await load({ 'agents/docs-bot.yaml': AGENT, 'hosts.yaml': hosts })
  expect(decision(1).hosts).toEqual([
    {
      host: 'api.anthropic.com',
      integrity: 'untrusted',
      confidentiality: 'public',
      external: true,
      groups: [],
    },
  ])
})

test('another schema than the platform’s is a warning', async () => {
  const { warnings } = await load({ ...WHOLE, 'sekisho.cedarschema': 'namespace Sekisho {}' })
  expect(warnings.map(({ file, message }) => [file, message])).toEqual([
    ['sekisho.cedarschema', "this is not the platform's schema, by which policies are checked"],
  ])
})

test.for<[name: string, files: Readonly<Record<string, string>>, message: string, hint: string]>([
  [
    'a file with a slip in its name',
    { 'host.yaml': '' },
    'host.yaml:1:1: no file of a bundle has this name',
    'did you mean `hosts.yaml`?',
  ],
  [
    'an unknown key',
    { 'hosts.yaml': 'version: 1\nhosts:\n  - { host: a.example.com, integritty: trusted }\n' },
    'hosts.yaml:3:5: hosts[0]: missing key `integrity`\nhosts.yaml:3:5: hosts[0]: missing key `confidentiality`\nhosts.yaml:3:28: hosts[0]: unknown key `integritty` (did you mean `integrity`?)',
    'correct hosts.yaml in these places',
  ],
  [
    'one host twice',
    {
      'hosts.yaml': `version: 1
hosts:
  - { host: a.example.com, integrity: trusted, confidentiality: public }
  - { host: a.example.com, integrity: untrusted, confidentiality: public }
`,
    },
    'hosts.yaml:4:13: hosts[1].host: `a.example.com` is taken by an earlier entry',
    '',
  ],
  [
    'two users with one key',
    {
      'users.yaml': `version: 1
users:
  - { name: bob, uid: 1, key: "${KEY(2)}" }
  - { name: rob, uid: 2, key: "${KEY(2)}" }
`,
    },
    `users.yaml:4:31: users[1].key: \`${KEY(2).slice(8)}\` is taken by an earlier entry`,
    '',
  ],
  [
    'a constraint of an operation that there is not',
    { 'constraints.yaml': (WHOLE['constraints.yaml'] ?? '').replaceAll('mail.send', 'mail.sent') },
    'constraints.yaml:3:35: constraints[0].of.operation: there is no operation `mail.sent` (did you mean `mail.send`?)\nconstraints.yaml:4:35: constraints[1].of.operation: there is no operation `mail.sent` (did you mean `mail.send`?)',
    'correct constraints.yaml in these places',
  ],
  [
    'a sum of nothing',
    {
      'constraints.yaml':
        'version: 1\nconstraints:\n  - { id: a, of: {}, measure: sum, per: user, max: 2 }\n',
    },
    'constraints.yaml:3:31: constraints[0].measure: a sum of nothing',
    'name of.operation, `argument` and `between: [smallest, greatest]`',
  ],
  [
    'a mandate for a rule that there is not',
    {
      'mandates/news.yaml': (WHOLE['mandates/news.yaml'] ?? '').replace(
        'operations: [mail.send]',
        'rules: [sent]',
      ),
    },
    'mandates/news.yaml:7:13: mandates[0].rules[0]: there is no allow rule `sent`',
    'did you mean `send`?',
  ],
  [
    'a mandate without an end',
    {
      'mandates/news.yaml': (WHOLE['mandates/news.yaml'] ?? '').replace(/ +expires.*\n/, ''),
    },
    'mandates/news.yaml:3:5: mandates[0]: missing key `expires`',
    '',
  ],
  [
    'alerts about alerts',
    { 'alerts.yaml': 'version: 1\nrules: [{ name: a, type: platform.alert }]\n' },
    'alerts.yaml:2:26: alerts about `platform.alert` would raise alerts about alerts',
    'name the type of leaf that led to it',
  ],
  [
    'a time of waiting without its unit',
    { 'approvals.yaml': 'version: 1\ntimeout: 90\n' },
    'approvals.yaml:2:10: timeout: want text, not 90',
    'put quotes around it: "90"',
  ],
  [
    'policies that are none',
    { 'mail.cedar': 'permit(principal, action, resource) when { context.factz.granted };' },
    'mail.cedar:1:44: attribute `factz` not found for 21 of the actions that this policy is about',
    'did you mean `facts`?',
  ],
])('%s refuses the whole', async ([, files, message, hint]) => {
  const thrown = await load({ ...WHOLE, ...files }).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(SekishoError)
  expect(thrown).toMatchObject({ code: 'CONFIG_INVALID', message })
  expect(thrown instanceof SekishoError ? (thrown.hint ?? '') : undefined).toBe(hint)
})
