import type * as z from 'zod'
import type { LlmCallLeaf } from '../../wire/llm.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { MAX_RECORDING_PIECE_BYTES, type putRecording } from '../../wire/recordings.ts'
import { Uploads } from '../blobs/uploads.ts'
import { type Session, violation } from '../session.ts'
import type { RecordingStore, Removed } from './recording-store.ts'
import type { PutResult } from './session-recordings.ts'

const DAY_MS = 24 * 60 * 60_000
/** Until a bundle says otherwise. */
const USUAL_DAYS = 30
/** How often what is over its time is looked for. */
const SWEEP_EVERY_MS = 60 * 60_000
/** A reader asks for piece after piece: the last that was put together stays so long. */
const REBUILT_MS = 10_000

type Put = z.infer<(typeof putRecording)['params']>
type Rebuilt = { session: string; digest: string; content: Buffer }

export type RecordingsParts = {
  store: RecordingStore
  /** @throws SekishoError SESSION_UNKNOWN */
  running: (session: string) => Session
  /** resolves once the leaf is durable */
  append: (leaf: LeafInput) => Promise<number>
  /** Unix ms */
  now: () => number
}

/** What gates and operators ask of the recordings of model calls. */
export class Recordings {
  readonly #parts: RecordingsParts
  readonly #uploads: Uploads
  readonly #erased = new Set<string>()
  #days = USUAL_DAYS
  #timer: NodeJS.Timeout | undefined
  #rebuilt: Rebuilt | undefined
  #erasures = 0
  #forgetting: NodeJS.Timeout | undefined

  constructor(parts: RecordingsParts) {
    this.#parts = parts
    this.#uploads = new Uploads(parts.now)
  }

  /** @throws SekishoError CONTENT_UNKEPT, PROTOCOL_VIOLATION, SESSION_UNKNOWN */
  async put(put: Put): Promise<PutResult | { kind: 'more' }> {
    const session = this.#parts.running(put.session)
    const middle = this.#receive(put)
    if (middle === undefined) return { kind: 'more' }
    const { side, bytes, sha256, base } = put
    const done = await this.#parts.store.put(session.id, { side, bytes, sha256, base, middle })
    if (done.kind === 'kept') session.count('recordings')
    return done
  }

  /** What a call says is kept of it must be: a record of what is not there is none. */
  checkCall({ session, id, request, reply }: LlmCallLeaf): void {
    for (const { kept, digest } of [request, reply]) {
      if (!kept || this.#erased.has(session)) continue
      if (!this.#parts.store.has(session, digest)) throw violation(`${digest} of ${id} is not kept`)
    }
  }

  /** For the supervisor, on behalf of an operator whose reading is on record. */
  async read(asked: {
    session: string
    digest: string
    offset: number
  }): Promise<{ totalBytes: number; piece: string }> {
    const content = await this.#rebuild(asked)
    const piece = content.subarray(asked.offset, asked.offset + MAX_RECORDING_PIECE_BYTES)
    return { totalBytes: content.length, piece: piece.toString('base64') }
  }

  /** @param days how long recordings are kept from here on; what is older goes with the next sweep */
  keepFor(days: number): void {
    this.#days = days
  }

  /** All of one session, for the operator of that uid; on record before it goes. */
  async erase({ session, by }: { session: string; by: number }): Promise<Removed> {
    this.#erased.add(session)
    this.#erasures += 1
    this.#rebuilt = undefined
    return this.#remove(session, Infinity, { reason: 'erased', by })
  }

  async forget(session: string): Promise<void> {
    this.#uploads.forget(session)
    this.#erased.delete(session)
    await this.#parts.store.release(session)
  }

  /** From now on, until `stop`. What fails is tried again with the next turn. */
  sweepRegularly(): void {
    const sweep = (): void => {
      this.sweep().catch((thrown: unknown) => {
        process.stderr.write(`recordings over their time are still kept: ${String(thrown)}\n`)
      })
    }
    clearInterval(this.#timer)
    this.#timer = setInterval(sweep, SWEEP_EVERY_MS).unref()
    sweep()
  }

  stop(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#forgetting)
  }

  /**
   * Removes what is over its time; each session's on record before it goes.
   *
   * @throws the first failure, when all other sessions have had their turn
   */
  async sweep(): Promise<void> {
    const beforeMs = this.#parts.now() - this.#days * DAY_MS
    const failures: unknown[] = []
    for (const session of this.#parts.store.withOlderThan(beforeMs)) {
      const removing = this.#remove(session, beforeMs, { reason: 'retention', by: null })
      await removing.catch((thrown: unknown) => failures.push(thrown))
    }
    if (failures.length > 0) throw failures[0]
  }

  #remove(
    session: string,
    beforeMs: number,
    why: { reason: 'retention' | 'erased'; by: number | null },
  ): Promise<Removed> {
    const { append, store } = this.#parts
    return store.remove(session, beforeMs, (what) =>
      append({ type: 'recording.removed', session, ...what, ...why }),
    )
  }

  #receive({ session, upload, totalBytes, offset, piece }: Put): Buffer | undefined {
    if (offset > 0 || totalBytes > MAX_RECORDING_PIECE_BYTES) {
      return this.#uploads.add({ session, upload, totalBytes, offset, piece })
    }
    const bytes = Buffer.from(piece, 'base64')
    if (bytes.length !== totalBytes) throw violation('a piece of a recording that is out of place')
    return bytes
  }

  async #rebuild({ session, digest }: { session: string; digest: string }): Promise<Buffer> {
    const last = this.#rebuilt
    if (last?.session === session && last.digest === digest) return last.content
    const erasures = this.#erasures
    const content = await this.#parts.store.get(session, digest)
    if (erasures !== this.#erasures) return content
    this.#rebuilt = { session, digest, content }
    clearTimeout(this.#forgetting)
    this.#forgetting = setTimeout(() => {
      this.#rebuilt = undefined
    }, REBUILT_MS).unref()
    return content
  }
}
