import * as z from 'zod'
import { SessionId } from './schemas.ts'

/** Leaves of what is kept to be restored; `action.preimage` is one of policy-leaves.ts. */
export const recoveryLeaves = [
  /** erased: its digests in the log say no longer what was there */
  z.strictObject({
    type: z.literal('content.removed'),
    session: SessionId,
    contents: z.int().min(1),
    bytes: z.int().min(0),
    reason: z.enum(['retention']),
  }),
] as const
