import { expect, test } from 'vitest'
import { LeafInput } from '../wire/leaves.ts'
import { describeLeaf } from './leaf-text.ts'

const SESSION = 's-00000000000000000000'
const of = { kind: 'session', session: SESSION }
const KEY = '0123456789abcdef0123456789abcdef'

function say(leaf: object): string {
  return describeLeaf({ index: 0, leaf: { at: 'AT', ...leaf } }).replace(/^ +0 AT /, '')
}

test.for<[name: string, leaf: object, text: string]>([
  [
    'keys that come into force',
    {
      type: 'identity.authority',
      trustDomain: 'example.org',
      rootProtection: { class: 'tpm2', emulated: true },
      reason: 'first',
    },
    'keys of example.org are in force, first; the root is tpm2 (emulated)',
  ],
  [
    'an identity that follows another one',
    { type: 'identity.issued', of, id: 'spiffe://x/y', key: KEY, reason: 'schedule', endorsed: {} },
    `session ${SESSION} has the identity spiffe://x/y, key ${KEY}, schedule, endorsed by the key before`,
  ],
  [
    'an identity after an emergency',
    {
      type: 'identity.issued',
      of: { kind: 'gate', gate: 1 },
      id: 'spiffe://x/gate',
      key: KEY,
      reason: 'emergency',
      endorsed: null,
    },
    `gate 1 has the identity spiffe://x/gate, key ${KEY}, emergency, not endorsed by a key before`,
  ],
  [
    'a revocation by an operator',
    { type: 'identity.revoked', of, keys: [KEY], reason: 'operator', detail: 'lost', by: 1000 },
    `REVOKED 1 keys of session ${SESSION} by uid 1000, operator: lost`,
  ],
  [
    'a revocation by the platform',
    { type: 'identity.revoked', of, keys: [KEY], reason: 'canary', detail: 'hit', by: null },
    `REVOKED 1 keys of session ${SESSION} by the platform, canary: hit`,
  ],
  [
    'who heard of a revocation, and who did not',
    {
      type: 'identity.revocation-heard',
      of,
      parties: [
        { name: 'gate 0', afterMs: 3 },
        { name: 'gate 1', afterMs: null },
      ],
    },
    `session ${SESSION} is revoked; heard by gate 0 after 3 ms, gate 1 NOT`,
  ],
  [
    'a conflict',
    { type: 'identity.conflict', of, kind: 'other-gate', detail: 'gate 1 spoke' },
    `CONFLICT of identities, other-gate: session ${SESSION}: gate 1 spoke`,
  ],
  [
    'a change of state with a check that did not hold',
    {
      type: 'session.state',
      trigger: 'thaw',
      detail: 'by an operator',
      checks: [
        { name: 'evidence', held: true, detail: '' },
        { name: 'processes', held: false, detail: 'one more' },
      ],
    },
    'state changes by thaw: by an operator [evidence held, processes DID NOT HOLD: one more]',
  ],
  [
    'a reading',
    { type: 'log.read', reader: { uid: 0, pid: 7 }, what: 'query', query: '--host x\u001b[2J' },
    'the log is read by uid 0 (pid 7), query: --host x\\u001b[2J',
  ],
  [
    'a transcript',
    {
      type: 'transcript.collected',
      client: 'codex',
      path: '/h/log',
      bytes: 7,
      truncated: true,
      reason: null,
    },
    'what codex says of itself in /h/log: 7 bytes, its beginning',
  ],
  [
    'a transcript that was not kept',
    {
      type: 'transcript.collected',
      client: 'codex',
      path: '/h/log',
      bytes: 7,
      truncated: false,
      reason: 'full',
    },
    'what codex says of itself in /h/log: not kept: full',
  ],
  [
    'a witness that does not sign',
    {
      type: 'witness.refused',
      witness: 'w',
      operator: 'o',
      reason: 'fork',
      size: 7,
      detail: 'other root',
    },
    'WITNESS w of o does not sign 7 leaves, fork: other root',
  ],
  [
    'an alarm of no session',
    { type: 'platform.alert', rule: 'lag', severity: 'high', subject: 'sink a' },
    'ALERT high lag: sink a',
  ],
])('%s is said in words', ([, leaf, expected]) => {
  expect(say(leaf)).toBe(expected)
})

test('every leaf that can be written has words of its own', () => {
  const without = LeafInput.options
    .map((option) => option.shape.type.value)
    .filter((type) => say({ type }).includes('no words'))
  expect(without).toEqual([])
})

test('a leaf that nobody knows is still shown', () => {
  expect(say({ type: 'new.thing' })).toBe('new.thing (a leaf that this program has no words for)')
})
