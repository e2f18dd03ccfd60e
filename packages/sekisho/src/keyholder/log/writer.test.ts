import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner, readLeaves, verifyLog } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LogFiles, nodeFiles } from './files.ts'
import { type Log, openLog } from './open-log.ts'

const SESSION = 's-00000000000000000000'
const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
const note = (n: number): object => ({ type: 'test', n })
const intent = (id: string): object => ({
  type: 'action.intent',
  session: SESSION,
  id,
  verdict: { kind: 'allow', rules: [] },
})
const outcome = (id: string): object => ({ type: 'action.outcome', session: SESSION, id })
const unwritable = { code: 'LOG_UNWRITABLE', hint: expect.stringContaining('free space') }

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-log-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

test('leaves get their indexes in the order of the calls, and are canonical with v and at', async () => {
  const log = await open({ now: () => new Date('2026-01-02T03:04:05.678Z') })
  expect(await Promise.all([0, 1, 2].map((n) => log.append(note(n))))).toEqual([0, 1, 2])
  expect(await log.append({ z: 1, type: 'test', a: 'é' })).toBe(3)
  expect(log.size).toBe(4)
  await log.close()
  const text = readFileSync(join(dir, '000000000001.log'), 'utf8')
  expect(text).toContain('\n{"a":"é","at":"2026-01-02T03:04:05.678Z","type":"test","v":2,"z":1}\n')
  expect(await verify()).toMatchObject({ kind: 'sound', size: 4, checkpoints: 2 })
})

test('whatever is queued is one write and one checkpoint', async () => {
  const files = countingFiles()
  const log = await open({ files })
  await Promise.all(Array.from({ length: 500 }, (_, n) => log.append(note(n))))
  expect(files.writes).toBe(1)
  await log.close()
  expect(await verify()).toMatchObject({ kind: 'sound', size: 500, checkpoints: 1 })
})

test('more than a batch holds goes out in several', async () => {
  const log = await open()
  await Promise.all(Array.from({ length: 9000 }, (_, n) => log.append(note(n))))
  await log.close()
  expect(await verify()).toMatchObject({ kind: 'sound', size: 9000, checkpoints: 3 })
})

test('a promise resolves only after the flush', async () => {
  const files = countingFiles()
  const log = await open({ files })
  let flushedAtResolve = -1
  await log.append(note(1)).then(() => {
    flushedAtResolve = files.writes
  })
  expect(flushedAtResolve).toBe(1)
  await log.close()
})

test('the name of a new segment is durable before its first leaf is acknowledged', async () => {
  const files = countingFiles()
  const syncs: number[] = []
  const log = await open({ files: { ...files, syncDirectory: () => void syncs.push(log.size) } })
  await log.append(note(0))
  await log.append(note(1))
  expect(syncs).toEqual([0])
  await log.close()
})

test('the time of a leaf never goes back, and says when the clock did', async () => {
  const times = ['2026-01-01T00:00:01.000Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:02.000Z']
  const log = await open({ now: () => new Date(times.shift() ?? 0) })
  for (const n of [0, 1, 2]) await log.append(note(n))
  await log.close()
  expect((await leaves()).map(({ at, clock }) => [at, clock])).toEqual([
    ['2026-01-01T00:00:01.000Z', undefined],
    ['2026-01-01T00:00:01.000Z', 'held'],
    ['2026-01-01T00:00:02.000Z', undefined],
  ])
  const later = await open({ now: () => new Date('2025-01-01T00:00:00.000Z') })
  await later.append(note(3))
  await later.close()
  expect((await leaves()).at(-1)).toMatchObject({ at: '2026-01-01T00:00:02.000Z', clock: 'held' })
  expect(await verify()).toMatchObject({ kind: 'sound' })
})

test.for([
  ['above 65,535 bytes', { type: 'test', text: 'x'.repeat(65_536) }],
  ['with a lone surrogate', { type: 'test', text: '\ud800' }],
  ['with undefined', { type: 'test', text: undefined }],
  ['without a type', { text: 'x' }],
  ['closing what is not open', outcome('nobody')],
] as const)('a leaf %s is refused and leaves no trace', async ([, leaf]) => {
  const log = await open()
  await expect(log.append(leaf)).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' })
  expect(await log.append(note(1))).toBe(0)
  await log.close()
})

test('an intent id is open once', async () => {
  const log = await open()
  const both = await Promise.allSettled([log.append(intent('a')), log.append(intent('a'))])
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  await log.append(outcome('a'))
  await log.append(intent('a'))
  await log.close()
  expect(await verify()).toMatchObject({ kind: 'sound', open: [{ session: SESSION, id: 'a' }] })
})

test('two writers cannot have one directory', async () => {
  const log = await open()
  await expect(open()).rejects.toMatchObject({ code: 'DAEMON_RUNNING' })
  await log.close()
  await (await open()).close()
})

test('after close nothing is taken', async () => {
  const log = await open()
  const last = log.append(note(1))
  await log.close()
  expect(await last).toBe(0)
  await expect(log.append(note(2))).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
})

/** Each failure leaves something else in the file. */
test.for([
  { name: 'nothing of the batch', fail: 'before', segments: 1 },
  { name: 'half of the batch', fail: 'half', segments: 2 },
  { name: 'all of the batch, perhaps not on the disk', fail: 'after', segments: 2 },
] as const)(
  'a failed flush that leaves $name rejects, and the next append heals',
  async ({ fail, segments }) => {
    const files = countingFiles()
    const log = await open({ files })
    await log.append(note(0))
    files.fail = fail
    const lost = [log.append(intent('lost')), log.append(note(1))]
    for (const one of lost) await expect(one).rejects.toMatchObject(unwritable)
    files.fail = undefined
    const index = await log.append(note(2))
    // what the disk may hold, signed, the log goes on with; its caller was told no, so a gap follows
    expect(index).toBe(fail === 'after' ? 4 : 1)
    expect(await verify()).toMatchObject({
      kind: 'sound',
      segments,
      open: [],
      gaps: fail === 'after' ? 1 : 0,
    })
    // nobody can close an intent that was turned away
    await expect(log.append(outcome('lost'))).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' })
    await log.append(intent('lost'))
    await log.append(outcome('lost'))
    await log.close()
    expect(await verify()).toMatchObject({ kind: 'sound', open: [] })
  },
)

test('an outcome that was turned away though the disk may hold it is not taken twice', async () => {
  const files = countingFiles()
  const log = await open({ files })
  await log.append(intent('a'))
  files.fail = 'after'
  await expect(log.append(outcome('a'))).rejects.toMatchObject(unwritable)
  files.fail = undefined
  await expect(log.append(outcome('a'))).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' })
  await log.append(note(1))
  await log.close()
  expect(await verify()).toMatchObject({ kind: 'sound', size: 3, open: [], gaps: 0 })
})

test('everything queued behind a failed flush is turned away with it', async () => {
  const files = countingFiles()
  const log = await open({ files })
  files.fail = 'before'
  const all = await Promise.allSettled(Array.from({ length: 5000 }, (_, n) => log.append(note(n))))
  expect(all.every(({ status }) => status === 'rejected')).toBe(true)
  expect(files.writes).toBe(1)
  await log.close()
})

test('a disk that stays full is not littered, and not tried at every call', async () => {
  const files = countingFiles()
  let elapsedMs = 0
  const log = await open({ files, elapsedMs: () => elapsedMs })
  files.fail = 'before'
  for (let n = 0; n < 5; n++) await expect(log.append(note(n))).rejects.toMatchObject(unwritable)
  expect(files.writes).toBe(2)
  expect(readdirSync(dir).filter((name) => name.endsWith('.log'))).toHaveLength(1)
  elapsedMs += 250
  files.fail = undefined
  expect(await log.append(note(9))).toBe(0)
  await log.close()
  expect(await verify()).toMatchObject({ kind: 'sound', size: 1 })
})

test('a flush that fails again and again, and a restart between, lose and fork nothing', async () => {
  const files = countingFiles()
  let elapsedMs = 0
  const log = await open({ files, elapsedMs: () => (elapsedMs += 1000) })
  await log.append(note(0))
  files.fail = 'after'
  for (const id of ['a', 'b', 'c']) {
    await expect(log.append(intent(id))).rejects.toMatchObject(unwritable)
  }
  await log.close()
  expect(await verify()).toMatchObject({ kind: 'sound', size: 2 })
  const again = await open()
  expect(await again.append(note(1))).toBe(3)
  await again.close()
  expect(await verify()).toMatchObject({ kind: 'sound', size: 4, gaps: 1, open: [] })
})

test('a log that cannot be written at start is one clear error', async () => {
  const first = await open()
  await first.append(intent('a'))
  await first.close()
  const files = countingFiles()
  files.fail = 'before'
  await expect(open({ files })).rejects.toMatchObject(unwritable)
  await (await open()).close()
  expect(await verify()).toMatchObject({ kind: 'sound', size: 2, gaps: 1, open: [] })
})

test('a segment that is full is followed by the next', async () => {
  const log = await open()
  const big = 'x'.repeat(60_000)
  for (let i = 0; i < 20; i++) {
    await Promise.all(Array.from({ length: 64 }, (_, n) => log.append({ type: 'test', n, big })))
  }
  await log.close()
  expect(await verify()).toMatchObject({ kind: 'sound', size: 1280, segments: 2 })
})

test('a real full disk turns callers away, and one with room again takes them', async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', dir])
  try {
    const log = await open()
    const kept: number[] = []
    const failure = await fill(log, kept)
    expect(failure).toMatchObject({ ...unwritable, cause: { cause: { code: 'ENOSPC' } } })
    execFileSync('mount', ['-o', 'remount,size=1m', dir])
    kept.push(await log.append(note(-1)))
    await log.close()
    expect(kept).toEqual(kept.map((_, i) => i))
    expect(await verify()).toMatchObject({ kind: 'sound', size: kept.length })
  } finally {
    execFileSync('umount', [dir])
  }
})

async function fill(log: Log, kept: number[]): Promise<unknown> {
  try {
    for (;;) kept.push(await log.append({ type: 'test', text: 'x'.repeat(5000) }))
  } catch (error) {
    return error
  }
}

function open(over: Partial<Parameters<typeof openLog>[0]> = {}): Promise<Log> {
  return openLog({ dir, signer, now: () => new Date(), ...over })
}

function verify(): ReturnType<typeof verifyLog> {
  return verifyLog(dir, signer.vkey)
}

async function leaves(): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = []
  for await (const { leaf } of readLeaves(dir)) found.push(leaf)
  return found
}

type Counting = LogFiles & { writes: number; fail: 'before' | 'half' | 'after' | undefined }

/** Real files that fail on demand, before, in the midst of or after the write. */
function countingFiles(): Counting {
  const files: Counting = {
    ...nodeFiles,
    writes: 0,
    fail: undefined,
    append: (descriptor, bytes) => {
      files.writes += 1
      if (files.fail === undefined) return nodeFiles.append(descriptor, bytes)
      if (files.fail === 'half') nodeFiles.append(descriptor, bytes.subarray(0, bytes.length / 2))
      if (files.fail === 'after') nodeFiles.append(descriptor, bytes)
      throw new Error('EIO, by demand')
    },
    appendAside: (descriptor, bytes, done) => {
      files.writes += 1
      const { fail } = files
      const kept = fail === 'half' ? bytes.subarray(0, bytes.length / 2) : bytes
      if (fail === 'before') {
        setImmediate(done, new Error('EIO, by demand'), 0)
        return
      }
      nodeFiles.appendAside(descriptor, kept, (error, written) => {
        done(fail === undefined ? error : new Error('EIO, by demand'), written)
      })
    },
  }
  return files
}
