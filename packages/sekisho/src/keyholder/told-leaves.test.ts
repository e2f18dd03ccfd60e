import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KeyholderBench } from './testing/keyholder-bench.ts'
import { intent, modelCall, modelIntent, OTHER, outcome, SESSION } from './testing/leaves.ts'
import { TestGate } from './testing/test-gate.ts'

let bench: KeyholderBench
let gate: TestGate
beforeEach(async () => {
  bench = await KeyholderBench.open()
  await bench.begin(SESSION)
  gate = await TestGate.at(bench.gates)
})
afterEach(() => bench.close())

/** Of actions, in the order of the log. */
async function recorded(): Promise<unknown[]> {
  const leaves = await bench.leaves()
  return leaves.flatMap(({ type, id }) =>
    ['action.intent', 'action.outcome', 'llm.call'].includes(String(type)) ? [[type, id]] : [],
  )
}

test('an intent that comes with outcomes is written before them, and waits for none', async () => {
  await Promise.all(['a', 'b'].map((id) => gate.record(intent(id))))
  const told = gate.tell([outcome('a'), outcome('b')])
  const { index } = await gate.record(intent('c'))
  const [first, second] = await told
  expect([first, second]).toEqual([index + 1, index + 2])
  const lines = readFileSync(join(bench.dir, 'log', '000000000001.log'), 'utf8').split('\n')
  const kinds = lines.map((line) => /"type":"action\.([a-z]+)"/.exec(line)?.[1] ?? line.slice(0, 1))
  // a line that begins with a quote is the checkpoint that makes what stands before it durable
  expect(kinds.join(' ')).toMatch(/intent "[ "]* outcome outcome "/)
})

test('outcomes of one message have one signature, and each its place', async () => {
  const ids = ['a', 'b', 'c']
  await Promise.all(ids.map((id) => gate.record(intent(id))))
  const claim = gate.claim(...ids.map(outcome))
  await gate.tell(ids.map(outcome), claim)
  const leaves = (await bench.leaves()).filter(({ type }) => type === 'action.outcome')
  const batch = { of: 3, path: expect.any(Array) }
  expect(leaves.map((leaf) => leaf['claim'])).toEqual([
    { ...claim, batch: { ...batch, at: 0 } },
    { ...claim, batch: { ...batch, at: 1 } },
    { ...claim, batch: { ...batch, at: 2 } },
  ])
  await gate.record(intent('d'))
  const alone = gate.claim(outcome('d'))
  await gate.tell([outcome('d')], alone)
  expect((await bench.leaves()).at(-1)?.['claim']).toEqual(alone)
})

test('a call of a model and its outcome come in one message, in their order', async () => {
  await gate.record(modelIntent('a'))
  expect(await gate.tell([modelCall('a'), outcome('a')])).toEqual([3, 4])
  expect(await recorded()).toEqual([
    ['action.intent', 'a'],
    ['llm.call', 'a'],
    ['action.outcome', 'a'],
  ])
  await gate.record(modelIntent('b'))
  const [done, late] = await gate.tell([outcome('b'), modelCall('b')])
  expect([typeof done, late]).toEqual([
    'number',
    expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }),
  ])
})

test('what of a message cannot be recorded is refused, and no other for it', async () => {
  await bench.begin(OTHER)
  await gate.record(intent('a'))
  await gate.record({ ...intent('b'), session: OTHER })
  const end = { type: 'session.end', exitCode: 0, reason: 'exit', counters: {} } as const
  await bench.keyholder.close(OTHER, { ...end, session: OTHER })
  const told = await gate.tell([{ ...outcome('b'), session: OTHER }, outcome('x'), outcome('a')])
  expect(told).toEqual([
    expect.objectContaining({ code: 'SESSION_UNKNOWN' }),
    expect.objectContaining({ code: 'PROTOCOL_VIOLATION', message: 'x is not an open intent' }),
    expect.any(Number),
  ])
  expect(bench.conflicts).toEqual([])
})

test('what a gate has signed before it took another key counts, however close behind that one comes', async () => {
  await gate.record(intent('a'))
  const next = new TestGate(new PassThrough())
  // one write: the key is another one before what was told is looked at
  const [told] = await Promise.all([gate.tell([outcome('a')]), next.identify(gate)])
  expect(told).toEqual([expect.any(Number)])
  expect(bench.conflicts).toEqual([])
  const outcomes = (await bench.leaves()).filter(({ type }) => type === 'action.outcome')
  expect(outcomes.map((leaf) => leaf['claim'])).toEqual([
    expect.objectContaining({ by: gate.keyId }),
  ])
  await gate.record(intent('b'))
  await expect(gate.tell([outcome('b')])).rejects.toMatchObject({ code: 'IDENTITY_CONFLICT' })
})

test('what is on its way into the log as its session ends is counted with it', async () => {
  await gate.record(intent('a'))
  const told = gate.tell([outcome('a')])
  const isQueued = (): boolean => !bench.keyholder.log.isOpen({ session: SESSION, id: 'a' })
  while (!isQueued()) await new Promise(setImmediate)
  const end = { type: 'session.end', exitCode: 0, reason: 'exit', counters: {} } as const
  await bench.keyholder.close(SESSION, { ...end, session: SESSION })
  expect(await told).toEqual([expect.any(Number)])
  const leaves = await bench.leaves()
  const counters = leaves.find(({ type }) => type === 'session.end')?.['counters']
  expect(counters).toMatchObject({ 'keyholder.leaves.action.outcome': 1 })
})

test('a number that a message had is no record’s, and the other way round', async () => {
  await gate.record(intent('a'), [], 7)
  await expect(gate.tell([outcome('a')], undefined, 7)).rejects.toMatchObject({
    code: 'IDENTITY_CONFLICT',
  })
  expect(await recorded()).toEqual([['action.intent', 'a']])
})

test.for([
  ['an intent', intent('b')],
  [
    'an outcome with a claim of its own',
    { ...outcome('a'), claim: { by: '0'.repeat(32), value: `${'A'.repeat(86)}==` } },
  ],
] as const)('%s is not told', async ([, leaf]) => {
  await gate.record(intent('a'))
  await expect(gate.tell([leaf])).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' })
  expect(await recorded()).toEqual([['action.intent', 'a']])
})

test.for(['action.outcome', 'llm.call'] as const)('%s is told, and not recorded', async (type) => {
  await gate.record(modelIntent('a'))
  const leaf = type === 'llm.call' ? modelCall('a') : outcome('a')
  const asked = { leaf, credentials: [], seq: ++gate.seq }
  await expect(gate.peer.call('record', asked)).rejects.toMatchObject({
    code: 'PROTOCOL_VIOLATION',
    message: `a gate records no ${type}`,
  })
})
