import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteCosigner, noteSigner, readLeaves, verifyLog } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { leafKey } from '../testing/leaf-key.ts'
import { type Log, openLog } from './open-log.ts'

const NAME = 'sekisho/log/test'
const signer = noteSigner(NAME, generateKeyPairSync('ed25519').privateKey)
const postQuantum = noteCosigner(NAME, generateKeyPairSync('ml-dsa-44').privateKey)
const key = leafKey()
const CALLERS = 64

let base = ''
let mounted = ''
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'sekisho-disk-'))
  mounted = join(base, 'mounted')
  mkdirSync(mounted)
})
afterEach(() => {
  execFileSync('umount', [mounted])
  rmSync(base, { recursive: true })
})

test('a file system that turns read-only under load loses nothing that was acknowledged', async () => {
  mountDisk(true)
  const log = await open()
  const acknowledged = new Map<number, number>()
  const callers = Array.from({ length: CALLERS }, (_, caller) =>
    callUntilRefused(log, { caller, acknowledged }),
  )
  while (acknowledged.size < 1000) await new Promise(setImmediate)
  // as the kernel itself does it when the disk fails: under those who have files open for writing
  execFileSync('mount', ['-o', 'remount,abort', mounted])
  for (const refused of await Promise.all(callers)) {
    expect(refused).toMatchObject({ code: 'LOG_UNWRITABLE' })
  }
  await log.close()
  execFileSync('umount', [mounted])
  mountDisk(false)
  await goesOnWith(acknowledged)
})

test('a disk that is full under load loses nothing that was acknowledged, tiles or not', async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=700k', 'tmpfs', mounted])
  const warned: string[] = []
  const log = await open((line) => void warned.push(line))
  const acknowledged = new Map<number, number>()
  const callers = Array.from({ length: CALLERS }, (_, caller) =>
    callUntilRefused(log, { caller, acknowledged }),
  )
  for (const refused of await Promise.all(callers)) {
    expect(refused).toMatchObject({ code: 'LOG_UNWRITABLE', cause: { cause: { code: 'ENOSPC' } } })
  }
  execFileSync('mount', ['-o', 'remount,size=8m', mounted])
  await log.close()
  await goesOnWith(acknowledged)
})

function mountDisk(isNew: boolean): void {
  const image = join(base, 'image')
  if (isNew) {
    writeFileSync(image, '')
    truncateSync(image, 32 * 1024 * 1024)
    execFileSync('mkfs.ext4', ['-q', image])
  }
  execFileSync('mount', ['-o', 'loop', image, mounted])
}

function open(warn: (line: string) => void = () => undefined): Promise<Log> {
  return openLog({ dir: join(mounted, 'log'), signer, postQuantum, now: () => new Date(), warn })
}

/** @returns why the last leaf was refused */
async function callUntilRefused(
  log: Log,
  { caller, acknowledged }: { caller: number; acknowledged: Map<number, number> },
): Promise<unknown> {
  for (let turn = 0; ; turn += 1) {
    const n = caller * 1_000_000 + turn
    try {
      acknowledged.set(await log.append({ type: 'test', n }, key), n)
    } catch (error) {
      return error
    }
  }
}

async function goesOnWith(acknowledged: ReadonlyMap<number, number>): Promise<void> {
  const log = await open()
  const size = await log.append({ type: 'test', n: -1 }, key)
  await (await log.proofs()).inclusion(0)
  await log.close()
  const dir = join(mounted, 'log')
  expect(await verifyLog(dir, signer.vkey)).toMatchObject({ kind: 'sound', size: size + 1 })
  const found = new Map<number, unknown>()
  for await (const { index, leaf } of readLeaves(dir)) found.set(index, leaf['n'])
  expect(acknowledged.size).toBeGreaterThan(CALLERS)
  for (const [index, n] of acknowledged) expect([index, found.get(index)]).toEqual([index, n])
}
