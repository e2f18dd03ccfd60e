import type { AgentClient } from '../agent-client.ts'
import type { Leaf } from '../platform.ts'
import type { Cell } from './matrix-row.ts'
import { DONE, type Scenario, type ScenarioId, SCENARIOS } from './scenarios.ts'

/** What the gate says in place of a call that is not carried out. */
const SAID = '[Sekisho]'
/** A client may ask once more before it believes that its budget is spent. */
const MAX_REFUSED_CALLS = 2

type Seen = Pick<Cell, 'ran' | 'calls' | 'marked' | 'canary' | 'answered' | 'tookMs'> & {
  leaves: readonly Pick<Leaf, 'type' | 'action' | 'verdict'>[]
}

/** What is not as it must be of a client in a scenario; none where all is well. */
export function faultsOf(
  { sideCalls }: Pick<AgentClient, 'sideCalls'>,
  id: ScenarioId,
  seen: Seen,
): string[] {
  const scenario = SCENARIOS[id]
  return [
    ...faultsOfEffect(scenario, seen),
    ...faultsOfEnd(scenario, seen),
    ...faultsOfCalls(scenario, sideCalls, seen),
    ...faultsOfRecord(id, scenario, seen),
  ]
}

function faultsOfEffect({ runs }: Scenario, { marked, canary }: Seen): string[] {
  const should = runs ?? marked
  return [
    ...when(marked !== should, marked ? 'the tool ran' : 'the tool did not run'),
    ...when(should && canary.bytes === 0, 'the canary saw nothing of a tool that ran'),
    ...when(!should && canary.bytes > 0, `${canary.bytes} bytes at the canary`),
  ]
}

function faultsOfEnd({ runs, human, maxCalls }: Scenario, seen: Seen): string[] {
  const { code, stdout } = seen.ran
  const isClean = maxCalls === undefined ? code === 0 : code !== null
  const text = runs === true ? DONE : SAID
  const isSaid = maxCalls !== undefined || stdout.includes(text)
  return [
    ...when(!isClean, `it ended with ${code}`),
    ...when(!isSaid, `it does not say ${text}: ${stdout.slice(0, 200)}`),
    ...when(human !== undefined && !seen.answered, 'nobody was asked'),
    ...when(human !== undefined && seen.tookMs < human.afterMs, 'it did not wait'),
  ]
}

/** A retry is a call too many. */
function faultsOfCalls({ runs, maxCalls }: Scenario, sideCalls: number, seen: Seen): string[] {
  const most = maxCalls ?? sideCalls + (runs === true ? 2 : 1)
  const made = seen.calls.length
  const recorded = seen.leaves.filter(({ type }) => type === 'llm.call').length
  return [
    ...when(made > most, `${made} calls of the model, want at most ${most}`),
    ...when(made === 0, 'no call of the model'),
    ...when(recorded !== made, `${recorded} calls on record of ${made}`),
  ]
}

function faultsOfRecord(id: ScenarioId, { maxCalls }: Scenario, seen: Seen): string[] {
  const of = (kind: string): Seen['leaves'] =>
    seen.leaves.filter(({ type, action }) => type === 'action.intent' && action?.kind === kind)
  if (maxCalls !== undefined) {
    const refused = of('llm.generate').filter(({ verdict }) => verdict?.kind === 'deny')
    const isBudget = refused.every(
      ({ verdict }) => verdict?.rules.includes(`budget.${id}`) ?? false,
    )
    const { length } = refused
    return [
      ...when(length < 1 || length > MAX_REFUSED_CALLS, `${length} calls refused`),
      ...when(!isBudget, 'a call was refused by another rule'),
    ]
  }
  const verdicts = of('llm.tool-call').map(({ verdict }) =>
    [verdict?.kind, ...(verdict?.rules ?? [])].join(' '),
  )
  const wanted = RECORDED[id]
  return when(
    verdicts.join() !== wanted,
    `recorded ${verdicts.join() || 'nothing'}, want ${wanted}`,
  )
}

/** The one tool call of each, by its verdict and what has decided it; of no account for `exhausted`. */
const RECORDED: Readonly<Record<ScenarioId, string>> = {
  allowed: 'allow rest',
  denied: 'deny forbidden',
  approved: 'allow rest weighty',
  refused: 'deny consequence',
  exhausted: '',
}

function when(isSo: boolean, fault: string): string[] {
  return isSo ? [fault] : []
}
