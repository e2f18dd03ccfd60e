import type { controlToSupervisor } from '../../wire/control.ts'
import type { DecisionBundle } from '../../wire/decision.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'
import type { Generations } from '../generations/generations.ts'
import { Chains } from './chains.ts'
import { SpendLedger, type SpendLedgerOptions } from './spend-ledger.ts'

type Parts = Omit<SpendLedgerOptions, 'supervisor' | 'budgets' | 'userOf' | 'chainOf'> & {
  snapshotOf: (session: string) => string | null
  supervisor: Pick<Peer<typeof controlToSupervisor, Protocol>, 'call'>
  generations: Pick<Generations, 'inForce'>
}

type OpenSpend = Pick<SpendLedger, 'reserve' | 'settle' | 'status' | 'sessionEnded'>
type Known = Pick<DecisionBundle, 'users' | 'llm'>

/** The spend ledger of the platform: by the budgets and users in force, with its file at the supervisor. */
export function openSpend({ generations, snapshotOf, ...parts }: Parts): OpenSpend {
  const rootOf = async (snapshot: string): Promise<string> =>
    (await parts.supervisor.call('spend.chain', { snapshot })).session
  const chains = new Chains({ snapshotOf, rootOf })
  let seen: Generations['inForce']
  let known: Known | undefined
  const current = (): Known | undefined => {
    const { inForce } = generations
    if (inForce !== seen) known = inForce?.decision(inForce.number)
    seen = inForce
    return known
  }
  const ledger = new SpendLedger({
    ...parts,
    chainOf: (session) => chains.chainOf(session),
    budgets: () => current()?.llm.budgets ?? [],
    userOf: (uid) =>
      current()?.users.find((user) => user.uid === uid) ?? { name: `uid-${uid}`, groups: [] },
  })
  return {
    reserve: (asked) => ledger.reserve(asked),
    settle: (call) => ledger.settle(call),
    status: () => ledger.status(),
    sessionEnded: (session) => {
      ledger.sessionEnded(session)
      chains.sessionEnded(session)
    },
  }
}
