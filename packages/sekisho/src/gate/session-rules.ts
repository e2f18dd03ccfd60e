import type { Decider } from '../flow/ports.ts'
import { DecisionPoint } from '../policy/decision/decision-point.ts'
import type { CompiledBundle } from '../policy/decision/compiled-bundle.ts'
import type { SessionDecision } from '../wire/decision.ts'

/** The rules of one session under one generation, as an action takes them. */
export function sessionRules(
  bundle: CompiledBundle,
  session: { session: string; decision: SessionDecision },
  now: () => number,
): SessionRules {
  const point = new DecisionPoint(bundle, session, now)
  return {
    point,
    generation: point.generation,
    digest: point.digest,
    decide: (action, facts) => point.decide(action, facts),
    optionsFor: (place, rules) => point.optionsFor(place, rules),
    describe: (action, facts) => point.describe(action, facts),
    readOperation: () => null,
    mandateFor: () => undefined,
    amountsFor: () => null,
  }
}

export type SessionRules = Decider & { point: DecisionPoint }
