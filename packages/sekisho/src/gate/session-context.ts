import { recordDenial } from '../flow/checkpoint.ts'
import type { CheckpointPorts } from '../flow/ports.ts'
import type { Action } from '../core/action.ts'
import type { Deny } from '../core/verdict.ts'
import type { CompiledPolicy } from '../policy/compile.ts'
import type { Counters } from './counters.ts'
import type { RateBound } from './rate-bound.ts'
import type { SyntheticNames } from './synthetic-names.ts'

/** What the readers of one session share. */
export type SessionContext = {
  policy: CompiledPolicy
  names: SyntheticNames
  counters: Counters
  ports: CheckpointPorts
  /** Unix ms */
  now(): number
}

/**
 * Records denials that need no answer: connections and packets. Bounded in rate; a record that
 * fails is counted, because what it tells of has been stopped all the same.
 */
export class DenialLog {
  readonly #context: SessionContext
  readonly #bound: RateBound

  constructor(context: SessionContext, bound: RateBound) {
    this.#context = context
    this.#bound = bound
  }

  /** counted and in no record yet */
  get unreported(): number {
    return this.#bound.folded
  }

  /** Resolves when the record is durable, counted, or failed. @param alike more like this one */
  async record(action: Action, by: Deny, alike = 0): Promise<void> {
    const folded = this.#bound.admit()
    if (folded === undefined) return this.#bound.fold(alike)
    try {
      await recordDenial({ action, by, repeated: folded + alike }, this.#context.ports)
    } catch {
      // refused all the same; the count shows that the log lacks it
      this.#context.counters.unavailable += 1
      this.#bound.fold(1 + folded + alike)
    }
  }
}
