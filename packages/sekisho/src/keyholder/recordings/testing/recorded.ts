import { sha256Of } from '../../blobs/sealed-content.ts'
import { Keys } from '../../keys.ts'
import { SESSION } from '../../testing/leaves.ts'
import type { RecordingStore } from '../recording-store.ts'
import type { Put } from '../session-recordings.ts'

export const keys = new Keys(Buffer.alloc(32, 7))
export const DAY_MS = 24 * 60 * 60_000
export const first = Buffer.from('what nobody else was asked; then the tools')
export const second = Buffer.from('what nobody else was asked; and more; then the tools')
export const lost = { code: 'CONTENT_LOST' }

export function whole(content: Buffer): Put {
  const { length: bytes } = content
  return { side: 'request', bytes, sha256: sha256Of(content), base: null, middle: content }
}

/** The second, leaning on the first. */
export function leaning(digest: string): Put {
  const base = { digest, prefixBytes: 27, suffixBytes: 15 }
  const { length: bytes } = second
  const middle = second.subarray(27, bytes - 15)
  return { side: 'request', bytes, sha256: sha256Of(second), base, middle }
}

export async function keep(store: RecordingStore, put: Put, session = SESSION): Promise<string> {
  const done = await store.put(session, put)
  if (done.kind !== 'kept') throw new Error('not kept')
  return done.digest
}
