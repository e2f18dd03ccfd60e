import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AlertLeaf, Alarms } from './alarms.ts'
import { CursorFile } from './cursor-file.ts'
import { Pump, type PumpOptions } from './pump.ts'
import { RefusedError, RetryError } from './sink.ts'
import { FakeSink } from './testing/fake-sink.ts'
import { ORIGIN, stops, TestLog } from './testing/test-log.ts'

let log: TestLog
let dir: string
let sink: FakeSink
let pump: Pump | undefined
let alerts: AlertLeaf[]
let nowMs: number

beforeEach(() => {
  log = new TestLog()
  dir = mkdtempSync(join(tmpdir(), 'sekisho-pump-'))
  sink = new FakeSink()
  alerts = []
  nowMs = Date.parse('2026-01-02T03:04:05.678Z')
})
afterEach(async () => {
  await pump?.stop()
  log.remove()
  rmSync(dir, { recursive: true, force: true })
})

test('every leaf comes once, in order, and the cursor follows the acknowledgement', async () => {
  log.batch(...stops('a', 'b'))
  run()
  await sink.until(() => sink.ids.length === 2)
  log.batch(...stops('c'))
  pump?.wake()
  await sink.until(() => sink.ids.length === 3)
  expect(sink.ids).toEqual([id(0), id(1), id(2)])
  await pump?.stop()
  expect(cursor()).toMatchObject({ v: 1, origin: ORIGIN, position: { index: 3, segment: 1 } })
})

test('a restart goes on after what was acknowledged, with what the sink kept', async () => {
  log.batch(...stops('a', 'b'))
  sink.kept = { half: 'done' }
  run()
  await sink.until(() => sink.ids.length === 2)
  await pump?.stop()
  log.batch(...stops('c'))
  let given: unknown
  const next = new FakeSink()
  run({
    open: (state) => {
      given = state
      return next
    },
  })
  await next.until(() => next.ids.length > 0)
  expect(next.ids).toEqual([id(2)])
  expect(given).toEqual({ half: 'done' })
})

test('what was not acknowledged is sent again, by a restart as well', async () => {
  log.batch(...stops('a'))
  sink.answers.push(new RetryError('HTTP 503'), new Error('reset'), 'hang')
  run({ sendTimeoutMs: 5 })
  await sink.until(() => sink.ids.length === 1)
  await pump?.stop()
  rmSync(join(dir, 'cursor.json')) // as if the crash had come before it was written
  run()
  await sink.until(() => sink.ids.length === 2)
  expect(sink.ids).toEqual([id(0), id(0)])
})

test('a sink that hangs raises the alarm once, holds nobody up, and is well again afterwards', async () => {
  const other = new FakeSink()
  log.batch(...stops('a'))
  const hanging = Array.from({ length: 10_000 }, () => 'hang' as const)
  sink.answers.push(...hanging)
  let elapsed = 0
  run({ elapsedMs: () => elapsed, sendTimeoutMs: 20 })
  const second = new Pump(
    options({ open: () => other, cursor: new CursorFile(join(dir, 'b.json')) }),
  )
  second.start()
  await other.until(() => other.ids.length === 1)
  await settled(async () => sink.answers.length < hanging.length)
  elapsed = 10_000
  await pump?.checkLag()
  await pump?.checkLag()
  expect(alerts.map(({ rule, severity }) => ({ rule, severity }))).toEqual([
    { rule: 'export.lag', severity: 'high' },
  ])
  expect(alerts[0]?.subject).toMatch(/^sink test is 1 leaves, \d+ bytes, 10 s behind/)
  sink.answers.length = 0
  await sink.until(() => sink.ids.length === 1)
  await settled(async () => (await pump?.status())?.behind.leaves === 0)
  await pump?.checkLag()
  await pump?.checkLag()
  expect(alerts.map(({ subject }) => subject).slice(1)).toEqual(['sink test has caught up'])
  await second.stop()
})

test('a clock that goes back makes no age and hides none', async () => {
  log.batch(...stops('a'))
  sink.answers.push('hang')
  let elapsed = 0
  run({ elapsedMs: () => elapsed, sendTimeoutMs: 10_000 })
  await settled(async () => (await pump?.status())?.state === 'sending')
  nowMs -= 86_400_000
  expect((await pump?.status())?.behind.ageMs).toBe(0)
  elapsed = 3000
  expect((await pump?.status())?.behind.ageMs).toBe(3000)
})

test('one record that the receiver will never take costs no other, and is told', async () => {
  log.batch(...stops(...Array.from({ length: 9 }, (_, i) => i)))
  sink.refuses = ({ id: of }) => (of === id(4) ? new RefusedError('HTTP 400') : undefined)
  run()
  await sink.until(() => sink.ids.length === 8)
  expect(sink.ids).toEqual([0, 1, 2, 3, 5, 6, 7, 8].map(id))
  await settled(async () => (await pump?.status())?.refused === 1)
  expect(alerts.map(({ subject }) => subject)).toEqual([
    `sink test refuses ${id(4)}, which it does not have now: HTTP 400`,
  ])
})

test('a partial success is counted and told, and not sent again', async () => {
  log.batch(...stops('a', 'b'))
  sink.answers.push(2)
  run()
  await sink.until(() => sink.ids.length === 2)
  log.batch(...stops('c'))
  pump?.wake()
  await sink.until(() => sink.ids.length === 3)
  expect(sink.ids).toEqual([id(0), id(1), id(2)])
  expect(await pump?.status()).toMatchObject({ refused: 2 })
  expect(alerts.map(({ rule }) => rule)).toEqual(['export.refused'])
})

test('the refusal of an alert raises no alert', async () => {
  log.batch({ type: 'platform.alert', rule: 'x', severity: 'low', subject: 'y' })
  sink.refuses = ({ kind }) => (kind === 'leaf' ? new RefusedError('HTTP 400') : undefined)
  run()
  await settled(async () => (await pump?.status())?.refused === 1)
  expect(alerts).toEqual([])
})

test.for<[string, () => void]>([
  ['cut below the cursor', () => truncateSync(log.path, offset() - 5)],
  ['edited at the cursor', () => writeFileSync(log.path, edited())],
])('a log that was %s is not sent on: the sink is told, and stops', async ([, spoil]) => {
  log.batch(...stops('a', 'b'))
  run()
  await sink.until(() => sink.ids.length === 2)
  await pump?.stop()
  spoil()
  const next = new FakeSink()
  run({ open: () => next })
  await next.until(() => next.taken.length === 1)
  expect(next.taken.flat().map(({ kind }) => kind)).toEqual(['stopped'])
  expect(await pump?.status()).toMatchObject({
    state: 'stopped',
    failure: 'leaf 1 is not the one that was read',
  })
  expect(alerts).toEqual([
    {
      type: 'platform.alert',
      rule: 'export.stopped',
      severity: 'high',
      subject: 'sink test is stopped: leaf 1 is not the one that was read',
    },
  ])
})

test('a log that the keyholder calls shorter than what was sent stops the sink at once', async () => {
  log.batch(...stops('a', 'b'))
  let size = 2
  run({ size: () => size })
  await sink.until(() => sink.ids.length === 2)
  size = 1
  pump?.wake()
  await sink.until(() => sink.taken.flat().some(({ kind }) => kind === 'stopped'))
  expect(alerts.map(({ rule }) => rule)).toEqual(['export.stopped'])
})

test.for([
  ['of another log', { origin: 'sekisho/log/other' }, 'the cursor is of another log'],
  ['that cannot be read', { v: 2 }, 'cannot be read'],
] as const)('a cursor %s sends nothing', async ([, change, why]) => {
  log.batch(...stops('a'))
  run()
  await sink.until(() => sink.ids.length === 1)
  await pump?.stop()
  writeFileSync(join(dir, 'cursor.json'), JSON.stringify({ ...cursor(), ...change }))
  const next = new FakeSink()
  run({ open: () => next })
  await settled(async () => (await pump?.status())?.state === 'stopped')
  expect((await pump?.status())?.failure).toContain(why)
  expect(next.ids).toEqual([])
  expect(alerts.map(({ rule }) => rule)).toEqual(['export.stopped'])
})

test('a log that cannot be read for a while is gone on with when it can', async () => {
  log.batch(...stops('a'))
  const away = `${log.path}.away`
  renameSync(log.path, away)
  mkdirSync(log.path) // reading it fails, and it is not gone
  run()
  await settled(async () => (await pump?.status())?.state !== 'idle')
  expect((await pump?.status())?.failure).toBe('the log cannot be read: EISDIR')
  rmdirSync(log.path)
  renameSync(away, log.path)
  await sink.until(() => sink.ids.length === 1)
  await settled(async () => (await pump?.status())?.failure === null)
  expect(alerts).toEqual([])
})

test('a cursor that cannot be written holds the sink, and lets it go on once it can', async () => {
  log.batch(...stops('a'))
  let failures = 2
  const file = new CursorFile(join(dir, 'cursor.json'))
  const write = file.write.bind(file)
  file.write = (value) => {
    if (failures-- > 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    write(value)
  }
  run({ cursor: file })
  await settled(async () => existsSync(join(dir, 'cursor.json')))
  expect(sink.ids).toEqual([id(0)])
  expect((await pump?.status())?.failure).toBeNull()
})

test('an idle sink gets a heartbeat, which is no leaf and moves no cursor', async () => {
  log.batch(...stops('a'))
  run({ heartbeatMs: 5 })
  await sink.until(() => sink.taken.length >= 3)
  expect(sink.taken.flat()[1]).toEqual({
    kind: 'heartbeat',
    id: `${ORIGIN}/heartbeat/test/2026-01-02T03:04:05.678Z`,
    at: '2026-01-02T03:04:05.678Z',
    index: 1,
    text: 'alive after 1 leaves',
  })
  expect(cursor()).toMatchObject({ position: { index: 1 } })
})

test('a first start from now on leaves out what was there', async () => {
  log.batch(...stops('a', 'b'))
  run({ begin: 'now' })
  await settled(async () => existsSync(join(dir, 'cursor.json')))
  log.batch(...stops('c'))
  pump?.wake()
  await sink.until(() => sink.ids.length === 1)
  expect(sink.ids).toEqual([id(2)])
})

function run(change: Partial<PumpOptions> = {}): void {
  pump = new Pump(options(change))
  pump.start()
}

function options(change: Partial<PumpOptions>): PumpOptions {
  return {
    name: 'test',
    kind: 'fake',
    heartbeatMs: null,
    origin: ORIGIN,
    logDir: log.dir,
    lag: { leaves: 1000, bytes: 1024 * 1024, ageMs: 5000 },
    open: () => sink,
    cursor: new CursorFile(join(dir, 'cursor.json')),
    begin: 'first',
    size: () => log.size,
    alarms: new Alarms({
      record: async (leaf) => alerts.push(leaf),
      say: () => undefined,
      elapsedMs: () => 0,
    }),
    now: () => new Date(nowMs),
    elapsedMs: () => performance.now(),
    backoffMs: { first: 1, most: 2 },
    ...change,
  }
}

function id(index: number): string {
  return `${ORIGIN}#${index}`
}

function cursor(): object {
  const value: unknown = JSON.parse(readFileSync(join(dir, 'cursor.json'), 'utf8'))
  return typeof value === 'object' && value !== null ? value : {}
}

function offset(): number {
  const of: unknown = Reflect.get(cursor(), 'position')
  return Number(Reflect.get(Object(of), 'offset'))
}

function edited(): string {
  return readFileSync(log.path, 'utf8').replace('"reason":"b"', '"reason":"x"')
}

async function settled(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await turn()
}
