import * as z from 'zod'
import { Digest } from './sandbox.ts'
import { SessionId } from './schemas.ts'

/** One piece of content that was kept of a session. */
const ContentPiece = z.strictObject({
  session: SessionId,
  digest: Digest,
  offset: z.int().min(0),
})

const ContentResult = z.strictObject({ totalBytes: z.int().min(0), piece: z.base64() })

/** An operator reads what was kept; the first piece is on record before it is given. */
export const readContent = {
  params: ContentPiece.extend({
    what: z.enum(['transcript', 'reconcile', 'content', 'recording']),
  }),
  result: ContentResult,
} as const

/** Control asks for a client, of whom it knows by the kernel. */
export const readContentFor = {
  params: readContent.params.extend({
    reader: z.strictObject({ uid: z.int(), pid: z.int() }),
  }),
  result: ContentResult,
} as const
