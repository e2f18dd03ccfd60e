import { NOTHING } from './view.ts'

/** So few are copied faster one by one. */
const FEW_BYTES = 48
const MIN_ROOM = 1_024
const LARGE_BYTES = 65_536

/** Bytes on their way out of a view. */
export class ByteSink {
  #bytes = NOTHING
  #length = 0
  #taken = 0

  /** bytes that have come in, ever */
  get total(): number {
    return this.#taken + this.#length
  }

  add(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#length++] = byte
  }

  copy(source: Uint8Array, from: number, to: number): void {
    if (from >= to) return
    if (this.#length + to - from > this.#bytes.length) this.#grow(to - from)
    if (to - from > FEW_BYTES) {
      this.#bytes.set(source.subarray(from, to), this.#length)
      this.#length += to - from
      return
    }
    for (let at = from; at < to; at++) this.#bytes[this.#length++] = source[at] ?? 0
  }

  /** What has come in since the last time; the caller's own. */
  take(): Uint8Array {
    if (this.#length === 0) return NOTHING
    // what is about full is handed over as it is, and nothing large is kept
    const isOwn = this.#length * 2 < this.#bytes.length && this.#length <= LARGE_BYTES
    const taken = isOwn ? this.#bytes.slice(0, this.#length) : this.#bytes.subarray(0, this.#length)
    if (!isOwn || this.#bytes.length > LARGE_BYTES) this.#bytes = NOTHING
    this.#taken += this.#length
    this.#length = 0
    return taken
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(MIN_ROOM, (this.#length + bytes) * 2))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
