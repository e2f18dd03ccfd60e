import * as z from 'zod'
import { CedarPolicies } from './cedar.ts'
import { Constraint } from './constraints.ts'
import { ApprovalKind, LabelShape, LabelSource } from './labels.ts'
import { LlmSettings } from './llm.ts'
import { Operation } from './operations.ts'
import { SessionPolicy } from './policy.ts'
import { Digest } from './sandbox.ts'

/** Number of a bundle that was put in force; grows by one with each in a daemon's life. */
export const Generation = z.int().min(1)

/** What the operator says of a host: who chooses what it answers, and what it is to send there. */
export const HostLabel = z.strictObject({
  /** canonical name, or `*.name`; the most exact one counts */
  host: z.string().max(255),
  ...LabelShape.shape,
  /** false: what is sent there tells nobody outside, such as the session's own model */
  external: z.boolean(),
  /** Cedar's `HostGroup`s that it is in */
  groups: z.array(z.string().max(128)).max(32),
})
export type HostLabel = z.infer<typeof HostLabel>

/** A person who begins sessions, as the bundle knows them now. */
export const User = z.strictObject({
  name: z.string().max(64),
  uid: z.int().min(0),
  groups: z.array(z.string().max(128)).max(64),
  enabled: z.boolean(),
})
export type User = z.infer<typeof User>

/** A standing yes, within bounds: stands for an approval of each kind that it names. */
export const Mandate = z.strictObject({
  id: z.string().min(1).max(128),
  kinds: z.array(ApprovalKind).min(1),
  /** null: any agent */
  agent: z.string().max(128).nullable(),
  /** null: any user */
  user: z.string().max(64).nullable(),
  operations: z.array(z.string().max(128)).max(64),
  /** requests that are no declared operation: names of allow rules of the agent file */
  rules: z.array(z.string().max(128)).max(64),
  /** values that recipients, URLs, branches and commands may have; none: those must be confirmed */
  counterparties: z.array(z.string().max(512)).max(1024),
  /** of the arguments that are amounts, each; null where it speaks of none */
  maxAmount: z.int().min(0).nullable(),
  maxUses: z.int().min(1),
  /** Unix ms */
  expiresAtMs: z.int().min(0),
  /** over the mandate as its file has it, RFC 8785 */
  digest: Digest,
})
export type Mandate = z.infer<typeof Mandate>

export const ApprovalSettings = z.strictObject({
  /** how long an action waits for its answers */
  timeoutMs: z.int().min(1000),
})

/** One generation of the bundle as the gates decide by it; what is the agent's alone is in its session. */
export const DecisionBundle = z.strictObject({
  generation: Generation,
  /** over every file of the bundle that has a meaning */
  digest: Digest,
  cedar: CedarPolicies,
  hosts: z.array(HostLabel).max(4000),
  operations: z.array(Operation).max(1000),
  constraints: z.array(Constraint).max(256),
  mandates: z.array(Mandate).max(256),
  /** those who are not named are enabled and in no group, under `uid-<uid>` */
  users: z.array(User).max(10_000),
  approvals: ApprovalSettings,
  /** providers, prices and budgets of models, and what is kept of calls */
  llm: LlmSettings,
})
export type DecisionBundle = z.infer<typeof DecisionBundle>

/** What is decided by in one session, beside the bundle. */
export const SessionDecision = z.strictObject({
  generation: Generation,
  agent: z.string().max(128),
  /** who began the session */
  uid: z.int().min(0),
  policy: SessionPolicy,
  /** labels of what is there from the start */
  begins: z.array(LabelSource).max(64),
  /** the user's own words, by which recipients and the like are known */
  task: z.array(z.string().max(8192)).max(1024),
})
export type SessionDecision = z.infer<typeof SessionDecision>

/** A key that may answer holds, and for whom. */
export const Approver = z.strictObject({
  name: z.string().max(64),
  /** Ed25519, 32 bytes, base64 */
  key: z.base64().length(44),
  /** `operator`: as approver. `user`: as initiator of the sessions of this uid. */
  as: z.enum(['operator', 'user']),
  /** of a user; null for an operator who begins no sessions */
  uid: z.int().min(0).nullable(),
  enabled: z.boolean(),
})
export type Approver = z.infer<typeof Approver>
