import { constants, inflateRawSync } from 'node:zlib'
import * as z from 'zod'

/** What one run may hold compressed, and what all of a stream may become. */
const MAX_COMPRESSED_BYTES = 1_048_576
const MAX_INFLATED_BYTES = 8_388_608
/** What trying costs, as if it were bytes: runs that begin like gzip and are none are cheap to send. */
const BYTES_PER_TRY = 4_096
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
  /** whether zlib may begin with the first byte */
  readonly #mayBeZlib: boolean
  #collected: Uint8Array[] = []
  #bytes = 0
  #isCollecting = false
  /** more came than is kept */
  #isCut = false
  #isFirst = true
  /** the last two bytes, as one number: the mark of gzip may lie across pieces */
  #before = 0

  constructor(budget: InflationBudget, mayBeZlib: boolean) {
    this.#budget = budget
    this.#mayBeZlib = mayBeZlib
  }

  /** whether something that looks compressed has begun, and has not ended */
  get isCollecting(): boolean {
    return this.#isCollecting
  }

  push(piece: Uint8Array): void {
    if (this.#isCollecting) this.#collect(piece)
    else this.#sniff(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
    this.#isFirst = false
  }

  /** The end of the run: what was inside, if it was compressed. Ready for the next run then. */
  end(): Uint8Array | undefined {
    const bytes = Buffer.concat(this.#collected)
    this.#collected = []
    this.#bytes = 0
    this.#isCollecting = false
    this.#isFirst = true
    this.#isCut = false
    this.#before = 0
    if (bytes.length > MAX_COMPRESSED_BYTES) this.#isCut = true
    const inflated: Buffer[] = []
    // a file of gzip may have several members, one behind the other (RFC 1952 §2.2)
    for (let rest = bytes; rest.length >= MIN_COMPRESSED_BYTES; ) {
      const from = headerBytes(rest)
      const member = from === undefined ? undefined : this.#inflate(rest.subarray(from))
      if (from === undefined || member === undefined) break
      inflated.push(member.bytes)
      const behind = rest.subarray(from + member.consumed)
      const next = behind.indexOf(GZIP)
      rest = next === -1 ? NONE : behind.subarray(next)
    }
    return inflated.length === 0 ? undefined : Buffer.concat(inflated)
  }

  #sniff(bytes: Buffer): void {
    const begun = begunMark(this.#before, bytes)
    const isWhole = this.#isFirst && this.#mayBeZlib && isZlib(bytes)
    const at = isWhole || begun.length > 0 ? 0 : markIn(bytes)
    if (at === -1) {
      for (const byte of bytes.subarray(-2)) this.#before = ((this.#before << 8) | byte) & 0xff_ff
      return
    }
    this.#isCollecting = true
    this.#collect(begun)
    this.#collect(bytes.subarray(at))
  }

  #collect(piece: Uint8Array): void {
    const room = MAX_COMPRESSED_BYTES + 1 - this.#bytes
    if (room <= 0) return
    const part = Uint8Array.from(piece.subarray(0, room))
    this.#collected.push(part)
    this.#bytes += part.length
  }

  #inflate(bytes: Uint8Array): Inflated | undefined {
    const budget = this.#budget
    budget.left -= BYTES_PER_TRY
    if (budget.left <= 0) {
      budget.isExceeded = true
      return undefined
    }
    try {
      const inflated = inflateOnce(bytes, budget.left)
      budget.left -= inflated.bytes.length
      if (this.#isCut) budget.isExceeded = true
      return inflated
    } catch (error) {
      // what looked like a header by chance is no stream of RFC 1951; a bomb is not looked into
      if (isTooLarge(error)) budget.isExceeded = true
      return undefined
    }
  }
}

type Inflated = { bytes: Buffer; consumed: number }

/** With `info`, Node gives the engine too, which knows how much it has read; its types do not say. */
const WithEngine = z.object({
  buffer: z.instanceof(Buffer),
  engine: z.object({ bytesWritten: z.number() }),
})

function inflateOnce(bytes: Uint8Array, maxOutputLength: number): Inflated {
  // a flush, not an end: what is cut off or followed by something else is read as far as it goes
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength, info: true }
  const { buffer, engine } = WithEngine.parse(inflateRawSync(bytes, options))
  return { bytes: buffer, consumed: engine.bytesWritten }
}

/** Whether an Inflation would collect any of it. */
export function looksCompressed(bytes: Uint8Array): boolean {
  return isZlib(bytes) || markIn(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) !== -1
}

/** Where gzip begins; -1 where it does not. In text not even its first byte stands. */
function markIn(bytes: Buffer): number {
  const first = bytes.indexOf(GZIP_MARK >> 16)
  return first === -1 ? -1 : bytes.indexOf(GZIP, first)
}

/** What came of the mark before these bytes, if it goes on with them. @param before two bytes */
function begunMark(before: number, bytes: Buffer): Buffer {
  if (before === GZIP_MARK >> 8 && bytes[0] === (GZIP_MARK & 0xff)) return GZIP.subarray(0, 2)
  const isOne = (before & 0xff) === GZIP_MARK >> 16
  return isOne && bytes.indexOf(GZIP_REST) === 0 ? GZIP.subarray(0, 1) : NONE
}

/** The first three bytes of a member: the mark, and deflate. */
export const GZIP_MARK = 0x1f_8b_08
const GZIP = Buffer.from([0x1f, 0x8b, 0x08])
const GZIP_REST = GZIP.subarray(1)
const NONE = Buffer.alloc(0)

/** RFC 1950 §2.2, as every compressor begins: a window of 32 KiB, one of four levels. */
function isZlib(bytes: Uint8Array): boolean {
  return bytes[0] === 0x78 && ZLIB_FLAGS.has(bytes[1] ?? 0)
}

const ZLIB_FLAGS = new Set([0x01, 0x5e, 0x9c, 0xda])

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
