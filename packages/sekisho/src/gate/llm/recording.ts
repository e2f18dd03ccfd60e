import { hash } from 'node:crypto'
import type * as z from 'zod'
import { SekishoError } from '../../core/error.ts'
import type { Finding, Scan } from '../../detect/egress/finding.ts'
import type { LlmSettings, RecordedSide } from '../../wire/llm.ts'
import {
  MAX_RECORDING_BYTES,
  MAX_RECORDING_DEPTH,
  MAX_RECORDING_PIECE_BYTES,
  type putRecording,
  type RecordingBase,
} from '../../wire/recordings.ts'
import { commonPrefix, commonSuffix } from './common-ends.ts'
import type { Recordings } from './ports.ts'
import { cover, findRanges, findReplyRanges, knownRanges } from './redaction.ts'

/** Requests that the next may lean on: the main conversation, and those of helpers beside it. */
const MAX_BASES = 4
/** Of all but the latest, together. */
const MAX_BASE_BYTES = 2 * 1024 * 1024
/** What a base must save at least: an answer that it is not known any more costs as much. */
const MIN_COMMON_BYTES = 512

/** A base that has as much of a request as this is not bettered by much. */
const ENOUGH = 0.8

type Piece = z.infer<(typeof putRecording)['params']>
type Answer = z.infer<(typeof putRecording)['result']>

export type CallRecorderParts = {
  session: string
  link: {
    /** @throws SekishoError CONTENT_UNKEPT, PEER_UNAVAILABLE, TIMEOUT */
    putRecording(piece: Piece): Promise<Answer>
    /** the keyed digest alone. @throws SekishoError PEER_UNAVAILABLE, TIMEOUT */
    nameContent(asked: { session: string; of: null; sha256: string }): Promise<string>
  }
  settings: () => LlmSettings['recording']
  /** what is looked for, in every encoding */
  scan: () => Scan
  /** the same, of a body that has been looked at before it was let out; undefined where nobody remembers */
  foundIn: (body: Buffer) => readonly Finding[] | undefined
}

type Base = {
  /** as it was said */
  said: Buffer
  /** with stars over what is not to be kept; `said` itself where nothing was */
  kept: Buffer
  digest: string
  depth: number
}

type Common = { base: Base; prefix: number; suffix: number }

/** What one session's model calls say, on its way to the keyholder. */
export class CallRecorder implements Recordings {
  readonly #parts: CallRecorderParts
  /** the latest first */
  #bases: Base[] = []
  #uploads = 0

  constructor(parts: CallRecorderParts) {
    this.#parts = parts
  }

  /**
   * Keeps one side of a call as the bundle says; durable when it resolves. Nothing of a call may leave
   * before its request is. A reply has left: what there is no room for is then named and not kept.
   *
   * @param bytes not changed afterwards
   * @throws SekishoError CONTENT_UNKEPT, PEER_UNAVAILABLE, TIMEOUT
   */
  async put(side: 'request' | 'reply', bytes: Buffer): Promise<RecordedSide> {
    const { mode, redact } = this.#parts.settings()
    if (mode === 'digest') return this.#name(bytes)
    if (bytes.length > MAX_RECORDING_BYTES) return this.#unkept(side, bytes, tooLong())
    try {
      return await (side === 'request' ? this.#keep(bytes, redact) : this.#keepReply(bytes, redact))
    } catch (error) {
      return this.#unkept(side, bytes, error)
    }
  }

  async #keep(said: Buffer, redact: readonly string[]): Promise<RecordedSide> {
    const { scan, foundIn } = this.#parts
    // a body that nobody remembers holds something that no part of it shows
    const known = knownRanges(said, { redact, foundIn })
    const kept = cover(said, known ?? (await findRanges(said, { redact, scan })))
    const common = this.#findBase(said)
    const base =
      common === undefined || common.base.depth >= MAX_RECORDING_DEPTH ? undefined : common
    const { digest, isWhole } = await this.#send('request', kept, leanOn(base, said, kept))
    const depth = isWhole || base === undefined ? 0 : base.base.depth + 1
    this.#remember({ said, kept, digest, depth })
    return { bytes: kept.length, digest, kept: true }
  }

  async #keepReply(said: Buffer, redact: readonly string[]): Promise<RecordedSide> {
    const { scan } = this.#parts
    const kept = cover(said, await findReplyRanges(said, { redact, scan }))
    const { digest } = await this.#send('reply', kept, null)
    return { bytes: kept.length, digest, kept: true }
  }

  async #name(bytes: Buffer): Promise<RecordedSide> {
    const asked = { session: this.#parts.session, of: null, sha256: sha256Of(bytes) }
    const digest = await this.#parts.link.nameContent(asked)
    return { bytes: bytes.length, digest, kept: false }
  }

  #unkept(side: 'request' | 'reply', bytes: Buffer, error: unknown): Promise<RecordedSide> {
    const isFull = error instanceof SekishoError && error.code === 'CONTENT_UNKEPT'
    if (side === 'reply' && isFull) return this.#name(bytes)
    throw error
  }

  #findBase(said: Buffer): Common | undefined {
    let best: Common | undefined
    for (const base of this.#bases) {
      const prefix = commonPrefix(said, base.said)
      const most = Math.min(said.length, base.said.length) - prefix
      const suffix = commonSuffix(said, base.said, most)
      const common = prefix + suffix
      if (common < MIN_COMMON_BYTES) continue
      if (best === undefined || common > best.prefix + best.suffix) best = { base, prefix, suffix }
      if (common > said.length * ENOUGH) break
    }
    return best
  }

  async #send(
    side: 'request' | 'reply',
    kept: Buffer,
    base: RecordingBase | null,
  ): Promise<{ digest: string; isWhole: boolean }> {
    const sha256 = sha256Of(kept)
    const digest = await this.#sendPieces({ side, kept, sha256, base })
    if (digest !== undefined) return { digest, isWhole: base === null }
    const whole = await this.#sendPieces({ side, kept, sha256, base: null })
    if (whole !== undefined) return { digest: whole, isWhole: true }
    throw new SekishoError('PROTOCOL_VIOLATION', 'the keyholder asked for a recording twice')
  }

  /** @returns undefined where all of it is wanted */
  async #sendPieces(recording: {
    side: 'request' | 'reply'
    kept: Buffer
    sha256: string
    base: RecordingBase | null
  }): Promise<string | undefined> {
    const { side, kept, sha256, base } = recording
    const middle = kept.subarray(base?.prefixBytes ?? 0, kept.length - (base?.suffixBytes ?? 0))
    const { session, link } = this.#parts
    const upload = String(++this.#uploads)
    const told = { session, upload, side, bytes: kept.length, sha256, base }
    for (let offset = 0; ; offset += MAX_RECORDING_PIECE_BYTES) {
      const piece = middle.subarray(offset, offset + MAX_RECORDING_PIECE_BYTES).toString('base64')
      const answer = await link.putRecording({ ...told, totalBytes: middle.length, offset, piece })
      if (answer.kind === 'kept') return answer.digest
      if (answer.kind === 'whole') return undefined
      if (offset + MAX_RECORDING_PIECE_BYTES >= middle.length) {
        throw new SekishoError('PROTOCOL_VIOLATION', 'the keyholder asks for more than there is')
      }
    }
  }

  #remember(base: Base): void {
    let bytes = 0
    this.#bases = [base, ...this.#bases].slice(0, MAX_BASES).filter(({ said, kept }, index) => {
      if (index > 0) bytes += said === kept ? said.length : said.length + kept.length
      return bytes <= MAX_BASE_BYTES
    })
  }
}

/** What is kept is leaned on as it was kept: what is covered now may not have been, and the other way. */
function leanOn(common: Common | undefined, said: Buffer, kept: Buffer): RecordingBase | null {
  if (common === undefined) return null
  const { base, prefix, suffix } = common
  const { digest } = base
  if (said === kept && base.said === base.kept) {
    return { digest, prefixBytes: prefix, suffixBytes: suffix }
  }
  const prefixBytes = commonPrefix(kept, base.kept)
  const most = Math.min(kept.length, base.kept.length) - prefixBytes
  return { digest, prefixBytes, suffixBytes: commonSuffix(kept, base.kept, most) }
}

function sha256Of(bytes: Buffer): string {
  return `sha256:${hash('sha256', bytes)}`
}

function tooLong(): SekishoError {
  return new SekishoError(
    'CONTENT_UNKEPT',
    `a side of a model call of more than ${MAX_RECORDING_BYTES} bytes`,
    { hint: 'set `recording.mode: digest` where such calls are to be made' },
  )
}
