import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openLog } from '../../packages/sekisho/src/keyholder/log/open-log.ts'
import {
  auditPath,
  BLOCK_INDEX,
  formatTlogProof,
  type NoteSigner,
  noteText,
  openTiles,
  parseCheckpoint,
  verifyLog,
} from '../../packages/verify/src/index.ts'
import { type Row, rowOf } from '../harness.ts'
import { writeLog } from './keyholders.ts'

const LEAVES = 1_000_000
const PROOFS = 200

/** A log of a million leaves: how long it is looked through, and what a proof of one leaf takes. */
export async function million(stateDir: string, leaves = LEAVES): Promise<Row[]> {
  const { dir, signer, root } = await writeLog(stateDir, leaves)
  const verified = await timed(() => verifyLog(dir, signer.vkey))
  if (verified.result.kind !== 'sound') throw new Error(verified.result.reason)
  const { size, checkpoint } = verified.result
  const audited = await timed(() => auditPath(dir, { root }))
  if (audited.result.kind !== 'sound')
    throw new Error(JSON.stringify(audited.result).slice(0, 2000))
  const proofs = await proveSome(dir, checkpoint ?? '')
  const rebuilt = await rebuild(dir, signer)
  const row = (name: string, unit: string, value: number): Row => rowOf({ name, unit }, [value])
  return [
    row('a million leaves: verifyLog', '1/s', size / verified.seconds),
    row('a million leaves: audit, every signature', '1/s', size / audited.seconds),
    row('a million leaves: tiles and index made anew', 's', rebuilt),
    row('a million leaves: proof, without its leaf', 'bytes', proofs.bytes),
    rowOf({ name: 'a million leaves: first proof of a reader', unit: 'ms' }, proofs.firstMs),
    rowOf({ name: 'a million leaves: further proof', unit: 'ms' }, proofs.furtherMs),
  ]
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const startedMs = performance.now()
  const result = await work()
  return { result, seconds: (performance.now() - startedMs) / 1000 }
}

async function proveSome(
  dir: string,
  checkpoint: string,
): Promise<{ bytes: number; firstMs: number[]; furtherMs: number[] }> {
  const head = parseCheckpoint(noteText(checkpoint))
  if (head === undefined) throw new Error('no checkpoint')
  const firstMs: number[] = []
  const furtherMs: number[] = []
  let bytes = 0
  for (let n = 0; n < PROOFS; n += 1) {
    const proofs = openTiles(dir, head)
    const index = Math.floor((n * head.size) / PROOFS)
    const first = await timed(() => proofs.inclusion(index))
    firstMs.push(first.seconds * 1000)
    const other = Math.floor(((n + 0.5) * head.size) / PROOFS)
    furtherMs.push((await timed(() => proofs.inclusion(other))).seconds * 1000)
    bytes = formatTlogProof({ index, hashes: first.result, checkpoint }).length
  }
  return { bytes, firstMs, furtherMs }
}

/** @returns seconds until a start has them again */
async function rebuild(dir: string, signer: NoteSigner): Promise<number> {
  rmSync(join(dir, 'tile'), { recursive: true })
  rmSync(join(dir, BLOCK_INDEX))
  const log = await openLog({ dir, signer, now: () => new Date() })
  const { seconds } = await timed(() => log.proofs())
  await log.close()
  return seconds
}
