import { spellings } from './needles.ts'
import { type Interval, occurrences, unfinishedLength } from './scan.ts'

/** What stands in place of a secret, cut or filled up with `*` to the same length. */
const MARK = '[sekisho:scrubbed]'

const NOTHING = Buffer.alloc(0)

/**
 * Takes released values out of a reply. Every byte that belongs to any spelling of any value is
 * replaced, by as many bytes, so that a declared content-length stays true.
 *
 * The output does not depend on how the input was cut: only bytes that may begin a spelling wait
 * for the next piece, so an event stream is not held up.
 */
export class Scrubber {
  readonly #needles: readonly Buffer[]
  #held: Buffer = NOTHING
  /** how many of the held bytes belong to a place whose beginning has been passed on */
  #coveredHeld = 0
  /** replaced bytes directly before the next one to be passed on */
  #run = 0
  #count = 0

  /** @param values the credentials that this exchange was given; at least one, none empty */
  constructor(values: Iterable<string>) {
    this.#needles = [...values].flatMap(spellings)
  }

  /** places replaced so far, touching ones counted as one */
  get count(): number {
    return this.#count
  }

  /** What may be passed on now. */
  push(piece: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    const ready = bytes.length - unfinishedLength(bytes, this.#needles)
    return this.#pass(bytes, ready)
  }

  /** The rest, at the end of the stream. */
  end(): Buffer {
    const rest = this.#pass(this.#held, this.#held.length)
    this.#run = 0
    return rest
  }

  /** A whole text that stands alone, such as a header's value. Independent of the stream. */
  scrubText(text: string): string {
    const bytes = Buffer.from(text, 'latin1')
    const places = occurrences(bytes, this.#needles)
    if (places.length === 0) return text
    const copy = Buffer.from(bytes)
    for (const { start, end } of places) {
      this.#count += 1
      for (let at = start; at < end; at++) copy[at] = markByte(at - start)
    }
    return copy.toString('latin1')
  }

  #pass(bytes: Buffer, ready: number): Buffer {
    const places = occurrences(bytes, this.#needles, this.#coveredHeld)
    const out = places.length === 0 ? bytes.subarray(0, ready) : this.#replace(bytes, ready, places)
    if (places.length === 0 && ready > 0) this.#run = 0
    // a place that only begins in what is held is found again with the next piece
    const from = this.#coveredHeld > 0 ? Math.max(ready, 1) : ready
    const crossing = places.find((place) => place.start < from && place.end > ready)
    this.#coveredHeld = crossing === undefined ? 0 : crossing.end - ready
    this.#held = ready === bytes.length ? NOTHING : Buffer.from(bytes.subarray(ready))
    return out
  }

  #replace(bytes: Buffer, ready: number, places: readonly Interval[]): Buffer {
    const out = Buffer.from(bytes.subarray(0, ready))
    let at = 0
    for (const { start, end } of places) {
      if (start >= ready) break
      if (start > at) this.#run = 0
      for (at = start; at < end && at < ready; at++) {
        if (this.#run === 0) this.#count += 1
        out[at] = markByte(this.#run++)
      }
    }
    if (at < ready) this.#run = 0
    return out
  }
}

function markByte(index: number): number {
  return index < MARK.length ? MARK.charCodeAt(index) : 0x2a
}
