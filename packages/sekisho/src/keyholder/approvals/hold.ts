import type * as z from 'zod'
import type { ApprovalKind } from '../../core/label.ts'
import type { Approver, User } from '../../wire/decision.ts'
import type { supervisorToKeyholder } from '../../wire/keyholder.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { keyDigest } from '../../policy/signing-key.ts'

export type HeldLeaf = Extract<LeafInput, { type: 'action.held' }>
export type EndedLeaf = Extract<LeafInput, { type: 'approval.ended' }>

/** How it is over; nothing that comes after is counted. */
export type Closed =
  | 'used'
  | 'denied'
  | 'expired'
  | 'withdrawn'
  | 'policy-changed'
  | 'session-ended'

/** One person's yes. */
export type Consent = {
  kind: ApprovalKind
  /** digest of the key */
  key: string
  name: string
  /** of the statement, Unix ms: from then on it counts no more */
  expiresAtMs: number
}

/** An action that waits, as the keyholder has it from its leaf. */
export type Hold = {
  readonly leaf: HeldLeaf
  /** who began the session */
  readonly initiator: number
  readonly expiresAtMs: number
  readonly consents: readonly Consent[]
  readonly closed: Closed | null
}

/** The consents that count now. */
export function standing({ consents }: Hold, nowMs: number): readonly Consent[] {
  return consents.filter(({ expiresAtMs }) => expiresAtMs > nowMs)
}

/** Whose yes is still missing now. */
export function missing(hold: Hold, nowMs: number): readonly ApprovalKind[] {
  const given = standing(hold, nowMs).map(({ kind }) => kind)
  return hold.leaf.needs.filter((kind) => !given.includes(kind))
}

export type PolicySet = z.infer<(typeof supervisorToKeyholder)['policy.set']['params']>

/** What is in force: whose keys count, and under which digest. */
export type InForce = Pick<PolicySet, 'digest' | 'mandates'> & {
  /** by digest of the key: of one who is both operator and user there are two */
  approvers: ReadonlyMap<string, readonly Approver[]>
  /** by uid */
  users: ReadonlyMap<number, User>
}

export function inForce({ digest, mandates, approvers, users }: PolicySet): InForce {
  return {
    digest,
    mandates,
    approvers: Map.groupBy(approvers, ({ key }) => keyDigest(Buffer.from(key, 'base64'))),
    users: new Map(users.map((user) => [user.uid, user])),
  }
}

/** Nobody is disabled but those of whom it is said. */
export function isDisabled({ users }: InForce, uid: number): boolean {
  return users.get(uid)?.enabled === false
}
