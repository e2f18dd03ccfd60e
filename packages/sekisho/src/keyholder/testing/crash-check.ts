import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  leafHash,
  noteText,
  openTiles,
  parseCheckpoint,
  readLeaves,
  sealedLines,
  TILE_WIDTH,
  treeRoot,
  verifyInclusion,
  verifyLog,
} from '@sekisho/verify'
import { type Promised, whatLeaf } from './crash-life.ts'

/**
 * Whether the log in a state directory is sound and holds all that was promised.
 *
 * @param previousCheckpoint of an earlier check
 * @returns the newest checkpoint, when it is; what is wrong, when it is not
 */
export async function checkAfterCrash(
  stateDir: string,
  promised: Promised,
  { vkey, previousCheckpoint }: { vkey: string; previousCheckpoint: string | undefined },
): Promise<{ checkpoint: string | undefined; faults: string[] }> {
  const dir = join(stateDir, 'log')
  mkdirSync(dir, { recursive: true }) // it may have died before it made it
  const report = await verifyLog(dir, vkey, { previousCheckpoint })
  if (report.kind === 'broken') {
    return { checkpoint: previousCheckpoint, faults: [`leaf ${report.index}: ${report.reason}`] }
  }
  return { checkpoint: report.checkpoint ?? undefined, faults: await brokenPromises(dir, promised) }
}

async function brokenPromises(dir: string, promised: Promised): Promise<string[]> {
  const faults: string[] = []
  const intents = new Set<unknown>()
  const found = new Map<number, string>()
  for await (const { index, leaf } of readLeaves(dir)) {
    found.set(index, whatLeaf(leaf['type'], leaf['id']))
    if (leaf['type'] !== 'action.intent') continue
    intents.add(leaf['id'])
    if (!('sig' in leaf)) faults.push(`leaf ${index} is unsigned`)
  }
  for (const [index, what] of promised.leaves) {
    if (found.get(index) !== what) faults.push(`leaf ${index} is not ${what}`)
  }
  for (const id of promised.effects) {
    if (!intents.has(id)) faults.push(`action ${id} left without an intent`)
  }
  return faults
}

/** Whether tiles and index, as they lie there, prove each of some leaves to the newest checkpoint. */
export async function checkTiles(stateDir: string, checkpoint: string): Promise<string[]> {
  const dir = join(stateDir, 'log')
  const head = parseCheckpoint(noteText(checkpoint))
  const hashes: Buffer[] = []
  for await (const leaves of sealedLines(dir)) {
    for (const { bytes } of leaves) hashes.push(leafHash(bytes))
  }
  if (head === undefined || !treeRoot(hashes).equals(head.root))
    return ['not the checkpoint’s leaves']
  const { size, root } = head
  const proofs = openTiles(dir, head)
  const faults: string[] = []
  for (let index = 0; index < size; index += TILE_WIDTH - 1) {
    const proof = await proofs.inclusion(index)
    const leaf = hashes[index] ?? root
    if (!verifyInclusion({ leaf, index, size, proof, root }))
      faults.push(`no proof of leaf ${index}`)
  }
  return faults
}
