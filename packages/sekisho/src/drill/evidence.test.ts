import type { IndexedLeaf } from '@sekisho/verify'
import { expect, test } from 'vitest'
import type { Evidence } from './catalogue.ts'
import { isRecorded } from './evidence.ts'

type Leaf = Record<string, unknown>

const indexed = (leaves: readonly Leaf[]): IndexedLeaf[] =>
  leaves.map((leaf, index) => ({ index, leaf }))

function intent(action: Leaf, verdict: Leaf = { kind: 'deny', rules: ['r'], reason: 'no' }): Leaf {
  return { type: 'action.intent', id: 'a', action, verdict }
}

const outcome = (fields: Leaf): Leaf => ({ type: 'action.outcome', id: 'a', outcome: fields })
const allow = { kind: 'allow', rules: ['r'] }

const mount = { kind: 'process.syscall', syscall: 'mount' }
const shadow = { kind: 'file.open', path: '/etc/shadow' }
const tcp = { kind: 'net.connect', transport: 'tcp', address: '192.0.2.1', port: 443, host: null }
const dns = { kind: 'dns.resolve', name: 'stolen.x.attacker.test', type: 'A' }
const get = { kind: 'http.request', method: 'GET', host: 'api.test', path: '/x' }
const misuse = { kind: 'deny', rules: ['invariant.placeholder-misuse'], reason: 'no' }

type Row = { evidence: Evidence; shown: Leaf[]; notShown: Record<string, Leaf[]> }

const ROWS: Row[] = [
  {
    evidence: { by: 'syscall', syscall: 'mount' },
    shown: [intent(mount)],
    notShown: {
      'another call': [intent({ ...mount, syscall: 'umount2' })],
      'a call that was allowed': [intent(mount, allow)],
      'a call that is held': [intent(mount, { kind: 'hold', rules: [], reason: '' })],
    },
  },
  {
    evidence: { by: 'tripwire', path: '/etc/shadow' },
    shown: [intent(shadow)],
    notShown: {
      'another file': [intent({ ...shadow, path: '/etc/shadow-' })],
      'another action on its path': [intent({ ...shadow, kind: 'http.request' })],
    },
  },
  {
    evidence: { by: 'connect', transport: 'tcp', address: '192.0.2.1', port: 443 },
    shown: [intent(tcp)],
    notShown: {
      'another address': [intent({ ...tcp, address: '192.0.2.2' })],
      'another port': [intent({ ...tcp, port: 80 })],
      UDP: [intent({ ...tcp, transport: 'udp' })],
    },
  },
  {
    evidence: { by: 'connect', transport: 'tcp', host: 'api.test' },
    shown: [intent({ ...tcp, host: 'api.test' })],
    notShown: { 'a connection to a bare address': [intent(tcp)] },
  },
  {
    evidence: { by: 'dns', suffix: 'x.attacker.test' },
    shown: [intent(dns)],
    notShown: {
      'another name': [intent({ ...dns, name: 'x.attacker.test.example' })],
      'an answered name': [intent(dns, allow)],
    },
  },
  {
    evidence: { by: 'request', host: 'api.test', method: 'GET', path: '/x' },
    shown: [intent(get)],
    notShown: {
      'another host': [intent({ ...get, host: 'other.test' })],
      'another method': [intent({ ...get, method: 'POST' })],
      'another path': [intent({ ...get, path: '/y' })],
    },
  },
  {
    evidence: { by: 'secret' },
    shown: [intent(get, misuse)],
    notShown: {
      'a request denied for another reason': [intent(get)],
      'a request that was allowed': [intent(get, { ...misuse, kind: 'allow' })],
    },
  },
  {
    evidence: { by: 'outcome', host: 'api.test' },
    shown: [intent(get, allow), outcome({ kind: 'refused', rules: ['r'], reason: 'private' })],
    notShown: {
      'a refusal without its intent': [outcome({ kind: 'refused' })],
      'a refusal of another host': [
        intent({ ...get, host: 'other.test' }, allow),
        outcome({ kind: 'refused' }),
      ],
      'a refusal of another action': [
        { ...intent(get, allow), id: 'b' },
        outcome({ kind: 'refused' }),
      ],
      'an action that was performed': [intent(get, allow), outcome({ kind: 'performed' })],
      'an action that failed': [intent(get, allow), outcome({ kind: 'failed' })],
    },
  },
  {
    evidence: { by: 'scrubbed' },
    shown: [outcome({ kind: 'performed', scrubbed: 2 })],
    notShown: {
      'a reply without an echo': [outcome({ kind: 'performed', scrubbed: 0 })],
      'an intent with such a field': [{ ...intent(get), outcome: { scrubbed: 1 } }],
    },
  },
]

test('there is a row for every kind of evidence', () => {
  const kinds: Record<Evidence['by'], true> = {
    syscall: true,
    tripwire: true,
    connect: true,
    dns: true,
    request: true,
    outcome: true,
    secret: true,
    scrubbed: true,
  }
  expect(new Set(ROWS.map(({ evidence }) => evidence.by))).toEqual(new Set(Object.keys(kinds)))
})

test.for(ROWS)('$evidence is shown by its leaf, also among others', ({ evidence, shown }) => {
  expect(isRecorded(evidence, indexed(shown))).toBe(true)
  const others = [{ type: 'session.start' }, ...shown, { type: 'session.end' }]
  expect(isRecorded(evidence, indexed(others))).toBe(true)
})

const misses = ROWS.flatMap(({ evidence, notShown }) =>
  Object.entries(notShown).map(([name, leaves]) => ({ evidence, name, leaves })),
)

test.for(misses)('$evidence is not shown by $name', ({ evidence, leaves }) => {
  expect(isRecorded(evidence, indexed(leaves))).toBe(false)
})

test.for(ROWS)('$evidence is shown by nothing when there is nothing', ({ evidence }) => {
  expect(isRecorded(evidence, [])).toBe(false)
})

test('leaves of another shape show nothing', () => {
  const broken = [
    {},
    { type: 'action.intent' },
    { type: 'action.intent', verdict: null, action: 7 },
  ]
  for (const { evidence } of ROWS) expect(isRecorded(evidence, indexed(broken))).toBe(false)
})
