import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeIdentity, makeTestCa } from '../gate/testing/certificates.ts'
import type { SinkConfigOf } from '../wire/exporter.ts'
import { Alarms } from './alarms.ts'
import { CursorFile } from './cursor-file.ts'
import { Pump } from './pump.ts'
import { leafRecord } from './record.ts'
import { openSyslog } from './syslog-sink.ts'
import { type Received, Rsyslogd } from './testing/rsyslogd.ts'
import { leafLine, ORIGIN, type TestLeaf, TestLog } from './testing/test-log.ts'

const BOM = '\uFEFF'
const SESSION = 's-00000000000000000000'

let receiver: Rsyslogd
let log: TestLog
let dir: string
let pump: Pump | undefined
beforeEach(() => {
  receiver = new Rsyslogd()
  log = new TestLog()
  dir = mkdtempSync(join(tmpdir(), 'sekisho-syslog-'))
})
afterEach(async () => {
  await pump?.stop()
  await receiver.close()
  log.remove()
  rmSync(dir, { recursive: true, force: true })
})

test('a real rsyslogd has every leaf, field by field, whatever stands in it', async () => {
  const leaves: TestLeaf[] = [
    { type: 'platform.stop', reason: 'ümläut 関所 🚦 "quoted" \\ ] \n\u001b[2J' },
    intent('a"b\\c]d', 'deny'),
    intent('plain', 'allow'),
    { type: 'platform.alert', rule: 'x]y"z\\', severity: 'high', subject: 's' },
    { type: 'platform.stop', reason: 'x'.repeat(20_000) },
    { type: 'platform.stop', reason: '関'.repeat(20_000) },
    { type: 'unheard.of.type.with.a.long.name.indeed' },
  ]
  log.batch(...leaves)
  await receiver.start()
  await sendAll()
  const received = receiver.received()
  expect(received.map(({ messageId }) => messageId)).toEqual([
    'platform.stop',
    'action.intent',
    'action.intent',
    'platform.alert',
    'platform.stop',
    'platform.stop',
    'unheard.of.type.with.a.long.name',
  ])
  expect(received[1]).toEqual({
    pri: '108', // log audit (13), warning (4)
    time: '2026-01-02T03:04:05.678Z',
    host: 'test.example',
    app: 'sekisho',
    messageId: 'action.intent',
    structured: `[sekisho@32473 id="${ORIGIN}#1" index="1" session="${SESSION}" action="a\\"b\\\\c\\]d" verdict="deny" rule="default" host="evil.example"]`,
    message: `${BOM}${leafLine(leaves[1] ?? {})}`,
  })
  for (const i of [0, 2, 3, 6]) {
    expect(received[i]?.message).toBe(`${BOM}${leafLine(leaves[i] ?? {})}`)
  }
  expect(received[3]?.structured).toContain('rule="x\\]y\\"z\\\\"')
  expect(received[3]?.pri).toBe('106')
  expect(received[6]?.structured).toContain('unknown="true"')
})

test('a leaf that is too long is cut between characters, and says how long it is', async () => {
  const leaf = { type: 'platform.stop', reason: '関'.repeat(20_000) }
  log.batch(leaf)
  await receiver.start()
  await sendAll()
  const [only] = receiver.received()
  const whole = leafLine(leaf)
  const text = only?.message.slice(1) ?? ''
  expect(whole.startsWith(text)).toBe(true)
  expect(text).not.toContain('\uFFFD')
  expect(Buffer.byteLength(text)).toBeGreaterThan(7900)
  expect(only?.structured).toContain(`truncatedFrom="${Buffer.byteLength(whole)}"`)
})

test('a receiver that is killed and started again in the middle has lost nothing', async () => {
  const total = 6000
  for (let i = 0; i < total; i += 100) log.batch(...many(i, 100))
  await receiver.start()
  const running = sendAll()
  await until(() => receiver.received().length > total / 6)
  await receiver.kill()
  const before = receiver.received().length
  expect(before).toBeLessThan(total)
  await receiver.start()
  await running
  const byId = new Map<string, Received>()
  for (const one of receiver.received()) {
    const id = /id="([^"]+)"/.exec(one.structured)?.[1] ?? ''
    const known = byId.get(id)
    if (known !== undefined && !one.message.startsWith(known.message)) expect(one).toEqual(known)
    byId.set(id, one)
  }
  const ids = Array.from({ length: total }, (_, i) => `${ORIGIN}#${i}`)
  expect(ids.filter((id) => !byId.has(id))).toEqual([])
  for (const [i, id] of ids.entries()) {
    expect(byId.get(id)?.message).toBe(`${BOM}${leafLine(many(i, 1)[0] ?? {})}`)
  }
})

test.for<[string, () => Partial<SinkConfigOf<'syslog'>>]>([
  ['a certificate of another CA', () => ({ tls: { ...tls(), ca: makeTestCa().pem } })],
  ['a certificate for another name', () => ({ host: '127.0.0.1' })],
  ['nobody there', () => ({ port: 1 })],
])('%s gets nothing, and the failure names no secret', async ([, change]) => {
  await receiver.start()
  await listening()
  const sink = openSyslog({ ...config(), ...change() }, place)
  const line = leafLine({ type: 'platform.stop', reason: 'x' })
  const record = leafRecord(ORIGIN, { index: 0, leaf: { v: 1 }, line })
  await expect(sink.send([record], AbortSignal.timeout(60_000))).rejects.toThrow()
  expect(receiver.received()).toEqual([])
})

test('a receiver that wants another client than ours has nothing, and it is not acknowledged', async () => {
  await receiver.start()
  await listening()
  const stranger = makeIdentity(makeTestCa(), 'stranger.example')
  const own = { ...tls(), certificate: stranger.cert, key: stranger.key }
  const sink = openSyslog({ ...config(), tls: own }, place)
  const line = leafLine({ type: 'platform.stop', reason: 'x' })
  const record = leafRecord(ORIGIN, { index: 0, leaf: { v: 1 }, line })
  await expect(sink.send([record], AbortSignal.timeout(60_000))).rejects.toThrow()
  expect(receiver.received()).toEqual([])
})

const place = { dir: '', version: '0', origin: ORIGIN, hostname: 'test.example', state: null }

function config(): SinkConfigOf<'syslog'> {
  const { port } = receiver
  const common = { name: 'ops', heartbeatMs: 60_000, facility: 13 }
  return { ...common, kind: 'syslog', host: 'localhost', port, tls: tls() }
}

function tls(): SinkConfigOf<'syslog'>['tls'] {
  return { ca: receiver.ca.pem, certificate: receiver.client.cert, key: receiver.client.key }
}

/** Resolves when the whole log is acknowledged. */
async function sendAll(): Promise<void> {
  const running = new Pump({
    name: 'ops',
    kind: 'syslog',
    heartbeatMs: null,
    origin: ORIGIN,
    logDir: log.dir,
    lag: { leaves: 1e6, bytes: 1e9, ageMs: 1e9 },
    open: () => openSyslog(config(), place),
    cursor: new CursorFile(join(dir, 'cursor.json')),
    begin: 'first',
    size: () => log.size,
    alarms: new Alarms({ record: async () => 0, say: () => undefined, elapsedMs: () => 0 }),
    now: () => new Date(0),
    elapsedMs: () => performance.now(),
    backoffMs: { first: 5, most: 50 },
  })
  pump = running
  running.start()
  while ((await running.status()).behind.leaves > 0) await turn()
}

async function listening(): Promise<void> {
  const sink = openSyslog(config(), place)
  for (;;) {
    const isUp = await sink.send([], AbortSignal.timeout(5000)).then(
      () => true,
      () => false,
    )
    if (isUp) return
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn()
}

function intent(id: string, kind: string): TestLeaf {
  const action = { kind: 'net.connect', host: 'evil.example' }
  return {
    type: 'action.intent',
    session: SESSION,
    id,
    action,
    verdict: { kind, rules: ['default'] },
  }
}

function many(from: number, count: number): TestLeaf[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'platform.stop',
    reason: `${from + i} ${'x'.repeat((from + i) % 700)}`,
  }))
}
