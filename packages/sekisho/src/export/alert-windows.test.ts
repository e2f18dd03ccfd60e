import { expect, test } from 'vitest'
import type { AlertRule } from '../wire/exporter.ts'
import { AlertWindows } from './alert-windows.ts'

const NOW_MS = Date.parse('2026-01-02T03:04:05.678Z')
const MAX_BYTES = 1_000_000

const many: AlertRule = {
  name: 'many',
  type: 'action.intent',
  where: [],
  severity: 'high',
  threshold: 1000,
  windowMs: 3_600_000,
  per: 'session',
}

test('what is kept of as many keys and times as there can be stays below a megabyte', () => {
  const windows = new AlertWindows(null)
  const per = (key: number): string => `${key}`.padEnd(64, '\u001b') // six bytes each in JSON
  for (let key = 0; key < 1100; key += 1) {
    for (let time = 0; time < 60; time += 1) windows.count(many, per(key), NOW_MS + time)
  }
  expect(JSON.stringify(windows.state(NOW_MS)).length).toBeLessThan(MAX_BYTES)
  for (let time = 60; time < 999; time += 1) windows.count(many, per(1099), NOW_MS + time)
  // the newest is whole
  expect(windows.count(many, per(1099), NOW_MS + 999)).toBe(1000)
})

test('what was kept counts against the bound too', () => {
  const times = Array.from({ length: 1000 }, (_, at) => NOW_MS + at)
  const window = { times, firedAtMs: null, unsaid: 0, untilMs: NOW_MS + 3_600_000 }
  const kept = Array.from({ length: 1000 }, (_, key) => [`many ${key}`, window])
  const windows = new AlertWindows(kept)
  windows.count(many, 'another', NOW_MS)
  expect(JSON.stringify(windows.state(NOW_MS)).length).toBeLessThan(MAX_BYTES)
})
