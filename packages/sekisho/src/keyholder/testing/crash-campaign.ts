import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyLog } from '@sekisho/verify'
import { Keys } from '../keys.ts'
import { openLog } from '../log/open-log.ts'
import { loadMasterKey } from '../master-key.ts'
import { checkAfterCrash, checkTiles } from './crash-check.ts'
import { liveAndDie, loadKeyholder, type Promised, warm } from './crash-life.ts'

/** Lives in one state directory; checking it takes longer with each. */
const LIVES_IN_ONE = 10

export type CampaignReport = {
  lives: number
  acknowledged: number
  effects: number
  faults: string[]
}

/**
 * Kills keyholders, so many, at random points under load, and checks after each death; after ten,
 * that a next start closes what was open, and that the tiles agree.
 */
export async function killKeyholders(lives: number): Promise<CampaignReport> {
  const report: CampaignReport = { lives: 0, acknowledged: 0, effects: 0, faults: [] }
  const cacheDir = mkdtempSync(join(tmpdir(), 'sekisho-crash-cache-'))
  await warm(cacheDir)
  let next = loadKeyholder(cacheDir)
  try {
    while (report.lives < lives && report.faults.length === 0) {
      const stateDir = mkdtempSync(join(tmpdir(), 'sekisho-crash-'))
      const promised: Promised = { leaves: new Map(), effects: new Set() }
      let previousCheckpoint: string | undefined
      for (let life = 0; life < LIVES_IN_ONE && report.lives < lives; life += 1) {
        const child = next
        next = loadKeyholder(cacheDir) // while this one works
        await liveAndDie(child, stateDir, promised)
        report.lives += 1
        const checked = await checkAfterCrash(stateDir, promised, {
          vkey: vkeyOf(stateDir),
          previousCheckpoint,
        })
        previousCheckpoint = checked.checkpoint
        report.faults.push(...checked.faults)
      }
      report.faults.push(...(await checkNextStart(stateDir, previousCheckpoint)))
      report.acknowledged += promised.leaves.size
      report.effects += promised.effects.size
      if (report.faults.length === 0) rmSync(stateDir, { recursive: true })
      else report.faults.push(`kept in ${stateDir}`)
    }
  } finally {
    next.kill('SIGKILL')
    await once(next, 'exit')
    rmSync(cacheDir, { recursive: true })
  }
  return report
}

function vkeyOf(stateDir: string): string {
  return keysOf(stateDir).logSigner().vkey
}

function keysOf(stateDir: string): Keys {
  return new Keys(loadMasterKey(join(stateDir, 'keys')))
}

async function checkNextStart(stateDir: string, previous: string | undefined): Promise<string[]> {
  const dir = join(stateDir, 'log')
  const signer = keysOf(stateDir).logSigner()
  const promised = previous === undefined ? [] : [previous]
  const log = await openLog({ dir, signer, now: () => new Date(), promised })
  await log.proofs()
  await log.close()
  const report = await verifyLog(dir, signer.vkey, { previousCheckpoint: previous })
  if (report.kind === 'broken') return [`leaf ${report.index}: ${report.reason}`]
  const open = report.open.map(({ id }) => `action ${id} is open after a start`)
  return [
    ...open,
    ...(report.checkpoint === null ? [] : await checkTiles(stateDir, report.checkpoint)),
  ]
}
