import { createHash } from 'node:crypto'
import * as z from 'zod'
import { canonicalJson } from '../core/canonical-json.ts'
import { Generation } from './decision.ts'
import { RecordedFinding } from './egress.ts'
import { ApprovalKind, CriticalArgument, LabelShape, LabelSource } from './labels.ts'
import { Digest } from './sandbox.ts'
import { ActionShape, SessionId } from './schemas.ts'

/** An action that waits for somebody's yes, and that yes. */

export const HoldId = z.string().regex(/^h-[0-9a-z]{20}$/, 'want h- and 20 characters')

/** A body that is longer cannot be shown whole, so its action is denied. */
export const MAX_HELD_BODY_BYTES = 1024 * 1024

const Instant = z.iso.datetime({ precision: 3 })
const Text = z.string().max(8192)

/** An argument that decides where an action strikes, and where its value comes from. */
export const Unconfirmed = z.strictObject({
  kind: CriticalArgument,
  argument: z.string().max(256),
  value: Text,
  /** `GET https://mail.example/inbox/3`, or `unknown` */
  origin: z.string().max(512),
})
export type Unconfirmed = z.infer<typeof Unconfirmed>

/**
 * All of an action that somebody is asked about: exactly what will be done, and why it waits.
 * Placeholders stand where credentials will.
 */
export const HeldAction = z.strictObject({
  id: HoldId,
  session: SessionId,
  agent: z.string().max(128),
  /** who began the session */
  user: z.string().max(64),
  action: ActionShape,
  /** name, value, name, value … as they will be sent */
  fields: z.array(z.string().max(65_536)).max(512),
  /** null for a request without one */
  body: z
    .strictObject({
      bytes: z.int().min(0).max(MAX_HELD_BODY_BYTES),
      digest: Digest,
      /** as it will be sent, base64 */
      content: z.base64(),
    })
    .nullable(),
  /** what it is of a service's declared operations, with its arguments */
  operation: z.strictObject({ id: z.string().max(128), arguments: z.json() }).nullable(),
  credentials: z.array(z.string().max(128)).max(16),
  label: LabelShape,
  sources: z.array(LabelSource).max(64),
  unconfirmed: z.array(Unconfirmed).max(64),
  findings: z.array(RecordedFinding).max(64),
  needs: z.array(ApprovalKind).min(1),
  rules: z.array(z.string().max(128)).max(64),
  reason: Text,
  generation: Generation,
  /** of that generation */
  policy: Digest,
  openedAt: Instant,
  expiresAt: Instant,
})
export type HeldAction = z.infer<typeof HeldAction>

/** Names exactly these bytes, this session, this generation and this expiry. */
export function heldDigest(held: HeldAction): string {
  return `sha256:${createHash('sha256').update(canonicalJson(held)).digest('hex')}`
}

/** What somebody signs, by its RFC 8785 text; see {@link approvalBytes}. */
export const ApprovalStatement = z.strictObject({
  hold: HoldId,
  /** of the {@link HeldAction} */
  digest: Digest,
  /** as whom */
  kind: ApprovalKind,
  answer: z.enum(['approve', 'deny']),
  session: SessionId,
  policy: Digest,
  /** SHA-256 of the signer's public key */
  key: Digest,
  signedAt: Instant,
  /** not after the hold's own */
  expiresAt: Instant,
  note: z.string().max(1024),
})
export type ApprovalStatement = z.infer<typeof ApprovalStatement>

export const SignedApproval = z.strictObject({
  statement: ApprovalStatement,
  /** Ed25519, base64 */
  signature: z.base64().length(88),
})
export type SignedApproval = z.infer<typeof SignedApproval>

/** The name in front keeps a signature over this from being one over anything else. */
export function approvalBytes(statement: ApprovalStatement): Uint8Array {
  return new TextEncoder().encode(`sekisho/approval/v1\0${canonicalJson(statement)}`)
}

/** Why an answer counts for nothing. */
export const ApprovalRefusal = z.enum([
  'unknown-hold',
  'unknown-key',
  'bad-signature',
  'other-action',
  'other-session',
  'policy-changed',
  'expired',
  'already-answered',
  'not-asked-for',
  'not-the-initiator',
  'self-approval',
  'user-disabled',
  'session-ended',
])
export type ApprovalRefusal = z.infer<typeof ApprovalRefusal>

/** What became of an answer. */
export const ApprovalResult = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('refused'), why: ApprovalRefusal, message: z.string() }),
  /** others are still to answer */
  z.strictObject({ kind: z.literal('waiting'), needs: z.array(ApprovalKind).min(1) }),
  z.strictObject({ kind: z.literal('approved') }),
  z.strictObject({ kind: z.literal('denied') }),
])
export type ApprovalResult = z.infer<typeof ApprovalResult>
