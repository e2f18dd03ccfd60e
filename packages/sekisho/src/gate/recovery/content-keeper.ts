import { hash, randomUUID } from 'node:crypto'
import { SekishoError } from '../../core/error.ts'
import { MAX_BLOB_BYTES, MAX_BLOB_PIECE_BYTES } from '../../wire/keyholder.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import type { KeyholderLink } from '../keyholder-link.ts'

/** Digests are the keyholder's names for content: keyed, so that nobody can test a guess. */
export interface ContentKeeper {
  /**
   * Durable and encrypted when it resolves.
   *
   * @param content at most 8 MiB
   * @throws SekishoError CONTENT_UNKEPT, PEER_UNAVAILABLE, TIMEOUT
   */
  keep(content: Buffer): Promise<string>
  /** The digest that content would be kept under. @throws as `keep` */
  nameOf(content: Uint8Array): Promise<string>
  /** Durable when it resolves. @throws as KeyholderLink.record */
  record(leaf: Extract<LeafInput, { type: 'action.preimage' }>): Promise<void>
}

/** What one session keeps, with the keyholder. */
export function contentKeeper(session: string, link: KeyholderLink): ContentKeeper {
  return {
    keep: (content) => keep(session, content, link),
    nameOf: async (content) => {
      const sha256 = `sha256:${hash('sha256', content)}`
      return link.nameContent({ session, of: null, sha256 })
    },
    record: async (leaf) => {
      await link.record(leaf, [])
    },
  }
}

async function keep(session: string, content: Buffer, link: KeyholderLink): Promise<string> {
  const totalBytes = content.length
  if (totalBytes > MAX_BLOB_BYTES) {
    throw new SekishoError('CONTENT_UNKEPT', `content of ${totalBytes} bytes is too long to keep`)
  }
  const upload = randomUUID()
  for (let offset = 0; ; offset += MAX_BLOB_PIECE_BYTES) {
    const piece = content.subarray(offset, offset + MAX_BLOB_PIECE_BYTES).toString('base64')
    const digest = await link.putContent({ session, upload, totalBytes, offset, piece })
    if (digest !== null) return digest
    if (offset + MAX_BLOB_PIECE_BYTES >= totalBytes) break
  }
  throw new SekishoError('PROTOCOL_VIOLATION', 'the keyholder has all of it and gives no digest')
}
