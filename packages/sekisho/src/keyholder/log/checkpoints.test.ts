import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  noteCosigner,
  noteSigner,
  openNoteOf,
  parseNoteLine,
  parseVkey,
  verifyLog,
} from '@sekisho/verify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { failingFiles } from '../testing/failing-files.ts'
import { type Log, type LogOptions, openLog } from './open-log.ts'

const NAME = 'sekisho/log/test'
const signer = noteSigner(NAME, generateKeyPairSync('ed25519').privateKey)
const postQuantum = noteCosigner(NAME, generateKeyPairSync('ml-dsa-44').privateKey)
const AT = new Date('2026-01-02T03:04:05.678Z')

let dir = ''
let elapsedMs = 0
beforeEach(() => {
  elapsedMs = 10_000
  dir = mkdtempSync(join(tmpdir(), 'sekisho-checkpoints-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(dir, { recursive: true })
})

test('under load a checkpoint has both signatures once a second', async () => {
  const log = await open()
  for (const ms of [0, 500, 499, 1, 999, 2000, 0]) {
    elapsedMs += ms
    await log.append({ type: 'test' })
  }
  expect(signed()).toEqual(['both', 'one', 'one', 'both', 'one', 'both', 'one'])
  await log.close()
  expect(signed()).toEqual(['both', 'one', 'one', 'both', 'one', 'both', 'one', 'both'])
  expect(await verify()).toMatchObject({ kind: 'sound', size: 7, checkpoints: 8 })
})

test('the second signature is of the log’s own name and says when it was made', async () => {
  const log = await open()
  await log.append({ type: 'test' })
  await log.close()
  const keys = [signer.vkey, postQuantum.vkey].map(parseVkey)
  expect(log.vkeys).toEqual([signer.vkey, postQuantum.vkey])
  const opened = openNoteOf(log.checkpoint ?? '', keys)
  const times = opened.kind === 'opened' ? opened.by.map(({ timeSeconds }) => timeSeconds) : []
  expect(times).toEqual([null, Math.floor(AT.getTime() / 1000)])
})

test('when the log falls idle its head gets the second signature, once', async () => {
  const log = await open()
  vi.useFakeTimers()
  await appendUnderFakeTimers(log)
  await appendUnderFakeTimers(log)
  expect(signed()).toEqual(['both', 'one'])
  await vi.advanceTimersByTimeAsync(5000)
  expect(signed()).toEqual(['both', 'one', 'both'])
  expect(log.size).toBe(2)
  await log.close()
  expect(signed()).toEqual(['both', 'one', 'both'])
  expect(await verify()).toMatchObject({ kind: 'sound', size: 2 })
})

test('a second signature that cannot be written is made up for by the next batch', async () => {
  const files = failingFiles()
  const log = await open({ files })
  vi.useFakeTimers()
  await appendUnderFakeTimers(log)
  await appendUnderFakeTimers(log)
  files.fail = 'after'
  await vi.advanceTimersByTimeAsync(1000)
  expect(signed()).toEqual(['both', 'one', 'both'])
  files.fail = undefined
  await appendUnderFakeTimers(log)
  await log.close()
  expect(segments()).toHaveLength(2) // the second begins with what the first may not have
  expect(await verify()).toMatchObject({ kind: 'sound', size: 3 })
})

test('starts that nothing happens between do not make the log longer and longer', async () => {
  const log = await open()
  await log.append({ type: 'test' })
  await log.append({ type: 'test' })
  await log.close()
  for (let n = 0; n < 5; n += 1) await (await open()).close()
  const lines = segments().map((lines) => lines.length)
  expect(lines.slice(2)).toEqual([2, 2, 2, 2])
  expect(await verify()).toMatchObject({ kind: 'sound', size: 2 })
})

test('a log that had one key goes on with two, and back', async () => {
  for (const keys of [{}, { postQuantum }, {}, { postQuantum }]) {
    const log = await openLog({ dir, signer, now: () => AT, elapsedMs: () => elapsedMs, ...keys })
    await log.append({ type: 'test' })
    await log.close()
  }
  expect(await verify()).toMatchObject({ kind: 'sound', size: 4 })
})

/** setImmediate is faked as well. */
async function appendUnderFakeTimers(log: Log): Promise<void> {
  const appended = log.append({ type: 'test' })
  await vi.advanceTimersByTimeAsync(0)
  await appended
}

function open(over: Partial<LogOptions> = {}): Promise<Log> {
  return openLog({ dir, signer, postQuantum, now: () => AT, elapsedMs: () => elapsedMs, ...over })
}

function verify(): ReturnType<typeof verifyLog> {
  return verifyLog(dir, signer.vkey)
}

function segments(): string[][] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => readFileSync(join(dir, name), 'utf8').split('\n').slice(0, -1))
}

/** How many signatures each checkpoint has. */
function signed(): string[] {
  return segments()
    .flat()
    .filter((line) => line.startsWith('"'))
    .map((line) => (parseNoteLine(Buffer.from(line)) ?? '').split('\n— ').length)
    .map((count) => (count === 3 ? 'both' : 'one'))
}
