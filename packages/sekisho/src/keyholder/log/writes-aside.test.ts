import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteCosigner, noteSigner, readLeaves, verifyLog } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { intent, outcome } from '../testing/leaves.ts'
import { type LogFiles, nodeFiles } from './files.ts'
import { type Log, openLog } from './open-log.ts'

const NAME = 'sekisho/log/test'
const signer = noteSigner(NAME, generateKeyPairSync('ed25519').privateKey)
const note = (n: number): object => ({ type: 'test', n })

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-aside-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(dir, { recursive: true })
})

/** What the disk does with a write that it has: all of it, some of it, or an error behind it. */
type Answer = { error?: Error; bytes?: number }
type Held = LogFiles & { answers: ((answer?: Answer) => void)[]; atOnce: number }

/** Writes beside the thread wait to be let go on. */
function heldFiles(): Held {
  const files: Held = {
    ...nodeFiles,
    answers: [],
    atOnce: 0,
    append: (descriptor, bytes) => {
      files.atOnce += 1
      return nodeFiles.append(descriptor, bytes)
    },
    appendAside: (descriptor, bytes, done) => {
      files.answers.push(({ error, bytes: taken = bytes.length } = {}) => {
        const written = taken === 0 ? 0 : nodeFiles.append(descriptor, bytes.subarray(0, taken))
        done(error ?? null, written)
      })
    },
  }
  return files
}

function open(files: LogFiles): Promise<Log> {
  return openLog({ dir, signer, files, now: () => new Date() })
}

/** As far as the log goes without the disk. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate)
}

/** A log with two leaves of a batch on their way to the disk. */
async function busy(files: Held): Promise<{ log: Log; first: Promise<number>[] }> {
  const log = await open(files)
  await log.append(note(0))
  const first = [log.append(note(1)), log.append(note(2))]
  await turns()
  expect(files.answers.length).toBe(1)
  return { log, first }
}

async function found(): Promise<unknown[]> {
  const ns: unknown[] = []
  for await (const { leaf } of readLeaves(dir)) ns.push(leaf['n'])
  return ns
}

test('one write is under way, and what comes meanwhile shares the next', async () => {
  const files = heldFiles()
  const { log, first } = await busy(files)
  let answered = 0
  const later = [3, 4, 5].map((n) => log.append(note(n)))
  for (const one of [...first, ...later]) void one.then(() => (answered += 1))
  await turns()
  // the disk is not done: nobody is told, and nothing else is written
  expect([answered, files.answers.length, log.size]).toEqual([0, 1, 1])
  files.answers[0]?.()
  expect(await Promise.all(first)).toEqual([1, 2])
  await turns()
  expect([answered, files.answers.length, log.size]).toEqual([2, 2, 3])
  files.answers[1]?.()
  expect(await Promise.all(later)).toEqual([3, 4, 5])
  await log.close()
  expect(await found()).toEqual([0, 1, 2, 3, 4, 5])
  expect(await verifyLog(dir, signer.vkey)).toMatchObject({ kind: 'sound', checkpoints: 3 })
})

test('a caller who is alone is written for at once', async () => {
  const files = heldFiles()
  const log = await open(files)
  for (const n of [0, 1, 2]) expect(await log.append(note(n))).toBe(n)
  expect([files.atOnce, files.answers.length]).toEqual([3, 0])
  await log.close()
})

test('a log that is closed while the disk has a batch ends with that and what waits behind it', async () => {
  const files = heldFiles()
  const { log, first } = await busy(files)
  const behind = log.append(note(3))
  const closed = log.close()
  await expect(log.append(note(4))).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
  await turns()
  expect(files.atOnce).toBe(1)
  files.answers[0]?.()
  await closed
  expect(await Promise.all([...first, behind])).toEqual([1, 2, 3])
  expect(await found()).toEqual([0, 1, 2, 3])
  expect(await verifyLog(dir, signer.vkey)).toMatchObject({ kind: 'sound', size: 4 })
})

test('a log whose disk is slow is not idle: no other checkpoint comes between', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const files = heldFiles()
  const postQuantum = noteCosigner(NAME, generateKeyPairSync('ml-dsa-44').privateKey)
  // the first checkpoint has both signatures, and the clock stands
  const clocks = { now: () => new Date(), elapsedMs: () => 0 }
  const log = await openLog({ dir, signer, postQuantum, files, ...clocks })
  for (const n of [0, 1]) await log.append(note(n))
  const slow = [log.append(note(2)), log.append(note(3))]
  await turns()
  vi.advanceTimersByTime(5000)
  expect([files.atOnce, files.answers.length]).toEqual([2, 1])
  files.answers[0]?.()
  expect(await Promise.all(slow)).toEqual([2, 3])
  vi.advanceTimersByTime(1000)
  expect(files.atOnce).toBe(3)
  await log.close()
  expect(await verifyLog(dir, signer.vkey)).toMatchObject({ kind: 'sound', checkpoints: 4 })
})

test('a disk that takes a batch in pieces gets the rest of it', async () => {
  const files = heldFiles()
  const { log, first } = await busy(files)
  files.answers[0]?.({ bytes: 100 })
  files.answers[1]?.({ bytes: 1 })
  expect(files.answers.length).toBe(3)
  files.answers[2]?.()
  expect(await Promise.all(first)).toEqual([1, 2])
  await log.close()
  expect(await verifyLog(dir, signer.vkey)).toMatchObject({ kind: 'sound', size: 3 })
})

test.for([
  { name: 'nothing', answer: { bytes: 0 }, cause: 'write(2) took nothing', index: 1 },
  { name: 'half of it', answer: { bytes: 100, error: new Error('EIO') }, cause: 'EIO', index: 1 },
  // what may be on the disk is gone on with: its two leaves come first
  { name: 'all of it', answer: { error: new Error('EIO') }, cause: 'EIO', index: 3 },
])(
  'a batch that failed with $name in the file is turned away with all behind it, and the log goes on',
  async ({ answer, cause, index }) => {
    const files = heldFiles()
    const { log, first } = await busy(files)
    const behind = log.append(note(3))
    const turnedAway = Promise.allSettled([...first, behind])
    files.answers[0]?.(answer)
    for (const one of await turnedAway) {
      const reason = { code: 'LOG_UNWRITABLE', cause: { cause: { message: cause } } }
      expect(one).toMatchObject({ status: 'rejected', reason })
    }
    const next = log.append(note(9))
    await turns()
    files.answers[1]?.()
    expect(await next).toBe(index)
    await log.close()
    expect(await found()).toEqual(index === 3 ? [0, 1, 2, 9] : [0, 9])
    expect(await verifyLog(dir, signer.vkey)).toMatchObject({ kind: 'sound' })
  },
)

test('what an action came to is written with the next leaf that something waits for', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const files = heldFiles()
  const log = await open(files)
  await log.append(intent('a'))
  const over = log.append(outcome('a'))
  await turns()
  expect(files.atOnce).toBe(1)
  // no other caller is there, so this one is written for at once
  expect([await log.append(intent('b')), await over]).toEqual([2, 1])
  expect([files.atOnce, files.answers.length]).toEqual([2, 0])
  await log.close()
  expect(await verifyLog(dir, signer.vkey)).toMatchObject({ kind: 'sound', checkpoints: 2 })
})

test('where none comes it waits for 2 ms and no longer, and for the disk', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const files = heldFiles()
  const log = await open(files)
  for (const id of ['a', 'b', 'c']) await log.append(intent(id))
  const alone = log.append(outcome('a'))
  vi.advanceTimersByTime(1)
  await turns()
  expect(log.size).toBe(3)
  vi.advanceTimersByTime(1)
  expect(await alone).toBe(3)
  const slow = [log.append(note(1)), log.append(note(2))]
  await turns()
  const behind = log.append(outcome('b'))
  vi.advanceTimersByTime(2)
  await turns()
  expect(files.answers.length).toBe(1)
  files.answers[0]?.()
  expect(await Promise.all(slow)).toEqual([4, 5])
  vi.advanceTimersByTime(2)
  await turns()
  files.answers[1]?.()
  expect(await behind).toBe(6)
  const last = log.append(outcome('c'))
  await log.close()
  expect(await last).toBe(7)
})
