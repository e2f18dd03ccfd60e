import { beforeEach, expect, test } from 'vitest'
import { DEFAULT_ALERTS, parseAlerts } from '../policy/alerts-file.ts'
import type { AlertRule } from '../wire/exporter.ts'
import { AlertSink } from './alert-sink.ts'
import { type AlertLeaf, Alarms } from './alarms.ts'
import { type LeafRecord, leafRecord } from './record.ts'

const SESSION = 's-00000000000000000000'
const AT = '2026-01-02T03:04:05.678Z'

let alerts: AlertLeaf[]
let said: string[]
let failures: number
beforeEach(() => {
  alerts = []
  said = []
  failures = 0
})

const denied = { kind: 'deny', rules: ['default'], reason: 'no rule' }

test.for<[name: string, leaf: object, subject: string, severity?: string]>([
  [
    'egress.denied',
    intent({ kind: 'http.request', host: 'evil.example' }),
    'http.request evil.example',
    'medium',
  ],
  [
    'dns.denied',
    intent({ kind: 'dns.resolve', name: 'x.evil.example' }),
    'dns.resolve x.evil.example',
    'medium',
  ],
  [
    'seccomp.violation',
    intent({ kind: 'process.syscall', syscall: 'ptrace' }),
    'process.syscall ptrace',
  ],
  ['tripwire.opened', intent({ kind: 'file.open', path: '/etc/shadow' }), 'file.open /etc/shadow'],
  [
    'canary.hit',
    { type: 'alert', session: SESSION, rule: 'detect.canary.aws-access-key-id' },
    'alert detect.canary.aws-access-key-id',
  ],
  ['witness.refused', { type: 'witness.refused', witness: 'w1' }, 'witness.refused w1'],
])('%s is raised by the default rules', async ([rule, leaf, subject, severity = 'high']) => {
  await sinkOf(DEFAULT_ALERTS).send([record(7, leaf)])
  const of = Object.hasOwn(leaf, 'session') ? ` of ${SESSION}` : ''
  const want = { type: 'platform.alert', rule, severity, subject: `${subject}${of} (leaf 7)` }
  expect(alerts).toEqual([want])
  expect(said).toEqual([`ALERT ${severity} ${rule}: ${want.subject}`])
})

test.for(['quarantine.set', 'identity.conflict'])(
  '%s is raised by the default rules',
  async (type) => {
    await sinkOf(DEFAULT_ALERTS).send([record(0, { type })])
    expect(alerts.map(({ rule }) => rule)).toEqual([type])
  },
)

test('what is allowed, and what no rule names, raises nothing', async () => {
  const sink = sinkOf(DEFAULT_ALERTS)
  const allowed = { ...intent({ kind: 'http.request' }), verdict: { kind: 'allow', rules: [] } }
  await sink.send([record(0, allowed), record(1, { type: 'platform.stop', reason: 'x' })])
  expect(alerts).toEqual([])
})

test('an alert raises no alert, whatever the rules say', async () => {
  const rule: AlertRule = {
    name: 'loop',
    type: 'platform.alert',
    where: [],
    severity: 'high',
    threshold: 1,
    windowMs: 1000,
    per: null,
  }
  await sinkOf([rule]).send([record(0, { type: 'platform.alert', rule: 'x', subject: 'y' })])
  expect(alerts).toEqual([])
})

test('a flood in one window is one alert, and the next says how many there were', async () => {
  const sink = sinkOf(DEFAULT_ALERTS)
  const flood = Array.from({ length: 500 }, (_, i) =>
    record(i, intent({ kind: 'dns.resolve', name: 'a' })),
  )
  await sink.send(flood)
  expect(alerts).toHaveLength(1)
  const later = { ...intent({ kind: 'dns.resolve', name: 'b' }), at: '2026-01-02T03:06:00.000Z' }
  await sink.send([record(500, later)])
  expect(alerts.map(({ subject }) => subject)).toEqual([
    `dns.resolve a of ${SESSION} (leaf 0)`,
    `dns.resolve b of ${SESSION}, 500 of them (leaf 500)`,
  ])
})

test('a threshold is reached within its window or not at all, for each session apart', async () => {
  const rules = parseAlerts(
    'version: 1\ndefaults: false\nrules:\n  - {name: many, type: action.intent, threshold: 3, window: 10s}\n',
    'alerts.yaml',
  )
  const sink = sinkOf(rules)
  const other = 's-11111111111111111111'
  const leaves = [
    ['00', SESSION],
    ['01', other],
    ['02', SESSION],
    ['20', SESSION], // the first two are too long ago
    ['21', SESSION],
    ['22', SESSION],
  ].map(([second, session], i) =>
    record(i, { ...intent({ kind: 'x' }), session, at: `2026-01-02T03:04:${second}.000Z` }),
  )
  await sink.send(leaves)
  expect(alerts.map(({ subject }) => subject)).toEqual([`x of ${SESSION}, 3 of them (leaf 5)`])
})

test('windows outlive a restart, and an alert that was raised is not raised again', async () => {
  const rules = parseAlerts(
    'version: 1\ndefaults: false\nrules:\n  - {name: many, type: action.intent, threshold: 2, window: 1m}\n',
    'alerts.yaml',
  )
  const first = sinkOf(rules)
  await first.send([record(0, intent({ kind: 'x' }))])
  const again = sinkOf(rules, JSON.parse(JSON.stringify(first.state())))
  await again.send([record(1, intent({ kind: 'x' }))])
  expect(alerts).toHaveLength(1)
  const third = sinkOf(rules, JSON.parse(JSON.stringify(again.state())))
  await third.send([record(2, intent({ kind: 'x' }))])
  expect(alerts).toHaveLength(1)
})

test('an alert that the log does not take yet is written once it does, and once', async () => {
  const sink = sinkOf(DEFAULT_ALERTS)
  failures = 2
  const batch = [
    record(0, intent({ kind: 'dns.resolve', name: 'a' })),
    record(1, { type: 'quarantine.set', agent: 'x' }),
  ]
  await expect(sink.send(batch)).rejects.toThrow('an alert is not in the log yet')
  await expect(sink.send(batch)).rejects.toThrow('an alert is not in the log yet')
  await sink.send(batch)
  expect(alerts.map(({ rule }) => rule)).toEqual(['dns.denied', 'quarantine.set'])
  expect(said).toHaveLength(2)
})

test.for([
  ['type', { type: 'brand.new', v: 1 }, 'type "brand.new", version 1'],
  ['version', { type: 'platform.stop', v: 3 }, 'type "platform.stop", version 3'],
] as const)('a leaf of an unknown %s is told once, not passed over', async ([, leaf, what]) => {
  const sink = sinkOf([])
  await sink.send([record(5, leaf), record(6, leaf)])
  expect(alerts.map(({ rule, subject }) => ({ rule, subject }))).toEqual([
    {
      rule: 'export.unknown-leaf',
      subject: `leaf 5 is of a kind that this program does not know (${what}); it is exported as it is`,
    },
  ])
})

test('what an agent chose cannot drive a terminal', async () => {
  const name = `\u001b[2Jx\n${String.fromCodePoint(0x202e)}`
  await sinkOf(DEFAULT_ALERTS).send([record(0, intent({ kind: 'dns.resolve', name }))])
  expect(said.join('')).toMatch(/^[\x20-\x7e]*$/)
  expect(alerts[0]?.subject).toBe(`dns.resolve \\u{1b}[2Jx\\u{a}\\u{202e} of ${SESSION} (leaf 0)`)
})

function sinkOf(rules: readonly AlertRule[], kept: unknown = null): AlertSink {
  const alarms = new Alarms({
    record: async (leaf) => {
      if (failures-- > 0) throw new Error('the keyholder is down')
      return alerts.push(leaf)
    },
    say: (line) => said.push(line),
    elapsedMs: () => 0,
  })
  return new AlertSink(rules, alarms, kept)
}

function intent(action: object): object {
  return { type: 'action.intent', session: SESSION, id: 'a', action, verdict: denied }
}

function record(index: number, members: object): LeafRecord {
  const leaf = { v: 1, at: AT, ...members }
  return leafRecord('sekisho/log/test', { index, leaf, line: JSON.stringify(leaf) })
}
