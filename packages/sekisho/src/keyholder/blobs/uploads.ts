import { MAX_BLOB_PIECE_BYTES } from '../../wire/keyholder.ts'
import { violation } from '../session.ts'
import { unkept } from './sealed-content.ts'

/** Of one session at once; a gate looks at no more resources at a time. */
const MAX_UPLOADS_PER_SESSION = 16
/** Of all sessions: each has its whole length from its first piece on. */
const MAX_UPLOAD_BYTES = 256 * 1024 * 1024
/** An upload whose gate has died goes when another wants its place. */
const STALE_MS = 60_000

export type Piece = {
  session: string
  upload: string
  totalBytes: number
  offset: number
  /** base64 */
  piece: string
}

type Upload = { session: string; content: Buffer; received: number; touchedMs: number }

/** Content on its way here in pieces, each directly behind the one before. */
export class Uploads {
  readonly #now: () => number
  readonly #uploads = new Map<string, Upload>()

  /** @param now Unix ms */
  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * @returns the whole content with its last piece, else undefined
   * @throws SekishoError PROTOCOL_VIOLATION for a piece out of place, CONTENT_UNKEPT for too much
   */
  add({ session, upload, totalBytes, offset, piece }: Piece): Buffer | undefined {
    const key = `${session} ${upload}`
    const known = this.#uploads.get(key) ?? this.#begin(session, { key, totalBytes })
    const bytes = Buffer.from(piece, 'base64')
    const end = offset + bytes.length
    const isInPlace = offset === known.received && end <= known.content.length
    const isShort = bytes.length < MAX_BLOB_PIECE_BYTES && end < known.content.length
    if (!isInPlace || isShort || totalBytes !== known.content.length) {
      this.#uploads.delete(key)
      throw violation('a piece of content that is out of place')
    }
    bytes.copy(known.content, offset)
    known.received = end
    known.touchedMs = this.#now()
    if (end < totalBytes) return undefined
    this.#uploads.delete(key)
    return known.content
  }

  /** What a session that ends had begun. */
  forget(session: string): void {
    for (const [key, upload] of this.#uploads) {
      if (upload.session === session) this.#uploads.delete(key)
    }
  }

  #begin(session: string, { key, totalBytes }: { key: string; totalBytes: number }): Upload {
    this.#dropStale()
    const all = [...this.#uploads.values()]
    const own = all.filter((upload) => upload.session === session).length
    const bytes = all.reduce((sum, { content }) => sum + content.length, totalBytes)
    if (own >= MAX_UPLOADS_PER_SESSION || bytes > MAX_UPLOAD_BYTES) {
      throw unkept('too much is on its way at once')
    }
    const content = Buffer.alloc(totalBytes)
    const upload = { session, content, received: 0, touchedMs: this.#now() }
    this.#uploads.set(key, upload)
    return upload
  }

  #dropStale(): void {
    const before = this.#now() - STALE_MS
    for (const [key, { touchedMs }] of this.#uploads) {
      if (touchedMs < before) this.#uploads.delete(key)
    }
  }
}
