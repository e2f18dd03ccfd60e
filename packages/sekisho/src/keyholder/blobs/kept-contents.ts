import type { LeafInput } from '../../wire/leaves.ts'
import { MAX_BLOB_PIECE_BYTES } from '../../wire/keyholder.ts'
import { type Session, violation } from '../session.ts'
import type { ContentStore } from './content-store.ts'
import { type Piece, Uploads } from './uploads.ts'

/** How often what is over its time is looked for. */
const SWEEP_EVERY_MS = 60 * 60_000

type PreImageLeaf = Extract<LeafInput, { type: 'action.preimage' }>

export type KeptContentsParts = {
  store: ContentStore
  /** @throws SekishoError SESSION_UNKNOWN */
  running: (session: string) => Session
  /** resolves once the leaf is durable */
  append: (leaf: LeafInput) => Promise<number>
  /** Unix ms */
  now: () => number
}

/** What gates ask of the kept content of their sessions. */
export class KeptContents {
  readonly #parts: KeptContentsParts
  readonly #uploads: Uploads
  #timer: NodeJS.Timeout | undefined

  constructor(parts: KeptContentsParts) {
    this.#parts = parts
    this.#uploads = new Uploads(parts.now)
  }

  /** @returns null until the last piece is here, which is durable then */
  async put(piece: Piece): Promise<string | null> {
    const session = this.#parts.running(piece.session)
    const content = this.#uploads.add(piece)
    if (content === undefined) return null
    const digest = await this.#parts.store.keep(session.id, content)
    session.count('contents')
    return digest
  }

  nameOf(session: string, sha256: string): string {
    return this.#parts.store.nameOf(this.#parts.running(session).id, sha256)
  }

  /**
   * A gate sees what was kept only in a session that its start leaf says is to restore it: one that is
   * taken over cannot read what others' agents met.
   */
  async get(asked: {
    session: string
    of: string
    digest: string
    offset: number
  }): Promise<{ totalBytes: number; piece: string }> {
    const { of, digest, offset } = asked
    this.#checkRestores(asked.session, of)
    return this.read({ session: of, digest, offset })
  }

  /** For the supervisor, on behalf of an operator whose reading is on record. */
  async read(asked: {
    session: string
    digest: string
    offset: number
  }): Promise<{ totalBytes: number; piece: string }> {
    const { session, digest, offset } = asked
    const content = await this.#parts.store.get(session, digest)
    const piece = content.subarray(offset, offset + MAX_BLOB_PIECE_BYTES)
    return { totalBytes: content.length, piece: piece.toString('base64') }
  }

  /** As `nameOf`, of the session that this one restores. */
  nameOfRestored(session: string, of: string, sha256: string): string {
    this.#checkRestores(session, of)
    return this.#parts.store.nameOf(of, sha256)
  }

  /** What a pre-image names must be here: a record that cannot be kept is none. */
  checkPreImage({ session, preimage }: PreImageLeaf): void {
    const { content, recipe } = preimage
    const missing = [content, recipe].find(
      (digest) => digest !== null && !this.#parts.store.has(session, digest),
    )
    if (missing !== undefined) throw violation(`${missing} of a pre-image is not kept`)
  }

  forget(session: string): void {
    this.#uploads.forget(session)
  }

  /** From now on, until `stop`. What fails is tried again with the next turn. */
  sweepRegularly(): void {
    const sweep = (): void => {
      this.sweep().catch((thrown: unknown) => {
        process.stderr.write(`content over its time is still kept: ${String(thrown)}\n`)
      })
    }
    clearInterval(this.#timer)
    this.#timer = setInterval(sweep, SWEEP_EVERY_MS).unref()
    sweep()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Removes what is over its time; each session's on record before it goes. */
  async sweep(): Promise<void> {
    const { store, append } = this.#parts
    for (const expired of store.expired()) {
      const { session, names, bytes } = expired
      const contents = names.length
      await append({ type: 'content.removed', session, contents, bytes, reason: 'retention' })
      await store.remove(expired)
    }
  }

  #checkRestores(session: string, of: string): void {
    if (this.#parts.running(session).restores === of) return
    throw violation(`${session} is not there to restore ${of}`)
  }
}
