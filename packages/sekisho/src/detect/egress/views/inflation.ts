import { constants, inflateRawSync } from 'node:zlib'

/** What one run may hold compressed, and what all of a stream may become. */
const MAX_COMPRESSED_BYTES = 1_048_576
const MAX_INFLATED_BYTES = 16_777_216
/** Too little to hold anything worth finding. */
const MIN_COMPRESSED_BYTES = 12

/** What a stream may still become by inflating. */
export class InflationBudget {
  left = MAX_INFLATED_BYTES
  isExceeded = false
}

/**
 * Looks for gzip (RFC 1952) anywhere and zlib (RFC 1950) at the beginning of what a run decodes to,
 * and inflates it when the run is over. Check sums are not looked at: a sender can leave them wrong.
 */
export class Inflation {
  readonly #budget: InflationBudget
  #collected: Uint8Array[] = []
  #bytes = 0
  #isCollecting = false
  #isFirst = true
  /** the last two bytes: the mark of gzip may lie across pieces */
  #before = Buffer.alloc(0)

  constructor(budget: InflationBudget) {
    this.#budget = budget
  }

  push(piece: Uint8Array): void {
    const bytes = Buffer.concat([this.#before, piece])
    if (this.#isCollecting) this.#collect(piece)
    else this.#sniff(bytes)
    this.#before = Buffer.from(bytes.subarray(-2))
    this.#isFirst = false
  }

  /** The end of the run: what was inside, if it was compressed. */
  end(): Uint8Array | undefined {
    if (this.#bytes < MIN_COMPRESSED_BYTES) return undefined
    const bytes = Buffer.concat(this.#collected)
    const from = headerBytes(bytes)
    if (from === undefined || from >= bytes.length) return undefined
    return this.#inflate(bytes.subarray(from))
  }

  #sniff(bytes: Buffer): void {
    const at = this.#isFirst && isZlib(bytes) ? 0 : bytes.indexOf(GZIP)
    if (at === -1) return
    this.#isCollecting = true
    this.#collect(bytes.subarray(at))
  }

  #collect(piece: Uint8Array): void {
    const room = MAX_COMPRESSED_BYTES + 1 - this.#bytes
    if (room <= 0) return
    const part = piece.slice(0, room)
    this.#collected.push(part)
    this.#bytes += part.length
  }

  #inflate(bytes: Uint8Array): Uint8Array | undefined {
    try {
      // a flush, not an end: what is cut off or followed by something else is read as far as it goes
      const inflated = inflateRawSync(bytes, {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: Math.max(1, this.#budget.left),
      })
      this.#budget.left -= inflated.length
      if (this.#bytes > MAX_COMPRESSED_BYTES) this.#budget.isExceeded = true
      return inflated.length === 0 ? undefined : inflated
    } catch (error) {
      // what looked like a header by chance is no stream of RFC 1951; a bomb is not looked into
      if (isTooLarge(error)) this.#budget.isExceeded = true
      return undefined
    }
  }
}

/** Whether an Inflation would collect any of it. */
export function looksCompressed(bytes: Uint8Array): boolean {
  return isZlib(bytes) || Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(GZIP)
}

/** The first three bytes of a member: the mark, and deflate. */
export const GZIP_MARK = 0x1f_8b_08
const GZIP = Buffer.from([0x1f, 0x8b, 0x08])

/** RFC 1950 §2.2: deflate, and a check over the two bytes. */
function isZlib(bytes: Uint8Array): boolean {
  if (bytes.length < 2) return false
  const [method = 0, flags = 0] = bytes
  return (method & 0x0f) === 8 && method >> 4 <= 7 && (method * 256 + flags) % 31 === 0
}

/** Where the deflated bytes begin: RFC 1950 §2.2, RFC 1952 §2.3. */
function headerBytes(bytes: Buffer): number | undefined {
  if (bytes.indexOf(GZIP) !== 0) return (byteAt(bytes, 1) & 0x20) === 0 ? 2 : 6
  const flags = byteAt(bytes, 3)
  let at = 10
  if ((flags & 4) !== 0) at += 2 + byteAt(bytes, at) + 256 * byteAt(bytes, at + 1)
  for (const text of [8, 16]) {
    const end = (flags & text) === 0 ? at - 1 : bytes.indexOf(0, at)
    if (end === -1) return undefined
    at = end + 1
  }
  return (flags & 2) === 0 ? at : at + 2
}

const byteAt = (bytes: Buffer, at: number): number => bytes[at] ?? 0

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}
