import { generateKeyPairSync, sign } from 'node:crypto'
import { addSignature, mandateBytes } from '../../policy/mandates/mandate-signatures.ts'
import { parseUnsigned } from '../../policy/mandates-file.ts'
import { keyDigest } from '../../policy/signing-key.ts'

export const AGENT = `version: 1
name: docs-bot
presets: [llm-providers/anthropic]
rules:
  - { id: send, effect: allow, host: mail.example.com, methods: [POST], paths: [/send] }
`
export const KEY = (byte: number): string => `ed25519:${Buffer.alloc(32, byte).toString('base64')}`

const bob = generateKeyPairSync('ed25519')
export const BOB = Buffer.from(bob.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')

/** A mandate file as bob has signed it. */
function signed(source: string): string {
  const [read] = parseUnsigned(source, 'mandates/news.yaml')
  if (read === undefined) throw new Error('no mandate')
  const signature = sign(null, mandateBytes(read.mandate), bob.privateKey).toString('base64')
  return addSignature(source, 0, { by: 'bob', key: keyDigest(BOB), signature })
}

/** A bundle that has every file. */
export const WHOLE: Readonly<Record<string, string>> = {
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
  'models.yaml': `version: 1
providers: [{ id: ollama, api: chat, url: "http://models.example.com:11434/v1" }]
missingPrice: refuse
`,
  'prices.yaml': `version: 1
prices:
  - { model: "llama*", provider: ollama, input: 0.10 USD, cacheRead: 0.10 USD, cacheWrite: 0.10 USD, output: 0.20 USD, maxOutputTokens: 8K, from: "2026-01-01" }
`,
  'budgets.yaml': `version: 1
budgets:
  - { id: daily, per: team, of: { agent: docs-bot, user: bob, team: writers }, window: 24h, max: { money: 5.00 USD } }
`,
  'mail.cedar': `@id("granted")
permit (principal, action, resource) when { context.facts.granted };
@id("no-invoices")
@reason("invoices are sent by people")
forbid (principal, action == Sekisho::Action::"tool.call/mail.send", resource)
when { context.args.to like "*@invoices.example.com" };
`,
}
