import { expect, test } from 'vitest'
import { NO_FACTS } from '../../core/facts.ts'
import { loadPolicy } from '../load-policy.ts'
import { readActionText } from './action-text.ts'
import { policyOfPhase, type Question } from './question.ts'
import { type Change, smallestChanges } from './smallest-change.ts'

const FILES = new Map([
  [
    'agents/bot.yaml',
    `version: 1
name: bot
rules:
  - { id: read, effect: allow, host: wiki.example.com }
  - { id: send, effect: allow, host: api.example.com, methods: [POST] }
  - { id: never, effect: deny, host: wiki.example.com, paths: [/admin/**] }
`,
  ],
  ['users.yaml', 'version: 1\nusers: [{ name: eve, uid: 1001, enabled: false }]\n'],
])

async function changesFor(text: string, other: Partial<Question> = {}): Promise<Change[][]> {
  const loaded = await loadPolicy(FILES, [])
  const read = readActionText(text)
  if ('problem' in read) throw new TypeError(read.problem)
  const question: Question = {
    agent: 'bot',
    policy: policyOfPhase(loaded, 'bot', 'agent'),
    uid: 1000,
    action: read.value,
    facts: NO_FACTS,
    nowMs: 0,
    ...other,
  }
  const escapes = smallestChanges({ bundle: loaded.decision(1), question })
  return escapes.map(({ changes }) => [...changes])
}

const RULE = { id: 'proposed', effect: 'allow', scheme: 'https', port: 443 }
const TAINTED = {
  facts: { ...NO_FACTS, label: { integrity: 'untrusted', confidentiality: 'internal' } },
} as const

test.for<[string, string, Partial<Question>, unknown]>([
  ['what is allowed needs nothing', 'GET https://wiki.example.com/a', {}, []],
  [
    'what no rule grants needs a rule no wider than itself',
    'PUT https://wiki.example.com/a',
    {},
    [
      [
        {
          kind: 'add-rule',
          rule: { ...RULE, host: 'wiki.example.com', methods: ['PUT'], paths: ['/a'] },
        },
      ],
    ],
  ],
  [
    'what a deny rule denies needs that it goes',
    'GET https://wiki.example.com/admin/x',
    {},
    [[{ kind: 'drop-rule', rule: 'never' }]],
  ],
  [
    'what is held needs a yes, another past, or another policy',
    'POST https://api.example.com/x',
    TAINTED,
    [
      [{ kind: 'approvals', needs: ['approver'] }],
      [{ kind: 'fact', name: 'integrity', from: 'untrusted', to: 'trusted' }],
      [{ kind: 'fact', name: 'confidentiality', from: 'internal', to: 'public' }],
      [{ kind: 'drop-policy', policy: 'rule-of-two' }],
    ],
  ],
  [
    'what needs two things is told both',
    'PUT https://wiki.example.com/a',
    TAINTED,
    expect.arrayContaining([
      [expect.objectContaining({ kind: 'add-rule' }), { kind: 'approvals', needs: ['approver'] }],
    ]),
  ],
  [
    'a user who is disabled needs to be enabled, whatever the bundle says',
    'GET https://wiki.example.com/a',
    { uid: 1001 },
    [[{ kind: 'enable-user' }]],
  ],
  [
    'what is secret goes out for nobody’s yes and by no policy’s absence',
    'POST https://api.example.com/x',
    { facts: { ...NO_FACTS, label: { integrity: 'user', confidentiality: 'secret' } } },
    [[{ kind: 'fact', name: 'confidentiality', from: 'secret', to: 'internal' }]],
  ],
])('%s', async ([, text, other, expected]) => {
  expect(await changesFor(text, other)).toEqual(expected)
})
