import type { Stretch } from './runs.ts'

/** The end of a stream, lying together in memory; keeps what it must and at times a little more. */
export class RecentBytes {
  readonly #keepBytes: number
  #buffer: Buffer = Buffer.alloc(0)
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

  append(piece: Uint8Array): void {
    if (this.#length + piece.length > this.#buffer.length) this.#makeRoom(piece.length)
    this.#buffer.set(piece, this.#length)
    this.#length += piece.length
    this.#text = ''
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
    const target =
      wanted * 2 <= this.#buffer.length
        ? this.#buffer
        : Buffer.allocUnsafeSlow(this.#length === 0 ? bytes : wanted * 2)
    this.#buffer.copy(target, 0, from, this.#length)
    this.#buffer = target
    this.#base += from
    this.#length = kept
  }
}
