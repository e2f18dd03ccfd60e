import type { ModelApi } from '../../core/action.ts'
import type { Piece } from './piece.ts'

/** One part of a body, and what it says. */
export type Segment = {
  /** of its first byte, and of the byte behind its last */
  start: number
  end: number
  /** where it stands: a member's name, or `name[]` */
  place: string
  piece: Piece
  /** itself, and all values in it */
  values: number
  /** of a member that is no list */
  value: unknown
}

/** A body that has been read. */
export type KeptBody = { api: ModelApi; bytes: Buffer; segments: readonly Segment[] }

/** Below this many bytes the difference is looked for byte by byte. */
const FINE = 32

/**
 * Finds parts of a new body in an old one: those before the first byte that differs, and those behind
 * the last. A text, a list or an object ends where its own bytes say, so that the same bytes at the
 * same place are the same part, whatever comes behind them.
 */
export class PartFinder {
  /** Bytes of the old body that are in the new one. */
  readonly sameBytes: number
  readonly #old: readonly Segment[]
  readonly #sameStart: number
  readonly #sameEndFrom: number
  readonly #shift: number
  #front = 0
  #back = 0

  constructor({ bytes, segments }: KeptBody, body: Buffer) {
    this.#old = segments
    this.#sameStart = commonStart(bytes, body)
    const most = Math.min(bytes.length, body.length) - this.#sameStart
    const sameEnd = commonEnd(bytes, body, most)
    this.sameBytes = this.#sameStart + sameEnd
    this.#sameEndFrom = bytes.length - sameEnd
    this.#shift = body.length - bytes.length
  }

  /** The same text, list or object as the one that begins here; asked for in rising order. */
  find(start: number, place: string): Segment | undefined {
    return this.#before(start, place) ?? this.#behind(start - this.#shift, place)
  }

  #before(start: number, place: string): Segment | undefined {
    if (start >= this.#sameStart) return undefined
    while ((this.#old[this.#front]?.start ?? Infinity) < start) this.#front += 1
    const segment = this.#old[this.#front]
    const isSame = segment?.start === start && segment.end <= this.#sameStart
    return isSame && segment.place === place ? segment : undefined
  }

  #behind(start: number, place: string): Segment | undefined {
    if (start < this.#sameEndFrom) return undefined
    while ((this.#old[this.#back]?.start ?? Infinity) < start) this.#back += 1
    const segment = this.#old[this.#back]
    return segment?.start === start && segment.place === place ? segment : undefined
  }
}

/** How many bytes two bodies have in common at their beginning. */
export function commonStart(one: Buffer, other: Buffer): number {
  let same = 0
  let most = Math.min(one.length, other.length)
  while (most - same > FINE) {
    const middle = (same + most) >>> 1
    if (one.compare(other, same, middle, same, middle) === 0) same = middle
    else most = middle
  }
  while (same < most && one[same] === other[same]) same += 1
  return same
}

function commonEnd(one: Buffer, other: Buffer, most: number): number {
  const ends = one.length
  const others = other.length
  let same = 0
  let limit = most
  while (limit - same > FINE) {
    const middle = (same + limit) >>> 1
    const isSame =
      one.compare(other, others - middle, others - same, ends - middle, ends - same) === 0
    if (isSame) same = middle
    else limit = middle
  }
  while (same < limit && one[ends - same - 1] === other[others - same - 1]) same += 1
  return same
}
