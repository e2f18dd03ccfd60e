import { expect, test } from 'vitest'
import { loadPolicy } from '../load-policy.ts'
import { type IntentLeaf, type LoggedAction, Replayer } from './replay.ts'

const AGENT = `version: 1
name: bot
rules:
  - { id: read, effect: allow, host: wiki.example.com }
  - { id: send, effect: allow, host: api.example.com, methods: [POST], expires: "2026-11-20" }
`

const REQUEST = {
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host: 'wiki.example.com',
  port: 443,
  path: '/a',
  query: null,
} as const
const CLEAN = { integrity: 'user', confidentiality: 'public' } as const

function logged(leaf: Partial<IntentLeaf>, other: Partial<LoggedAction> = {}): LoggedAction {
  return {
    index: 7,
    agent: 'bot',
    phase: 'agent',
    uid: 1000,
    atMs: Date.parse('2026-11-22T12:00:00Z'),
    leaf: {
      type: 'action.intent',
      session: 's-00000000000000000000',
      id: 'a-1',
      action: REQUEST,
      verdict: { kind: 'allow', rules: ['read'] },
      credentials: [],
      repeated: 0,
      generation: 3,
      facts: { user: 'uid-1000', label: CLEAN },
      ...leaf,
    },
    ...other,
  }
}

async function replay(...all: readonly LoggedAction[]): Promise<ReturnType<Replayer['result']>> {
  const replayer = new Replayer(await loadPolicy(new Map([['agents/bot.yaml', AGENT]]), []))
  for (const one of all) replayer.add(one)
  return replayer.result()
}

const NONE = { arguments: 0, agent: 0, 'not-policy': 0, 'no-facts': 0 }
const SEND = { ...REQUEST, method: 'POST', host: 'api.example.com' }
const HELD_LABEL = { integrity: 'untrusted', confidentiality: 'internal' } as const

test('what is decided as it was is counted and not listed', async () => {
  expect(await replay(logged({}))).toEqual({
    decided: 1,
    withoutLabels: 0,
    changed: [],
    notReplayed: NONE,
  })
})

test('what would be decided otherwise is listed, by the clock of then', async () => {
  const then = Date.parse('2026-11-20T12:00:00Z')
  const sent: Partial<IntentLeaf> = { action: SEND, verdict: { kind: 'allow', rules: ['send'] } }
  const { changed } = await replay(logged(sent), logged(sent, { atMs: then }))
  expect(changed).toMatchObject([
    { index: 7, before: { kind: 'allow' }, after: { kind: 'deny', rules: ['send'] } },
  ])
})

test('a hold that nobody answered is what it was', async () => {
  const atMs = Date.parse('2026-11-20T12:00:00Z')
  const facts = { user: 'uid-1000', label: HELD_LABEL, effect: 'external' } as const
  const verdict: IntentLeaf['verdict'] = { kind: 'deny', rules: ['rule-of-two'], reason: 'late' }
  const { changed } = await replay(logged({ action: SEND, facts, verdict }, { atMs }))
  expect(changed).toEqual([])
})

test.for<[string, Partial<IntentLeaf>, Partial<LoggedAction>, Partial<typeof NONE>]>([
  [
    'a declared operation, whose arguments nobody logged',
    { facts: { user: 'u', label: CLEAN, operation: 'mail.send' } },
    {},
    { arguments: 1 },
  ],
  ['an agent that the bundle does not have', {}, { agent: 'gone' }, { agent: 1 }],
  ['a phase that its file does not have', {}, { phase: 'setup' }, { agent: 1 }],
  [
    'what a detector refused',
    { verdict: { kind: 'deny', rules: ['invariant.body-bomb'], reason: 'x' } },
    {},
    { 'not-policy': 1 },
  ],
  ['a leaf without facts', { facts: undefined }, {}, { 'no-facts': 1 }],
])('%s is not decided again, and said to be', async ([, leaf, other, expected]) => {
  const { decided, notReplayed } = await replay(logged(leaf, other))
  expect({ decided, notReplayed }).toEqual({ decided: 0, notReplayed: { ...NONE, ...expected } })
})

test('a name has no facts in the log and is decided all the same', async () => {
  const action = { kind: 'dns.resolve', name: 'wiki.example.com', type: 'A' } as const
  expect(await replay(logged({ action, facts: undefined, generation: undefined }))).toMatchObject({
    decided: 1,
    withoutLabels: 1,
    changed: [],
  })
})
