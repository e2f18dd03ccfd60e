import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Check } from './checks.ts'
import { type Done, runCheck } from './run-check.ts'

const NONE = { passed: 0, failed: 0, skipped: 0 }
const attack = { id: 'a', blocked: true, recorded: true, canaryBytes: 0 }

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'checks '))
})
afterEach(() => rmSync(root, { recursive: true }))

async function run(shell: string, more: Partial<Check> = {}): Promise<Pick<Done, 'ok' | 'tally'>> {
  const check: Check = {
    name: 'x',
    suites: ['test'],
    argv: ['/bin/sh', '-c', shell],
    timeoutMs: 10_000,
    ...more,
  }
  const { ok, tally } = await runCheck(check, { root, results: root })
  return { ok, tally }
}

test('a check that exits with 0 is ok', async () => {
  expect(await run('exit 0')).toEqual({ ok: true, tally: NONE })
})

test('a check that exits with anything else has failed', async () => {
  expect(await run('exit 3')).toEqual({ ok: false, tally: { ...NONE, failed: 1 } })
})

test('a check that a signal ends has failed', async () => {
  expect(await run('kill -9 $$')).toEqual({ ok: false, tally: { ...NONE, failed: 1 } })
})

test('a check that is not there has failed', async () => {
  const absent = await run('', { argv: ['./no-such-program'] })
  expect(absent).toEqual({ ok: false, tally: { ...NONE, failed: 1 } })
})

test('a check that takes too long is stopped, and has failed even if it then exits with 0', async () => {
  const slow = `trap 'touch stopped; exit 0' TERM; touch begun; while :; do :; done`
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const late = run(slow, { timeoutMs: 300 })
    await vi.waitUntil(() => existsSync(join(root, 'begun')), { timeout: 60_000 })
    vi.advanceTimersByTime(300)
    expect(await late).toEqual({ ok: false, tally: { ...NONE, failed: 1 } })
  } finally {
    vi.useRealTimers()
  }
  expect(existsSync(join(root, 'stopped'))).toBe(true)
})

test('the attacks of a drill are counted from its standard output', async () => {
  const attacks = JSON.stringify({ attacks: [attack, { ...attack, recorded: false }], escaped: 0 })
  const drill = await run(`echo talk >&2; echo '${attacks}'; exit 1`, { report: 'drill' })
  expect(drill).toEqual({ ok: false, tally: { passed: 1, failed: 1, skipped: 0 } })
})

test('the report of the last run is not counted again', async () => {
  const attacks = JSON.stringify({ attacks: [attack] })
  await run(`echo '${attacks}'`, { report: 'drill' })
  const silent = await run('exit 0', { report: 'drill' })
  expect(silent.tally).toEqual({ ...NONE, failed: 1 })
})
