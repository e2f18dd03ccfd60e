import * as z from 'zod'
import { Digest } from './sandbox.ts'
import { SessionId } from './schemas.ts'

/** Longest side of a call that is kept; as long as the longest reply that is read. */
export const MAX_RECORDING_BYTES = 32 * 1024 * 1024
/** Raw bytes in one message: a third more in base64, below a frame's limit. A multiple of three. */
export const MAX_RECORDING_PIECE_BYTES = 1536 * 1024
/** Recordings that one may lean on, one behind the other; a reader puts together as many. */
export const MAX_RECORDING_DEPTH = 64

const Length = z.int().min(0).max(MAX_RECORDING_BYTES)

/** What one side of a call has in common with one before it, of the same session. */
export const RecordingBase = z.strictObject({
  digest: Digest,
  prefixBytes: Length,
  suffixBytes: Length,
})
export type RecordingBase = z.infer<typeof RecordingBase>

/** One side of a call, or what of it is new, in pieces, each directly behind the one before. */
export const putRecording = {
  params: z.strictObject({
    session: SessionId,
    /** chosen by the sender, for this recording alone */
    upload: z.string().min(1).max(64),
    side: z.enum(['request', 'reply']),
    /** of the whole */
    bytes: Length,
    sha256: Digest,
    /** null: nothing is left out */
    base: RecordingBase.nullable(),
    /** of all pieces together: what is new */
    totalBytes: Length,
    offset: Length,
    piece: z.base64().max((MAX_RECORDING_PIECE_BYTES / 3) * 4),
  }),
  result: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('more') }),
    /** durable */
    z.strictObject({ kind: z.literal('kept'), digest: Digest }),
    /** the base is not known any more, or too much leans on it: to be sent with nothing left out */
    z.strictObject({ kind: z.literal('whole') }),
  ]),
} as const

/** A piece of what was kept, for an operator; recorded by whoever asks. */
export const getRecording = {
  params: z.strictObject({ session: SessionId, digest: Digest, offset: Length }),
  result: z.strictObject({ totalBytes: Length, piece: z.base64() }),
} as const

/** What was kept of one session goes, with the key of it; on record before it goes. */
export const eraseRecordings = {
  params: z.strictObject({ session: SessionId, by: z.int().min(0) }),
  result: z.strictObject({ recordings: z.int().min(0), bytes: z.int().min(0) }),
} as const

/** An operator erases; who that is, the kernel says. */
export const eraseSession = {
  params: z.strictObject({ session: SessionId }),
  result: eraseRecordings.result,
} as const
