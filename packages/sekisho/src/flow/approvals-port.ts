import type { Action } from '../core/action.ts'
import type { RecordedFinding } from '../core/finding.ts'
import type { ApprovalKind, Label } from '../core/label.ts'
import type { Unconfirmed } from '../wire/approval.ts'
import type { ApprovedHold } from '../wire/policy-leaves.ts'

/** All that somebody is asked about: exactly what will be sent, and why it waits. */
export type Question = {
  action: Action
  /** as it stands in the log; the intent that follows must have this very one. Left out: `action` */
  recordAs?: Action | undefined
  /** name, value, name, value … as they will be sent, placeholders where credentials will stand */
  fields: readonly string[]
  /** as it will be sent; null for a request without one */
  body: Uint8Array | null
  /** what it is of a service's declared operations; `arguments` is a JSON value */
  operation: { id: string; arguments: unknown } | null
  /** names of the credentials that will be attached */
  credentials: readonly string[]
  label: Label
  sources: readonly { what: string; label: Label }[]
  unconfirmed: readonly Unconfirmed[]
  findings: readonly RecordedFinding[]
  /** at least one */
  needs: readonly ApprovalKind[]
  rules: readonly string[]
  reason: string
  /** by which it was decided, and that one's digest */
  generation: number
  policy: string
}

/** Why nobody's yes came. After `policy-changed` the verdict of the new generation counts. */
export type Unanswered =
  | 'denied'
  | 'expired'
  | 'withdrawn'
  | 'policy-changed'
  | 'unavailable'
  | 'cannot-be-shown'
  | 'too-many'

export type Answer =
  /** `hold` belongs into the one intent that uses it, with `by` in its `facts.approvals` */
  | { kind: 'approved'; by: readonly ApprovalKind[]; hold: ApprovedHold }
  | { kind: 'denied'; why: Unanswered; reason: string }

/** Where a held action of one session waits for people. */
export interface ApprovalDesk {
  /**
   * Asks and waits; records that the action waits, and how that ended. Never rejects: whatever goes
   * wrong is a denial with a reason.
   *
   * @param signal aborted when the agent has gone away
   */
  ask(question: Question, signal: AbortSignal): Promise<Answer>
}
