import type { Stretch } from './runs.ts'

const NONE = Buffer.alloc(0)

/**
 * The end of a stream, lying together in memory; keeps what it must and at times a little more. A
 * stream of one piece, as most are, is not copied.
 */
export class RecentBytes {
  readonly #keepBytes: number
  #buffer: Buffer = NONE
  /** `#buffer` is the first piece, and not to be written to */
  #isBorrowed = false
  #base = 0
  #length = 0
  /** a copy of `#buffer` as text, from this place in the stream on; empty when there is none */
  #text = ''
  #textStart = 0

  /** @param keepBytes how far back a place may be asked for, from the end */
  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes
  }

  /** How far the stream has come. */
  get until(): number {
    return this.#base + this.#length
  }

  /** @param piece is not written to before the next one comes */
  append(piece: Uint8Array): void {
    this.#text = ''
    if (this.#length === 0) {
      this.#buffer = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
      this.#length = piece.length
      this.#isBorrowed = true
      return
    }
    if (this.#length + piece.length > this.#buffer.length) this.#makeRoom(piece.length)
    this.#buffer.set(piece, this.#length)
    this.#length += piece.length
  }

  stretch(last: boolean): Stretch {
    return { bytes: this.#buffer, base: this.#base, until: this.until, last }
  }

  /** One character a byte. The end may lie beyond that of the stream. */
  latin1(start: number, end: number): string {
    if (this.#text === '' || start < this.#textStart) {
      this.#textStart = start
      this.#text = this.#buffer.toString('latin1', start - this.#base, this.#length)
    }
    return this.#text.slice(start - this.#textStart, end - this.#textStart)
  }

  /** Forgets what is too far back; grows by doubling, so that small pieces cost no copy each. */
  #makeRoom(bytes: number): void {
    const kept = Math.min(this.#length, this.#keepBytes)
    const from = this.#length - kept
    const wanted = kept + bytes
    const isRoomy = !this.#isBorrowed && wanted * 2 <= this.#buffer.length
    const target = isRoomy ? this.#buffer : Buffer.allocUnsafeSlow(wanted * 2)
    this.#buffer.copy(target, 0, from, this.#length)
    this.#buffer = target
    this.#isBorrowed = false
    this.#base += from
    this.#length = kept
  }
}
