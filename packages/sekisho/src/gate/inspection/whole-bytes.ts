/** Room that is made at once for a body of a declared length; a longer one is kept as it comes. */
const MAX_AT_ONCE_BYTES = 1_048_576

/**
 * A body on its way in. One that says how long it is lies in one buffer from its first byte on, so
 * that whoever wants it whole shares that buffer and nobody copies it again.
 */
export class WholeBytes {
  readonly #declaredBytes: number
  #room: Buffer | undefined
  #filled = 0
  #pieces: Buffer[] = []

  /** @param declaredBytes content-length, as it was sent; undefined where there is none */
  constructor(declaredBytes: string | undefined) {
    const bytes = Number(declaredBytes ?? 0)
    this.#declaredBytes = bytes <= MAX_AT_ONCE_BYTES ? bytes : 0
  }

  /** @returns the same bytes, where they are kept; they are not written to any more */
  add(chunk: Buffer): Buffer {
    const room = this.#roomFor(chunk)
    if (room === undefined) {
      this.#pieces.push(chunk)
      return chunk
    }
    const from = this.#filled
    room.set(chunk, from)
    this.#filled += chunk.length
    const kept = room.subarray(from, this.#filled)
    this.#pieces = [room.subarray(0, this.#filled)]
    return kept
  }

  /** All that has come, which goes on being kept. */
  whole(): Buffer {
    const [only] = this.#pieces
    if (this.#pieces.length === 1 && only !== undefined) return only
    const whole = Buffer.concat(this.#pieces)
    this.#pieces = [whole]
    return whole
  }

  /** All that has come, in order, which is not kept any longer. */
  take(): Buffer[] {
    this.#room = undefined
    return this.#pieces.splice(0)
  }

  #roomFor(chunk: Buffer): Buffer | undefined {
    const bytes = this.#declaredBytes
    // what comes all at once needs no other place
    if (this.#room === undefined && this.#pieces.length === 0 && chunk.length < bytes) {
      this.#room = Buffer.allocUnsafeSlow(bytes)
    }
    // a body that goes on beyond its length is kept as it comes from there on
    if (this.#filled + chunk.length > bytes) this.#room = undefined
    return this.#room
  }
}

/** Pieces as one; no copy where they lie one behind the other in memory. */
export function joinPieces(pieces: readonly Buffer[]): Buffer {
  const [first, ...others] = pieces
  if (first === undefined) return Buffer.alloc(0)
  let end = first.byteOffset + first.length
  for (const piece of others) {
    if (piece.buffer !== first.buffer || piece.byteOffset !== end) return Buffer.concat(pieces)
    end += piece.length
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset)
}
