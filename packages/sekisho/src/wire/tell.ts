import * as z from 'zod'
import { KeySignature } from './identity.ts'
import { LeafInput } from './leaves.ts'

/**
 * Leaves in one message. What is signed together has a path of four hashes then, and is a frame that
 * is far from too long.
 */
export const MAX_TOLD = 16

/** Why one of them is not in the log, as a peer answers with errors. */
export const WireError = z.strictObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().nullable(),
})
export type WireError = z.infer<typeof WireError>

/**
 * What actions came to: nobody waits for it, so several of any sessions go together. Written in this
 * order, each for itself.
 */
export const tell = {
  params: z.strictObject({
    /** outcomes, and what calls of models came to; none has a claim of its own */
    leaves: z.array(LeafInput).min(1).max(MAX_TOLD),
    /** the gate's one signature over the outcomes among them; null where there is none */
    claim: KeySignature.nullable(),
    /** as of `record`: they are counted together */
    seq: z.int().min(1),
  }),
  /** in their order: the index of each, or why it has none */
  result: z.strictObject({ told: z.array(z.union([z.int(), WireError])).max(MAX_TOLD) }),
} as const
