import { MAX_RECORDING_DEPTH, type RecordingBase } from '../../wire/recordings.ts'
import type { Segment } from './segment.ts'
import {
  nameRecording,
  type Recording,
  sealRecording,
  type SessionKey,
  type Side,
} from './sealed-recording.ts'

/** Of one session, remembered as kept: those that a call may still name. */
const MAX_KNOWN = 8192
/** Nobody waits for what was said: it is flushed with what is asked next, which somebody waits for. */
const REPLY_MAY_WAIT_MS = 5

export type Put = {
  side: Side
  /** of the whole */
  bytes: number
  sha256: string
  base: RecordingBase | null
  /** what is new */
  middle: Buffer
}
export type PutResult = { kind: 'kept'; digest: string } | { kind: 'whole' }

type Known = {
  bytes: number
  depth: number
  segment: Segment
  durable: Promise<void>
  /** else a gate that is somebody else's could have a call say of it that it is kept */
  isDurable: boolean
}

/** What is being recorded of one session, by the key and into the file that are its own. */
export class SessionRecordings {
  readonly key: SessionKey
  readonly #known = new Map<string, Known>()

  constructor(key: SessionKey) {
    this.key = key
  }

  /** Whether it is durable; of the latest some thousand. */
  has(digest: string): boolean {
    return this.#known.get(digest)?.isDurable ?? false
  }

  /**
   * @param take the room for so many bytes, before they are written
   * @throws SekishoError CONTENT_UNKEPT
   */
  async put(put: Put, segment: Segment, take: (bytes: number) => void): Promise<PutResult> {
    const digest = nameRecording(this.key, put.sha256)
    const there = this.#known.get(digest)
    // what is said again on another day stays for as long as that day's
    if (there?.segment === segment) {
      await there.durable
      return { kind: 'kept', digest }
    }
    const depth = this.#depthOf(put, segment)
    if (depth === undefined) return { kind: 'whole' }
    const { side, bytes, base, middle } = put
    const recording: Recording = { side, bytes, base, middle }
    const sealed = sealRecording(this.key, digest, recording)
    take(sealed.length)
    const durable = segment.append(sealed, side === 'reply' ? REPLY_MAY_WAIT_MS : 0)
    // a copy of another day counts meanwhile
    const known = { bytes, depth, segment, durable, isDurable: there?.isDurable ?? false }
    this.#remember(digest, known)
    try {
      await durable
      known.isDurable = true
    } catch (error) {
      this.#known.delete(digest)
      throw error
    }
    return { kind: 'kept', digest }
  }

  /** @returns undefined where the base cannot be leaned on */
  #depthOf({ base, bytes, middle }: Put, segment: Segment): number | undefined {
    if (base === null) return middle.length === bytes ? 0 : undefined
    const known = this.#known.get(base.digest)
    // a chain within one file: that of a day goes as a whole when it is over its time
    if (known === undefined || known.segment !== segment) return undefined
    const { prefixBytes, suffixBytes } = base
    if (known.depth >= MAX_RECORDING_DEPTH || prefixBytes + suffixBytes > known.bytes) {
      return undefined
    }
    return prefixBytes + middle.length + suffixBytes === bytes ? known.depth + 1 : undefined
  }

  #remember(digest: string, known: Known): void {
    this.#known.set(digest, known)
    if (this.#known.size <= MAX_KNOWN) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}
