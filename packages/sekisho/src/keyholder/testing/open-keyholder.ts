import { join } from 'node:path'
import type { Conflict } from '../identity/gate-channel.ts'
import { Identities } from '../identity/identities.ts'
import { Keyholder } from '../keyholder.ts'
import type { Keys } from '../keys.ts'
import type { LogFiles } from '../log/files.ts'
import { openLog } from '../log/open-log.ts'

/** A keyholder in this process, over real files. */
export async function openKeyholder(options: {
  stateDir: string
  keys: Keys
  files?: LogFiles
  now?: () => Date
  conflicts?: (Conflict & { by: number | null })[]
}): Promise<Keyholder> {
  const { stateDir, keys, files, now = () => new Date(), conflicts = [] } = options
  const dir = join(stateDir, 'log')
  const log = await openLog({ dir, signer: keys.logSigner(), now, ...(files && { files }) })
  const identities = await Identities.open({ stateDir, keys, log, now, root: 'derived' })
  return new Keyholder({
    log,
    keys,
    now,
    uses: { take: () => false },
    identities,
    tellConflict: (conflict) => void conflicts.push(conflict),
  })
}
