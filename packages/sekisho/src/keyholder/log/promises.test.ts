import { generateKeyPairSync } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Log, type LogOptions, openLog } from './open-log.ts'

const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
const broken = (message: string): object => ({
  code: 'LOG_BROKEN',
  message: expect.stringContaining(message),
})

let base = ''
let dir = ''
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'sekisho-promises-'))
  dir = join(base, 'log')
})
afterEach(() => rmSync(base, { recursive: true }))

test('a log that continues every checkpoint kept elsewhere is opened', async () => {
  const kept = [await write('a', 3), await write('a', 700), await write('a', 2)]
  const log = await open({ promised: kept })
  await log.promise(kept)
  expect(log.size).toBe(705)
  await log.close()
})

test('an older copy of the state directory is refused, and nothing is written to it', async () => {
  await write('a', 3)
  cpSync(dir, join(base, 'snapshot'), { recursive: true })
  const kept = await write('a', 2)
  rollBack()
  const before = readdirSync(dir)
  await expect(open({ promised: [kept] })).rejects.toMatchObject(
    broken('rolled back: it has 3 leaves, a checkpoint kept elsewhere is for 5'),
  )
  expect(readdirSync(dir)).toEqual(before)
})

test.for([
  ['to the same size', 2],
  ['and went on beyond it', 9],
] as const)('an older copy that was written to again, %s, is refused', async ([, more]) => {
  await write('a', 3)
  cpSync(dir, join(base, 'snapshot'), { recursive: true })
  const kept = await write('a', 2)
  rollBack()
  await write('b', more) // by whoever has the log's key
  await expect(open({ promised: [kept] })).rejects.toMatchObject(
    broken('rolled back and rewritten: its first 5 leaves are not those'),
  )
})

test('a log that was emptied is refused', async () => {
  const kept = await write('a', 3)
  rmSync(dir, { recursive: true })
  await expect(open({ promised: [kept] })).rejects.toMatchObject(broken('rolled back: it has 0'))
})

test('another log in its place is refused', async () => {
  const other = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
  const kept = await write('a', 3)
  rmSync(dir, { recursive: true })
  await expect(open({ signer: other, promised: [kept] })).rejects.toMatchObject(
    broken('another log stands here'),
  )
})

test('a log that is open already can be held to what is found later', async () => {
  await write('a', 3)
  cpSync(dir, join(base, 'snapshot'), { recursive: true })
  const kept = await write('a', 2)
  rollBack()
  const log = await open()
  await expect(log.promise([kept])).rejects.toMatchObject(broken('rolled back'))
  await log.close()
})

function rollBack(): void {
  rmSync(dir, { recursive: true })
  cpSync(join(base, 'snapshot'), dir, { recursive: true })
}

function open(over: Partial<LogOptions> = {}): Promise<Log> {
  return openLog({ dir, signer, now: () => new Date(), ...over })
}

/** @returns the checkpoint after it */
async function write(word: string, count: number): Promise<string> {
  const log = await open()
  for (let n = 0; n < count; n += 1) await log.append({ type: 'test', word, n })
  await log.close()
  return log.checkpoint ?? ''
}
