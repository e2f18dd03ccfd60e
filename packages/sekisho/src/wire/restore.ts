import * as z from 'zod'
import { Digest } from './sandbox.ts'
import { SessionId } from './schemas.ts'

/** Resources that one call puts back. */
export const MAX_RESTORED = 1000

/** What the last of a session's actions on a resource has left, as far as that is known. */
export const Left = z.strictObject({
  /** it was a DELETE */
  isAbsent: z.boolean(),
  /** of the body that it sent; null where that is unknown, or no state of its own (PATCH) */
  content: Digest.nullable(),
  /** strong ETag that its reply told */
  etag: z.string().max(1024).nullable(),
})
export type Left = z.infer<typeof Left>

/** One resource that is to be as it was before an action. */
export const RestoreItem = z.strictObject({
  /** of the action whose pre-image is put back */
  id: z.string().min(1).max(64),
  recipe: Digest,
  left: Left,
})
export type RestoreItem = z.infer<typeof RestoreItem>

export const RestoreOutcome = z.strictObject({
  id: z.string(),
  did: z.enum([
    /** read back, and as it was */
    'restored',
    /** it is as it was */
    'unchanged',
    'would-restore',
    /** somebody else has changed it since: left alone */
    'changed-since',
    'failed',
  ]),
  detail: z.string().max(1024),
})
export type RestoreOutcome = z.infer<typeof RestoreOutcome>

/** What a client asks for. */
export const RestoreRequest = z.strictObject({
  /** whose actions are taken back */
  of: SessionId,
  agent: z.string().min(1).max(128),
  /** in this order */
  items: z.array(RestoreItem).min(1).max(MAX_RESTORED),
  isDryRun: z.boolean(),
  /** also what somebody else has changed since */
  isForced: z.boolean(),
})
export type RestoreRequest = z.infer<typeof RestoreRequest>

export const RestoreResult = z.strictObject({
  /** the session in which it was done */
  session: SessionId,
  outcomes: z.array(RestoreOutcome).max(MAX_RESTORED),
})
export type RestoreResult = z.infer<typeof RestoreResult>
