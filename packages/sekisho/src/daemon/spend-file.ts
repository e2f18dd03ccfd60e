import type { controlToSupervisor } from '../wire/control.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { Handlers } from '../wire/peer.ts'
import { SpendEntry } from '../wire/spend.ts'
import { LedgerFile } from './ledger-file.ts'

type SpendCalls = Pick<typeof controlToSupervisor, 'spend.read' | 'spend.note' | 'spend.breaker'>

/**
 * Where what calls of models have come to is kept, and their breakers put on record.
 *
 * @param record makes a leaf durable
 */
export function spendHandlers(
  path: string,
  record: (leaf: LeafInput) => Promise<unknown>,
): Handlers<SpendCalls> {
  const file = new LedgerFile(path, SpendEntry)
  return {
    'spend.read': ({ page }) => file.read(page),
    'spend.note': async (note) => {
      await file.note(note)
      return {}
    },
    'spend.breaker': async (leaf) => {
      await record(leaf)
      return {}
    },
  }
}
