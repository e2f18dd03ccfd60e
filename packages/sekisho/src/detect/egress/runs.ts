import type { Alphabet, Span } from './detector.ts'

/** A longer run is told in pieces of this length, so that nothing has to be kept for longer. */
export const MAX_RUN_BYTES = 4_096
/** How much of a piece stands in the next one too; no run that is asked for is longer. */
export const RUN_OVERLAP_BYTES = 1_024

const MEMBER = 1
/** belongs to a run between two members only */
const SEPARATOR = 2

/** Bytes of a stream that lie together in memory. */
export type Stretch = {
  bytes: Uint8Array
  /** where in the stream `bytes` begins; what is asked for lies at or after it */
  base: number
  /** where in the stream the known bytes end */
  until: number
  /** nothing follows */
  last: boolean
}

/**
 * Finds maximal runs of one alphabet in a stream.
 *
 * Looks at every `minBytes`-th byte and goes back from there, so text without runs costs little;
 * no byte is looked at more than twice.
 */
export class RunFinder {
  readonly #kinds: Uint8Array
  readonly #minBytes: number
  /** no run that is still to be told begins before */
  #from = 0
  /** everything from `#from` to here belongs to one run */
  #sure = 0
  /** told already, up to here */
  #told = 0

  /** @throws RangeError when `minBytes` is not from 1 to RUN_OVERLAP_BYTES */
  constructor(alphabet: Alphabet, minBytes: number) {
    if (!(minBytes >= 1 && minBytes <= RUN_OVERLAP_BYTES)) throw new RangeError('minBytes')
    this.#kinds = KINDS[alphabet]
    this.#minBytes = minBytes
  }

  /**
   * Tells runs, each at the latest when two bytes after it are known.
   *
   * @param stretch with at least the last MAX_RUN_BYTES before what is new
   */
  advance(stretch: Stretch, tell: (run: Span) => void): void {
    // whether a separator belongs to a run is known with the byte after it
    const limit = stretch.last ? stretch.until : stretch.until - 1
    while (this.#sure - this.#from >= this.#minBytes || this.#from + this.#minBytes <= limit) {
      if (this.#sure - this.#from < this.#minBytes) this.#probe(stretch)
      else if (!this.#extend(stretch, { limit, tell })) return
    }
  }

  /** Is there a run of `minBytes` from `#from` on? If not, where could the next one begin? */
  #probe(stretch: Stretch): void {
    const probed = this.#from + this.#minBytes - 1
    let at = probed
    while (at >= this.#sure && belongs(this.#kinds, stretch, at)) at--
    if (at >= this.#sure) this.#from = at + 1
    this.#sure = probed + 1
  }

  /** False when the run goes on beyond what is known. */
  #extend(
    stretch: Stretch,
    { limit, tell }: { limit: number; tell: (run: Span) => void },
  ): boolean {
    const until = Math.min(limit, this.#from + MAX_RUN_BYTES)
    let at = this.#sure
    while (at < until && belongs(this.#kinds, stretch, at)) at++
    this.#sure = at
    if (at - this.#from === MAX_RUN_BYTES) {
      this.#tell(tell)
      this.#from = at - RUN_OVERLAP_BYTES
      return true
    }
    if (at === limit && !stretch.last) return false
    this.#tell(tell)
    this.#from = at + 1
    this.#sure = at + 1
    return true
  }

  #tell(tell: (run: Span) => void): void {
    if (this.#sure > this.#told) tell({ start: this.#from, end: this.#sure })
    this.#told = this.#sure
  }
}

function belongs(kinds: Uint8Array, { bytes, base, until }: Stretch, at: number): boolean {
  const index = at - base
  const kind = kinds[bytes[index] ?? 0]
  if (kind !== SEPARATOR) return kind === MEMBER
  if (index === 0 || at + 1 >= until) return false
  return kinds[bytes[index - 1] ?? 0] === MEMBER && kinds[bytes[index + 1] ?? 0] === MEMBER
}

const KINDS: Readonly<Record<Alphabet, Uint8Array>> = {
  digits: kindsOf('0123456789', ' -.'),
  // RFC 4648 §4 and §5, with padding
  base64: kindsOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_='),
  hex: kindsOf('0123456789abcdefABCDEF'),
}

function kindsOf(members: string, separators = ''): Uint8Array {
  const kinds = new Uint8Array(256)
  for (const byte of Buffer.from(members)) kinds[byte] = MEMBER
  for (const byte of Buffer.from(separators)) kinds[byte] = SEPARATOR
  return kinds
}
