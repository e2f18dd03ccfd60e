import type { Action } from '../core/action.ts'
import type { Label } from '../core/label.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { Decide, LiveActions } from '../flow/ports.ts'
import type { ActionFacts } from '../core/facts.ts'

/** Rule of what a change of the bundle has ended. */
const POLICY_CHANGED = 'invariant.policy-changed'
/** Rule of a stream that could carry out what has come into its session since it was opened. */
const LABEL_CHANGED = 'invariant.label-changed'

type Live = {
  action: Action
  facts: ActionFacts
  isOpenEnded: boolean
  cut: (by: Deny) => void
}

/** What one session is doing at this moment. */
export class GateActions implements LiveActions {
  readonly #live = new Set<Live>()

  enter(live: Live): () => void {
    this.#live.add(live)
    return () => void this.#live.delete(live)
  }

  /**
   * Ends what other rules do not allow, each as it was allowed: with its approvals, and with the
   * label that the session had.
   *
   * @returns how many
   */
  recheck(decide: Decide): number {
    return this.#endUnless([...this.#live], decide, POLICY_CHANGED)
  }

  /**
   * Ends what could still say something and would not be allowed to any more. A request that has
   * said all it had to say is left alone: what has come in since cannot be in it.
   */
  recheckOpen(decide: Decide, label: Label): number {
    const open = [...this.#live].filter(({ isOpenEnded }) => isOpenEnded)
    const withLabel = open.map((live) => ({ ...live, facts: { ...live.facts, label } }))
    return this.#endUnless(withLabel, decide, LABEL_CHANGED)
  }

  #endUnless(live: readonly Live[], decide: Decide, rule: string): number {
    let count = 0
    for (const { action, facts, cut } of live) {
      const verdict = decide(action, facts)
      if (verdict.kind === 'allow') continue
      count += 1
      cut(deny(rule, verdict.reason))
    }
    return count
  }
}
