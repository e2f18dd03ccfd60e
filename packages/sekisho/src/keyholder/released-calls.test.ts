import { afterEach, beforeEach, expect, test } from 'vitest'
import { MAX_RELEASES } from '../wire/transcript-reader.ts'
import { ReleasedCalls } from './released-calls.ts'
import { KeyholderBench } from './testing/keyholder-bench.ts'
import { type Intent, intent, type Outcome, outcome, SESSION } from './testing/leaves.ts'
import { TestGate } from './testing/test-gate.ts'

const digest = `sha256:${'a'.repeat(64)}`

function call(id: string, callId: string | null = `toolu_${id}`): Intent {
  const action = {
    kind: 'llm.tool-call' as const,
    provider: 'anthropic',
    model: 'm',
    tool: 'Bash',
    does: 'shell' as const,
    commands: [],
    paths: [],
    urls: [],
    digest,
    callId,
  }
  return { ...intent(id), action }
}

function done(id: string): Outcome {
  const performed = { status: null, address: null, bytesOut: 0, bytesIn: 0, scrubbed: 0 }
  return {
    type: 'action.outcome',
    session: SESSION,
    id,
    outcome: { kind: 'performed', ...performed },
  }
}

let bench: KeyholderBench
let gate: TestGate
beforeEach(async () => {
  bench = await KeyholderBench.open()
  await bench.begin(SESSION)
  gate = await TestGate.at(bench.gates)
})
afterEach(() => bench.close())

function released(): ReleasedCalls['all'] {
  return bench.keyholder.sessions.present(SESSION).released.all
}

const release = (id: string): object => ({
  callId: `toolu_${id}`,
  tool: 'Bash',
  digest,
  deed: expect.any(String),
})

test('a call that was handed over is remembered, one that was refused is not', async () => {
  await gate.record(call('a'))
  await gate.record(done('a'))
  await gate.record({ ...call('b'), verdict: { kind: 'deny', rules: ['r'], reason: 'no' } })
  await gate.record(call('c'))
  const refused = { kind: 'refused' as const, rules: ['r'], reason: 'another part of it' }
  await gate.record({ ...outcome('c'), outcome: refused })
  await gate.record(intent('d'))
  await gate.record(done('d'))
  expect(released()).toEqual({ isWhole: true, releases: [release('a')] })
})

test('a call whose outcome is still to come may have been handed over', async () => {
  await gate.record(call('a'))
  expect(released()).toEqual({ isWhole: true, releases: [release('a')] })
})

test('of a session that another keyholder began not everything is known', async () => {
  await gate.record(call('a'))
  await gate.record(done('a'))
  await bench.restart()
  await bench.resume(SESSION)
  expect(released()).toEqual({ isWhole: false, releases: [] })
})

test('more calls than are remembered are said to be more', () => {
  const calls = new ReleasedCalls(true)
  for (let i = 0; i <= MAX_RELEASES; i++) {
    calls.intend(call(String(i)))
    calls.close(done(String(i)))
  }
  expect(calls.all.isWhole).toBe(false)
  expect(calls.all.releases).toHaveLength(MAX_RELEASES)
})

test('calls of which nothing more is heard are not kept without bound', () => {
  const calls = new ReleasedCalls(true)
  for (let i = 0; i < MAX_RELEASES; i++) calls.intend(call(String(i)))
  expect(calls.all.isWhole).toBe(true)
  calls.intend(call('more'))
  calls.close(done('0'))
  calls.close(done('more'))
  expect(calls.all.isWhole).toBe(false)
  expect(calls.all.releases).toHaveLength(MAX_RELEASES)
  expect(calls.all.releases).not.toContainEqual(release('more'))
})
