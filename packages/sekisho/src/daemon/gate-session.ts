import type { SessionPlan } from '../wire/control.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { GateSession } from '../wire/gate.ts'
import type { SecretPrints } from '../wire/secret-prints.ts'
import { type CanaryPrints, printSet } from './canaries.ts'

/** What a session has for its gate that its plan does not say. */
export type GateMatters = {
  /** by the generation that is in force now */
  decision: SessionDecision
  placeholders: Readonly<Record<string, string>>
  upstreams: GateSession['upstreams']
  canaries: CanaryPrints
  /** of the session's secrets */
  prints: SecretPrints[]
  egressUsed: GateSession['egressUsed']
  /** a gate before this one had it */
  isResumed: boolean
}

/** All that a gate holds of one session. */
export function gateSession(plan: SessionPlan, matters: GateMatters): GateSession {
  const { egressBytes, egressRequests } = plan.limits
  return {
    session: plan.session,
    decision: matters.decision,
    egress: plan.egress,
    prints: printSet(matters.canaries, matters.prints),
    credentials: plan.secrets.map(({ binding }) => ({
      ...binding,
      placeholder: matters.placeholders[binding.name] ?? '',
    })),
    upstreams: matters.upstreams,
    limits: { egressBytes, egressRequests },
    egressUsed: matters.egressUsed,
    isResumed: matters.isResumed,
  }
}
