import type { Span } from '../detector.ts'
import { ByteSink } from './byte-sink.ts'
import { GAP, type View } from './view.ts'

/** Fewer characters than this are no text, but fields of a binary format. */
const MIN_CHARACTERS = 8
/** UTF-32 has three between two characters. */
const MAX_NULS = 3

const isPrintable = (byte: number): boolean =>
  (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09

/** Takes the NULs out of ASCII in UTF-16 and UTF-32, of either byte order. */
export class InterleavedView implements View {
  readonly isIncomplete = false
  readonly #sink = new ByteSink()
  /** characters of a text that is not long enough yet to be shown */
  readonly #begun = new Uint8Array(MIN_CHARACTERS)
  #characters = 0
  /** NULs directly before the next byte; counted to one more than MAX_NULS */
  #nuls = 0
  #previous = 0

  push(piece: Uint8Array): Uint8Array {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
    for (let at = 0; at < bytes.length; at++) {
      // between texts nothing matters but the next NUL
      if (this.#characters === 0 && this.#nuls === 0 && bytes[at] !== 0) {
        const nul = bytes.indexOf(0, at)
        at = nul === -1 ? bytes.length - 1 : nul
        this.#previous = bytes[nul === -1 ? at : at - 1] ?? 0
        if (nul === -1) break
      }
      this.#take(bytes[at] ?? 0)
    }
    return this.#sink.take()
  }

  end(): Uint8Array {
    return this.#sink.take()
  }

  origin(): Span | undefined {
    return undefined
  }

  #take(byte: number): void {
    if (byte === 0) this.#takeNul()
    else if (isPrintable(byte) && this.#nuls >= 1 && this.#nuls <= MAX_NULS) this.#add(byte)
    else this.#characters = 0
    if (byte !== 0) this.#nuls = 0
    this.#previous = byte
  }

  #takeNul(): void {
    // in little-endian order the first character comes before the first NUL
    if (this.#nuls === 0 && this.#characters === 0 && isPrintable(this.#previous)) {
      this.#add(this.#previous)
    }
    this.#nuls = Math.min(this.#nuls + 1, MAX_NULS + 1)
    if (this.#nuls > MAX_NULS) this.#characters = 0
  }

  #add(byte: number): void {
    if (this.#characters < MIN_CHARACTERS) this.#begun[this.#characters] = byte
    else this.#sink.add(byte)
    this.#characters += 1
    if (this.#characters !== MIN_CHARACTERS) return
    if (this.#sink.total > 0) this.#sink.add(GAP)
    this.#sink.copy(this.#begun, 0, MIN_CHARACTERS)
  }
}
