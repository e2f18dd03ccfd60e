import { fieldValue } from '../http-fields.ts'
import type { Reply } from './upstream-ask.ts'

const MAX_CONTENT_TYPE = 256
const MAX_ETAG = 1024

/** What a GET says of a resource now; `absent` is 404 or 410. */
export type ResourceState =
  | {
      kind: 'present'
      body: Buffer
      contentType: string | null
      /** strong (RFC 9110 §8.8.3), else null: what a weak one stands for may have changed */
      etag: string | null
    }
  | { kind: 'absent' }

/** What the platform finds, or why it cannot be known. */
export type Found = ResourceState | { kind: 'unknown'; why: string }

/** What the reply to a GET says of its resource, where it says so without doubt. */
export function stateOf(reply: Reply): Found {
  if (reply.kind === 'broken') return { kind: 'unknown', why: `a GET is ${reply.why}` }
  const { status, fields, body } = reply
  if (status === 404 || status === 410) return { kind: 'absent' }
  if (status !== 200) return { kind: 'unknown', why: `a GET is answered with ${status}` }
  const contentType = fieldValue(fields, 'content-type') ?? null
  const problem = problemOf(fieldValue(fields, 'content-encoding'), contentType)
  if (problem !== undefined) return { kind: 'unknown', why: problem }
  return { kind: 'present', body, contentType, etag: strongEtag(fields) ?? null }
}

function problemOf(coding = 'identity', contentType: string | null): string | undefined {
  if (!['identity', ''].includes(coding.trim().toLowerCase())) {
    return 'a GET is answered in a coding that was not asked for'
  }
  const isTooLong = contentType !== null && contentType.length > MAX_CONTENT_TYPE
  return isTooLong ? 'its content type is too long to keep' : undefined
}

/** The ETag of a reply where it is a strong one; else undefined. */
export function strongEtag(fields: readonly string[]): string | undefined {
  const etag = fieldValue(fields, 'etag')?.trim() ?? ''
  return etag.length <= MAX_ETAG && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : undefined
}
