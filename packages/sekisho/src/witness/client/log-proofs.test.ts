import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner, parseVkey, segmentName, verifyConsistency } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Log, openLog } from '../../keyholder/log/open-log.ts'
import { LogProofs } from './log-proofs.ts'
import type { LogView } from './submit.ts'

const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
const keys = [parseVkey(signer.vkey)]

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-proofs-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function open(): Promise<Log> {
  return openLog({ dir, signer, now: () => new Date('2026-01-02T03:04:05.678Z') })
}

async function write(log: Log, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => log.append({ type: 'test', n })))
}

async function viewOf(proofs: LogProofs): Promise<LogView> {
  const view = await proofs.view(Infinity)
  if (view === undefined) throw new Error('an empty log')
  return view
}

async function expectProven(view: LogView, old: LogView): Promise<void> {
  const { size: oldSize, root } = old.tree
  const { oldRoot, proof } = await view.prove(oldSize)
  expect(oldRoot).toEqual(root)
  const { size: newSize, root: newRoot } = view.tree
  expect(verifyConsistency({ oldSize, oldRoot, newSize, newRoot, proof })).toBe(true)
}

test('an empty log has no view', async () => {
  const log = await open()
  expect(await new LogProofs(dir, keys).view(Infinity)).toBe(undefined)
  await log.close()
})

test('the growth of a log from each size to each later one is proven, read on or anew', async () => {
  const proofs = new LogProofs(dir, keys)
  const views: LogView[] = []
  for (const count of [1, 1, 3, 200, 7, 1]) {
    // a start of its own: a new segment, which repeats the last batch of the one before
    const log = await open()
    await write(log, count)
    await log.close()
    const view = await viewOf(proofs)
    for (const old of views) {
      await expectProven(view, old)
      await expectProven(await viewOf(new LogProofs(dir, keys)), old)
    }
    views.push(view)
  }
  expect(views.at(-1)?.tree.size).toBe(213)
})

test('what is being written is no part of the view', async () => {
  const log = await open()
  await write(log, 5)
  const proofs = new LogProofs(dir, keys)
  const old = await viewOf(proofs)
  await write(log, 5)
  await log.close()
  const path = join(dir, segmentName(1))
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"type":"torn`)
  const view = await viewOf(proofs)
  expect(view.tree.size).toBe(10)
  await expectProven(view, old)
})

test('what is not acknowledged as durable is not looked at', async () => {
  const log = await open()
  await write(log, 5)
  await write(log, 5)
  await log.close()
  const proofs = new LogProofs(dir, keys)
  expect((await proofs.view(9))?.tree.size).toBe(5)
  expect(await proofs.view(4)).toBe(undefined)
})

test('files that do not give the tree that was signed prove nothing', async () => {
  const log = await open()
  await write(log, 3)
  await write(log, 3)
  await log.close()
  const path = join(dir, segmentName(1))
  writeFileSync(path, readFileSync(path, 'utf8').replace('"n":1', '"n":7'))
  const view = await viewOf(new LogProofs(dir, keys))
  await expect(view.prove(3)).rejects.toMatchObject({ code: 'LOG_BROKEN' })
})

test('a checkpoint by another key is not the log’s', async () => {
  const log = await open()
  await write(log, 3)
  await log.close()
  const other = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
  const proofs = new LogProofs(dir, [parseVkey(other.vkey)])
  await expect(proofs.view(Infinity)).rejects.toMatchObject({ code: 'LOG_BROKEN' })
})
