import { canonicalJson } from '../../core/canonical-json.ts'
import { OPERATORS_TO_WIDEN } from '../../policy/bundle-signatures.ts'
import { comparedBundle } from '../../policy-text/compared-bundle.ts'
import type { controlToSupervisor } from '../../wire/control.ts'
import type { Approver } from '../../wire/decision.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'
import type { Candidate } from './generation.ts'

export type Comparison = {
  change: 'equal' | 'narrower' | 'wider' | 'not-proven'
  /** for people: an action that the one allows and the other does not, or why nobody can say, in lines */
  detail: string
}

/** @throws SekishoError when it is not to be had: then nothing is proven */
export type Compare = (before: Candidate, after: Candidate) => Promise<Comparison>

/** The solver starts, and has ten seconds. */
const COMPARE_TIMEOUT_MS = 30_000
const MAX_DETAIL_LENGTH = 2048

/** Has the solver compare what two bundles allow. */
export function compareBySolver(
  supervisor: Pick<Peer<typeof controlToSupervisor, Protocol>, 'call'>,
): Compare {
  return async (before, after) => {
    const bundles = { before: await comparedBundle(before), after: await comparedBundle(after) }
    const { change, reasons } = await supervisor.call('solver.compare', bundles, {
      timeoutMs: COMPARE_TIMEOUT_MS,
    })
    const detail = reasons.length === 0 ? 'proven' : reasons.join('\n')
    return { change, detail: detail.slice(0, MAX_DETAIL_LENGTH) }
  }
}

/** Files that a comparison of what is allowed says nothing of. */
const BESIDE = ['platform.yaml', 'approvals.yaml']

/**
 * What differs between two bundles that no solver looks at and that does not plainly narrow: it is
 * for a second person to judge.
 *
 * @returns one sentence each; empty where what the solver says is all there is to say
 */
export function unprovable(before: Candidate, after: Candidate): readonly string[] {
  return [
    ...BESIDE.filter((path) => before.files.get(path) !== after.files.get(path)).map(
      (path) => `${path} differs`,
    ),
    ...keysThatCome(before.approvers, after.approvers),
    ...tooFewOperators(before.operators.length, after.operators.length),
  ]
}

/** One operator alone must not do away with the other, nor with signatures. */
function tooFewOperators(before: number, after: number): readonly string[] {
  if (after >= Math.min(before, OPERATORS_TO_WIDEN)) return []
  return [`operators.yaml is left with ${after} of ${before} operators`]
}

/** A key that may say yes to an action, and could not before. */
function keysThatCome(before: readonly Approver[], after: readonly Approver[]): readonly string[] {
  const could = new Set(before.filter(({ enabled }) => enabled).map((one) => canonicalJson(one)))
  return after
    .filter((one) => one.enabled && !could.has(canonicalJson(one)))
    .map(({ name, as }) => `the key of ${as} ${name} is new`)
}
