import * as z from 'zod'
import { ApprovalRefusal, HoldId, SignedApproval, Unconfirmed } from './approval.ts'
import { Generation } from './decision.ts'
import {
  ApprovalKind,
  Consequence,
  Effect,
  LabelShape,
  LabelSource,
  Reversibility,
} from './labels.ts'
import { PreImage } from './recovery.ts'
import { Digest } from './sandbox.ts'
import { ActionShape, SessionId } from './schemas.ts'

const Id = z.string().min(1).max(64)
const Line = z.string().max(4096)

/** What an action was decided by, beside itself; what is left out is as it is by default. */
export const IntentFacts = z.strictObject({
  user: z.string().max(64),
  label: LabelShape,
  effect: Effect.optional(),
  reversibility: Reversibility.optional(),
  consequence: Consequence.optional(),
  bodyBytes: z.int().min(0).optional(),
  /** of a declared operation */
  operation: z.string().max(128).optional(),
  /** kinds of critical arguments without a trusted origin */
  unconfirmed: z.array(z.string().max(32)).max(8).optional(),
  approvals: z.array(ApprovalKind).max(3).optional(),
  /** the mandate that stood for them */
  mandate: z.string().max(128).optional(),
})
export type IntentFacts = z.infer<typeof IntentFacts>

/** The hold that an allowed action has been approved by. */
export const ApprovedHold = z.strictObject({ id: HoldId, digest: Digest })
export type ApprovedHold = z.infer<typeof ApprovedHold>

/** Leaves of decisions that people take part in, and of what decisions are made by. */
export const policyLeaves = [
  /** an action waits; what is asked is in `digest`, which the answers name */
  z.strictObject({
    type: z.literal('action.held'),
    session: SessionId,
    id: HoldId,
    action: ActionShape,
    digest: Digest,
    operation: z.string().max(128).optional(),
    needs: z.array(ApprovalKind).min(1),
    rules: z.array(z.string().max(128)).max(64),
    reason: Line,
    label: LabelShape,
    sources: z.array(LabelSource).max(16),
    unconfirmed: z.array(Unconfirmed.extend({ value: z.string().max(256) })).max(16),
    generation: Generation,
    policy: Digest,
    expiresAt: z.iso.datetime({ precision: 3 }),
  }),
  z.strictObject({
    type: z.literal('approval.answer'),
    /** null where the answer is for a hold that nobody knows */
    session: SessionId.nullable(),
    signed: SignedApproval,
    /** of operators.yaml or users.yaml; null for a key that stands in neither */
    signer: z.string().max(64).nullable(),
    result: z.enum(['approved', 'waiting', 'denied', 'refused']),
    why: ApprovalRefusal.nullable(),
  }),
  z.strictObject({
    type: z.literal('approval.ended'),
    session: SessionId,
    hold: HoldId,
    why: z.enum(['expired', 'withdrawn', 'policy-changed', 'used']),
    detail: z.string().max(256),
  }),
  z.strictObject({
    type: z.literal('policy.generation'),
    generation: Generation,
    digest: Digest,
    /** against the generation before; `first` where there is none */
    change: z.enum(['first', 'equal', 'narrower', 'wider', 'not-proven']),
    detail: Line,
    signers: z.array(z.strictObject({ name: z.string().max(64), key: Digest })).max(16),
  }),
  /** files that did not become a generation: the one before goes on */
  z.strictObject({
    type: z.literal('policy.refused'),
    digest: Digest.nullable(),
    reason: Line,
  }),
  /** what a process decides by is not what was put in force, or the files are not */
  z.strictObject({
    type: z.literal('policy.drift'),
    approved: Digest,
    running: Digest.nullable(),
    where: z.string().max(128),
  }),
  /** taken before the action that it is named by; durable before that leaves */
  z.strictObject({
    type: z.literal('action.preimage'),
    session: SessionId,
    id: Id,
    action: ActionShape,
    preimage: PreImage,
  }),
] as const
