import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type * as z from 'zod'
import { keyholderToSupervisor, supervisorToKeyholder } from '../../wire/keyholder.ts'
import { Peer } from '../../wire/peer.ts'
import type { putRecording } from '../../wire/recordings.ts'
import { ipcTransport } from '../../wire/transport.ts'
import { sha256Of } from '../blobs/sealed-content.ts'
import { KeyholderBench } from '../testing/keyholder-bench.ts'
import {
  intent,
  modelCall,
  modelIntent,
  OTHER,
  outcome,
  SESSION,
  startLeaf,
} from '../testing/leaves.ts'
import { TestGate } from '../testing/test-gate.ts'

const CHILD = new URL('../testing/keyholder-child.ts', import.meta.url)
const DAY_MS = 24 * 60 * 60_000
const asked = Buffer.from('what nobody else was asked')

let bench: KeyholderBench
let gate: TestGate
beforeEach(async () => {
  bench = await KeyholderBench.open()
  await bench.begin(SESSION)
  gate = await TestGate.at(bench.gates)
})
afterEach(async () => {
  bench.recordings.stop()
  await bench.close()
})

type Put = z.infer<(typeof putRecording)['params']>

function putOf(content: Buffer, more: Partial<Put> = {}): Put {
  return {
    session: SESSION,
    upload: '1',
    side: 'request',
    bytes: content.length,
    sha256: sha256Of(content),
    base: null,
    totalBytes: content.length,
    offset: 0,
    piece: content.toString('base64'),
    ...more,
  }
}

async function keep(content: Buffer): Promise<string> {
  const answer = await gate.peer.call('recording.put', putOf(content))
  if (answer.kind !== 'kept') throw new Error(`it is ${answer.kind}`)
  return answer.digest
}

async function read(digest: string, session = SESSION): Promise<Buffer> {
  const { piece } = await bench.recordings.read({ session, digest, offset: 0 })
  return Buffer.from(piece, 'base64')
}

const violation = { code: 'PROTOCOL_VIOLATION' }

test('a call from its intent to its outcome, with what was asked kept', async () => {
  const digest = await keep(asked)
  await gate.record(modelIntent('a'))
  const request = { bytes: asked.length, digest, kept: true }
  await gate.record(modelCall('a', { request }))
  await gate.record(outcome('a'))
  expect(await read(digest)).toEqual(asked)
  const leaves = await bench.leaves()
  const [told] = leaves.filter(({ type }) => type === 'llm.call')
  expect(told).toMatchObject({ id: 'a', request, sig: { by: expect.any(String) } })
  expect((await bench.types()).slice(-3)).toEqual(['action.intent', 'llm.call', 'action.outcome'])
})

test.for<[name: string, attempt: () => Promise<unknown>]>([
  ['without an intent', () => gate.record(modelCall('a'))],
  [
    'twice',
    async () => {
      await gate.record(modelIntent('a'))
      await gate.record(modelCall('a'))
      await gate.record(modelCall('a'))
    },
  ],
  [
    'of an intent that was denied',
    async () => {
      const verdict = { kind: 'deny' as const, rules: ['r'], reason: 'no' }
      await gate.record({ ...modelIntent('a'), verdict })
      await gate.record(modelCall('a'))
    },
  ],
  [
    'of another model than was asked',
    async () => {
      await gate.record(modelIntent('a'))
      await gate.record(modelCall('a', { model: 'claude-opus-5' }))
    },
  ],
  [
    'behind its outcome',
    async () => {
      await gate.record(modelIntent('a'))
      await gate.record(outcome('a'))
      await gate.record(modelCall('a'))
    },
  ],
  [
    'with a recording that is not there',
    async () => {
      await gate.record(modelIntent('a'))
      const digest = `sha256:${'7'.repeat(64)}`
      await gate.record(modelCall('a', { reply: { bytes: 1, digest, kept: true } }))
    },
  ],
  [
    'of a request that asks no model',
    async () => {
      await gate.record(intent('a'))
      await gate.record(modelCall('a'))
    },
  ],
])('a gate cannot tell what a call came to %s', async ([, attempt]) => {
  await expect(attempt()).rejects.toMatchObject(violation)
  const told = (await bench.types()).filter((type) => type === 'llm.call')
  expect(told.length).toBeLessThanOrEqual(1)
})

test('a call can be told again after one that was refused', async () => {
  await gate.record(modelIntent('a'))
  await expect(gate.record(modelCall('a', { model: 'x' }))).rejects.toMatchObject(violation)
  await gate.record(modelCall('a'))
  expect((await bench.types()).filter((type) => type === 'llm.call')).toHaveLength(1)
})

test('a gate keeps nothing for a session that is another’s', async () => {
  await bench.begin(OTHER, 1)
  const put = gate.peer.call('recording.put', putOf(asked, { session: OTHER }))
  await expect(put).rejects.toMatchObject({ code: 'IDENTITY_CONFLICT' })
  expect(
    readdirSync(join(bench.dir, 'recordings')).filter((name) => name.endsWith('.rec')),
  ).toEqual([])
})

test('what comes in pieces is put together, and a piece out of place is refused', async () => {
  const content = randomBytes(1_600_000)
  const cut = 1536 * 1024
  const pieceAt = (from: number, to: number): Partial<Put> => ({
    offset: from,
    piece: content.subarray(from, to).toString('base64'),
  })
  const first = await gate.peer.call('recording.put', putOf(content, pieceAt(0, cut)))
  expect(first).toEqual({ kind: 'more' })
  const last = await gate.peer.call('recording.put', putOf(content, pieceAt(cut, content.length)))
  if (last.kind !== 'kept') throw new Error('not kept')
  const [one, two] = await Promise.all(
    [0, cut].map((offset) =>
      bench.recordings.read({ session: SESSION, digest: last.digest, offset }),
    ),
  )
  const whole = [one, two].map((read) => Buffer.from(read?.piece ?? '', 'base64'))
  expect(Buffer.concat(whole).equals(content)).toBe(true)
  const lone = gate.peer.call('recording.put', putOf(content, pieceAt(cut, content.length)))
  await expect(lone).rejects.toMatchObject(violation)
  const short = gate.peer.call('recording.put', putOf(asked, { totalBytes: 99 }))
  await expect(short).rejects.toMatchObject(violation)
})

test('after the days that the bundle says what was said goes, and the log says so first', async () => {
  const digest = await keep(asked)
  bench.recordings.keepFor(7)
  bench.nowMs += 6 * DAY_MS
  await bench.recordings.sweep()
  expect(await read(digest)).toEqual(asked)
  await bench.recordings.forget(SESSION)
  bench.nowMs += 2 * DAY_MS
  await bench.recordings.sweep()
  await expect(read(digest)).resolves.toEqual(asked) // put together a moment ago
  bench.recordings.stop()
  await bench.restart()
  await expect(read(digest)).rejects.toMatchObject({ code: 'CONTENT_LOST' })
  expect((await bench.leaves()).filter(({ type }) => type === 'recording.removed')).toMatchObject([
    { session: SESSION, recordings: 1, reason: 'retention', by: null },
  ])
})

test('what is put together while its session is erased is not told afterwards', async () => {
  const digest = await keep(asked)
  const reading = read(digest)
  await bench.recordings.erase({ session: SESSION, by: 1000 })
  await reading.catch(() => undefined)
  await expect(read(digest)).rejects.toMatchObject({ code: 'CONTENT_LOST' })
})

test('one session whose files cannot be read does not keep those of others beyond their time', async () => {
  await bench.begin(OTHER)
  await keep(asked)
  const other = await gate.peer.call('recording.put', putOf(asked, { session: OTHER }))
  if (other.kind !== 'kept') throw new Error('not kept')
  rmSync(join(bench.dir, 'recordings', `${SESSION}.1.rec`))
  bench.nowMs += 31 * DAY_MS
  await expect(bench.recordings.sweep()).rejects.toThrow('ENOENT')
  await expect(read(other.digest, OTHER)).rejects.toMatchObject({ code: 'CONTENT_LOST' })
})

test('an operator erases a session while it runs, and it goes on', async () => {
  const digest = await keep(asked)
  expect(await read(digest)).toEqual(asked)
  await gate.record(modelIntent('a'))
  expect(await bench.recordings.erase({ session: SESSION, by: 1000 })).toMatchObject({
    recordings: 1,
  })
  await expect(read(digest)).rejects.toMatchObject({ code: 'CONTENT_LOST' })
  const request = { bytes: asked.length, digest, kept: true }
  await gate.record(modelCall('a', { request }))
  expect(await keep(asked)).not.toBe(digest)
  const removed = (await bench.leaves()).filter(({ type }) => type === 'recording.removed')
  expect(removed).toMatchObject([{ recordings: 1, reason: 'erased', by: 1000 }])
})

test('where the log cannot be written nothing is erased', async () => {
  const digest = await keep(asked)
  bench.files.fail = 'before'
  const erased = bench.recordings.erase({ session: SESSION, by: 0 })
  await expect(erased).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
  bench.files.fail = undefined
  expect(await read(digest)).toEqual(asked)
})

test('killed while it records, it comes back with every recording that it answered', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sekisho-state-'))
  const kept = new Map<string, Buffer>()
  try {
    for (let run = 0; run < 3; run++) await recordUntilKilled(stateDir, run, kept)
    const child = fork(CHILD, [stateDir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    await once(child, 'message')
    const supervisor = supervisorOf(child)
    expect(kept.size).toBeGreaterThan(0)
    for (const [digest, content] of kept) {
      const asked = { session: SESSION, digest, offset: 0 }
      const { piece } = await supervisor.call('recording.get', asked)
      expect(Buffer.from(piece, 'base64').equals(content)).toBe(true)
    }
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    for (const name of readdirSync(join(stateDir, 'recordings'))) {
      expect(readFileSync(join(stateDir, 'recordings', name)).includes('was asked')).toBe(false)
    }
  } finally {
    rmSync(stateDir, { recursive: true })
  }
})

function supervisorOf(
  child: ChildProcess,
): Peer<typeof supervisorToKeyholder, typeof keyholderToSupervisor> {
  return new Peer('keyholder', ipcTransport(child), {
    out: supervisorToKeyholder,
    in: keyholderToSupervisor,
    handlers: { 'identity.conflict': () => ({}), 'canary.hit': () => ({}) },
  })
}

/** Eight conversations at once, each turn leaning on the one before, until the process is killed. */
async function recordUntilKilled(
  stateDir: string,
  run: number,
  kept: Map<string, Buffer>,
): Promise<void> {
  const child = fork(CHILD, [stateDir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await once(child, 'message')
  const exited = once(child, 'exit')
  const supervisor = supervisorOf(child)
  const leaf = run === 0 ? startLeaf(SESSION) : null
  const opening = { session: SESSION, secrets: [], leaf, printKey: null, gate: 0 }
  await supervisor.call('session.open', opening)
  const one = await TestGate.attach(supervisor, stateDir)
  let left = randomInt(10, 200)
  const talks = Array.from({ length: 8 }, async (_, talk) => {
    let content = Buffer.from(`${run} ${talk} was asked;`)
    let base: Put['base'] = null
    for (let turn = 0; ; turn++) {
      const middle = Buffer.from(` ${turn} ${randomBytes(randomInt(1, 2000)).toString('hex')}`)
      const prefixBytes = content.length
      const whole = Buffer.concat([content, middle])
      const told = base === null ? whole : middle
      const piece = { totalBytes: told.length, piece: told.toString('base64') }
      const put = putOf(whole, { ...piece, base: base && { ...base, prefixBytes } })
      const answer = await one.peer.call('recording.put', put)
      if (answer.kind === 'whole') {
        base = null
        continue
      }
      if (answer.kind === 'more') throw new Error('more of what?')
      kept.set(answer.digest, whole)
      content = whole
      base = { digest: answer.digest, prefixBytes: 0, suffixBytes: 0 }
      if (--left === 0) child.kill('SIGKILL')
    }
  })
  const ends = await Promise.allSettled(talks)
  expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
  await exited
}
