import { generateKeyPairSync, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { DecisionBundle } from '../wire/decision.ts'
import { addSignature, mandateBytes } from '../policy/mandates/mandate-signatures.ts'
import { parseUnsigned } from '../policy/mandates-file.ts'
import { keyDigest } from '../policy/signing-key.ts'
import { loadPolicy } from './load-policy.ts'

const AGENT = `version: 1
name: docs-bot
presets: [llm-providers/anthropic]
rules:
  - { id: send, effect: allow, host: mail.example.com, methods: [POST], paths: [/send] }
`
const KEY = (byte: number): string => `ed25519:${Buffer.alloc(32, byte).toString('base64')}`

const bob = generateKeyPairSync('ed25519')
const BOB = Buffer.from(bob.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')

/** A mandate file as bob has signed it. */
function signed(source: string): string {
  const [read] = parseUnsigned(source, 'mandates/news.yaml')
  if (read === undefined) throw new Error('no mandate')
  const signature = sign(null, mandateBytes(read.mandate), bob.privateKey).toString('base64')
  return addSignature(source, 0, { by: 'bob', key: keyDigest(BOB), signature })
}

const WHOLE: Readonly<Record<string, string>> = {
  'agents/docs-bot.yaml': AGENT,
  'operators.yaml': `version: 1\noperators: [{ name: ann, key: "${KEY(1)}" }]\n`,
  'users.yaml': `version: 1
users:
  - { name: bob, uid: 1000, groups: [writers], key: "ed25519:${BOB.toString('base64')}" }
  - { name: eve, uid: 1001, enabled: false }
`,
  'hosts.yaml': `version: 1
hosts:
  - { host: mail.example.com, integrity: untrusted, confidentiality: internal, groups: [mail] }
  - { host: "*.wiki.example.com", integrity: trusted, confidentiality: internal, external: false }
`,
  'operations/mail.yaml': `version: 1
operations:
  - id: mail.send
    host: mail.example.com
    methods: [POST]
    paths: [/send]
    arguments: json
    parameters:
      type: object
      properties: { to: { type: string }, cents: { type: integer, minimum: 0 } }
      required: [to]
    critical: { recipient: [to] }
    reversibility: irreversible
    consequence: medium
`,
  'constraints.yaml': `version: 1
constraints:
  - { id: mails, of: { operation: mail.send }, measure: count, per: user, window: 24h, max: 20 }
  - { id: cents, of: { operation: mail.send }, measure: sum, argument: cents, between: [0, 500], per: agent, max: 900 }
`,
  'mandates/news.yaml': signed(`version: 1
mandates:
  - id: newsletter
    for: [initiator]
    agent: docs-bot
    user: bob
    operations: [mail.send]
    counterparties: [team@example.com]
    maxUses: 4
    expires: "2027-01-31"
    reason: every week, to our own list
`),
  'approvals.yaml': 'version: 1\ntimeout: 90s\n',
  'mail.cedar': `@id("granted")
permit (principal, action, resource) when { context.facts.granted };
@id("no-invoices")
@reason("invoices are sent by people")
forbid (principal, action == Sekisho::Action::"tool.call/mail.send", resource)
when { context.args.to like "*@invoices.example.com" };
`,
}

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
    'mail.cedar:1:44: attribute `factz` not found for 20 of the actions that this policy is about',
    'did you mean `facts`?',
  ],
])('%s refuses the whole', async ([, files, message, hint]) => {
  const thrown = await load({ ...WHOLE, ...files }).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(SekishoError)
  expect(thrown).toMatchObject({ code: 'CONFIG_INVALID', message })
  expect(thrown instanceof SekishoError ? (thrown.hint ?? '') : undefined).toBe(hint)
})
