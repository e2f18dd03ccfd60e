import type { controlToSupervisor } from '../../wire/control.ts'
import type { Constraint } from '../../wire/constraints.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'
import type { Generations } from '../generations/generations.ts'
import { Ledger, type LedgerOptions } from './ledger.ts'

/** What a solver has not settled by then is not settled; its own limit is shorter. */
const SETTLE_MS = 2000

const NONE: readonly Constraint[] = []

type Parts = Pick<LedgerOptions, 'isRunning' | 'now' | 'report'> & {
  supervisor: Pick<Peer<typeof controlToSupervisor, Protocol>, 'call'>
  generations: Pick<Generations, 'inForce'>
}

/** The ledger of the platform: by the constraints in force, with its file and solver at the supervisor. */
export function openLedger({ supervisor, generations, ...parts }: Parts): Ledger {
  let seen: Generations['inForce']
  let constraints = NONE
  return new Ledger({
    ...parts,
    supervisor,
    constraints: () => {
      const { inForce } = generations
      if (inForce !== seen) constraints = inForce?.decision(inForce.number).constraints ?? NONE
      seen = inForce
      return constraints
    },
    settle: (problem) => supervisor.call('solver.settle', { problem }, { timeoutMs: SETTLE_MS }),
  })
}
