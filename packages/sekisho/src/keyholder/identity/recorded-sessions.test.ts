import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { segmentName } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KeyholderBench } from '../testing/keyholder-bench.ts'
import { OTHER, SESSION } from '../testing/leaves.ts'
import { readStates } from './recorded-sessions.ts'

let bench: KeyholderBench
beforeEach(async () => {
  bench = await KeyholderBench.open()
})
afterEach(async () => {
  await bench.close()
})

test('a state that is known needs no segment from before', async () => {
  await bench.begin(SESSION)
  await bench.begin(OTHER) // the newest batch is written again by whoever comes next
  await bench.restart()
  await bench.resume(SESSION)
  const whole = await readStates(logDir(), [SESSION])
  const { used } = bench.keyholder.identities
  writeFileSync(segment(1), '')
  expect(await readStates(logDir(), [SESSION])).toEqual(new Map())
  expect(await readStates(logDir(), [SESSION], used.known)).toEqual(whole)
  expect(whole.get(SESSION)).toMatchObject({ seq: 1, phase: 'running' })
})

test('the place in the log moves on while sessions run, with their states', async () => {
  await bench.begin(SESSION)
  await bench.begin(OTHER)
  await freeze(SESSION)
  const { used } = bench.keyholder.identities
  const before = await readStates(logDir(), [SESSION, OTHER])
  writeFileSync(segment(9), '') // as one that was begun
  await bench.keyholder.keepPlace()
  expect(used.known).toEqual({ from: 9, states: before })
})

test('a change that is not durable yet is in no state that is kept', async () => {
  await bench.begin(SESSION)
  const { used } = bench.keyholder.identities
  const before = await readStates(logDir(), [SESSION])
  bench.files.fail = 'before'
  await expect(freeze(SESSION)).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
  bench.files.fail = undefined
  writeFileSync(segment(9), '')
  await bench.keyholder.keepPlace()
  expect(used.known.states).toEqual(before)
})

test('after a restart from that place a session goes on, and no id comes twice', async () => {
  await bench.begin(SESSION)
  await freeze(SESSION)
  writeFileSync(segment(9), '')
  await bench.keyholder.keepPlace()
  await bench.restart()
  await bench.resume(SESSION)
  expect(bench.keyholder.sessions.find(SESSION)?.standing.state).toMatchObject({
    seq: 2,
    phase: 'frozen',
  })
  await expect(bench.begin(SESSION)).rejects.toMatchObject({ code: 'IDENTITY_CONFLICT' })
})

function freeze(session: string): Promise<number> {
  return bench.keyholder.recordOfSession({
    type: 'session.state',
    session,
    trigger: 'freeze',
    detail: '',
    checks: [],
  })
}

function logDir(): string {
  return join(bench.dir, 'log')
}

function segment(number: number): string {
  return join(logDir(), segmentName(number))
}
