import * as z from 'zod'
import { Digest } from './sandbox.ts'
import { SessionId } from './schemas.ts'

/** A snapshot is called by the first 160 bits of its digest. */
export const SnapshotId = z.string().regex(/^w-[0-9a-f]{40}$/, 'want w- and 40 hexadecimal digits')

export const SnapshotRequest = z.strictObject({
  session: SessionId,
  /** what it is to be called beside its id; the supervisor checks it */
  name: z.string().max(63).nullable(),
})

export const SnapshotTaken = z.strictObject({ snapshot: SnapshotId, digest: Digest })
