import type { Action } from '../core/action.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { Decide, LiveActions } from '../flow/ports.ts'
import type { ActionFacts } from '../policy/decision/facts.ts'

/** Rule of what a change of the bundle has ended. */
const NOT_ANY_MORE = 'invariant.policy-changed'

type Live = { action: Action; facts: ActionFacts; cut: (by: Deny) => void }

/** What one session is doing at this moment. */
export class GateActions implements LiveActions {
  readonly #live = new Set<Live>()

  enter(live: Live): () => void {
    this.#live.add(live)
    return () => void this.#live.delete(live)
  }

  /**
   * Ends what the rules do not allow any more, each as it was allowed: with its approvals, and the
   * label that the session had.
   *
   * @returns how many
   */
  recheck(decide: Decide): number {
    let count = 0
    for (const { action, facts, cut } of this.#live) {
      const verdict = decide(action, facts)
      if (verdict.kind === 'allow') continue
      count += 1
      cut(deny(NOT_ANY_MORE, `the policy has changed: ${verdict.reason}`))
    }
    return count
  }
}
