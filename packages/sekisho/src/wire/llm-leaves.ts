import * as z from 'zod'
import { LlmCallLeaf } from './llm.ts'
import { SessionId } from './schemas.ts'

/** Erased: the digests in `llm.call` leaves say no longer what was said. */
export const RecordingRemovedLeaf = z.strictObject({
  type: z.literal('recording.removed'),
  session: SessionId,
  /** sides of calls */
  recordings: z.int().min(0),
  /** as they were kept, sealed and without what earlier ones had already */
  bytes: z.int().min(0),
  reason: z.enum(['retention', 'erased']),
  /** uid of the operator who asked; null for the platform itself */
  by: z.int().min(0).nullable(),
})
export type RecordingRemovedLeaf = z.infer<typeof RecordingRemovedLeaf>

/** Leaves of what models were asked and said. */
export const llmLeaves = [LlmCallLeaf, RecordingRemovedLeaf] as const

/** As stored: the keyholder’s stamps stand beside these fields, and are left out. */
export const StoredLlmCall = z.object(LlmCallLeaf.shape)
export type StoredLlmCall = z.infer<typeof StoredLlmCall>
