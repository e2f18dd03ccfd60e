import { crc32 } from '../core/crc32.ts'

/** One message of `application/vnd.amazon.eventstream` (Smithy, "Amazon event stream"), both sums checked. */
export type EventStreamMessage = {
  /** with its lengths and sums */
  raw: Buffer
  /** by name; null for a value that is no text */
  headers: ReadonlyMap<string, string | null>
  payload: Buffer
}

/** What ends a stream that may not go on. */
export class EventStreamFault extends Error {
  readonly kind: 'oversize' | 'broken'

  constructor(kind: 'oversize' | 'broken', message: string) {
    super(message)
    this.kind = kind
  }
}

/** Bytes of both lengths and the sum over them. */
const PRELUDE = 12
const SUM = 4
const FRAME = PRELUDE + SUM
/** Of one message; Amazon's own bound. */
const MAX_HEADER_BYTES = 128 * 1024

/** Types of header values: bytes of those that have one length. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [0, 0], // true
  [1, 0], // false
  [2, 1],
  [3, 2],
  [4, 4],
  [5, 8],
  [8, 8], // a time
  [9, 16], // a UUID
])
const BYTES_TYPE = 6
const TEXT_TYPE = 7

/**
 * Cuts a stream of bytes into messages, in pieces of any length. The bytes of all messages, in
 * order, are the bytes of the stream.
 */
export class EventStreamReader {
  readonly #maxBytes: number
  #pieces: Buffer[] = []
  #bytes = 0
  /** of the message that is read; 0 before its prelude has come */
  #wantedBytes = 0

  /** @param maxBytes of one message */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** whether the stream has come to the end of a message, or has not begun */
  get isBetween(): boolean {
    return this.#bytes === 0
  }

  /**
   * @param found told of each message, in order
   * @throws EventStreamFault behind which the stream cannot be read
   */
  push(bytes: Buffer, found: (message: EventStreamMessage) => void): void {
    let at = 0
    while (at < bytes.length) {
      const wanted = this.#wantedBytes === 0 ? PRELUDE : this.#wantedBytes
      const piece = bytes.subarray(at, at + wanted - this.#bytes)
      at += piece.length
      this.#pieces.push(piece)
      this.#bytes += piece.length
      if (this.#bytes < wanted) continue
      if (this.#wantedBytes === 0) this.#wantedBytes = this.#readPrelude(this.#joined())
      else found(this.#take())
    }
  }

  #joined(): Buffer {
    const [first = Buffer.alloc(0)] = this.#pieces
    const all = this.#pieces.length > 1 ? Buffer.concat(this.#pieces) : first
    this.#pieces = [all]
    return all
  }

  /** @returns bytes of the whole message */
  #readPrelude(prelude: Buffer): number {
    // before the lengths are believed: a wrong one would have the rest cut elsewhere
    if (crc32(prelude.subarray(0, 8)) !== prelude.readUInt32BE(8)) {
      throw broken('a message whose lengths are not what their sum says')
    }
    const total = prelude.readUInt32BE(0)
    const headers = prelude.readUInt32BE(4)
    if (total > this.#maxBytes || headers > MAX_HEADER_BYTES) {
      throw new EventStreamFault('oversize', `a message of more than ${this.#maxBytes} bytes`)
    }
    if (total < headers + FRAME) throw broken('a message with headers longer than itself')
    return total
  }

  #take(): EventStreamMessage {
    const raw = this.#joined()
    this.#pieces = []
    this.#bytes = 0
    this.#wantedBytes = 0
    const end = raw.length - SUM
    if (crc32(raw.subarray(0, end)) !== raw.readUInt32BE(end)) {
      throw broken('a message that is not what its sum says')
    }
    const from = PRELUDE + raw.readUInt32BE(4)
    const headers = readHeaders(raw.subarray(PRELUDE, from))
    return { raw, headers, payload: raw.subarray(from, end) }
  }
}

function readHeaders(bytes: Buffer): ReadonlyMap<string, string | null> {
  const headers = new Map<string, string | null>()
  let at = 0
  while (at < bytes.length) {
    const name = textOf(slice(bytes, at + 1, bytes.readUInt8(at)))
    at += 1 + Buffer.byteLength(name)
    // one reader takes the first of two, another the last
    if (name === '' || headers.has(name)) throw broken('a header without a name of its own')
    const type = slice(bytes, at, 1).readUInt8(0)
    const { value, bytes: length } = readValue(bytes, at + 1, type)
    headers.set(name, value)
    at += 1 + length
  }
  return headers
}

function readValue(
  bytes: Buffer,
  at: number,
  type: number,
): { value: string | null; bytes: number } {
  const fixed = FIXED.get(type)
  if (fixed !== undefined) return { value: null, bytes: slice(bytes, at, fixed).length }
  if (type !== BYTES_TYPE && type !== TEXT_TYPE) throw broken('a header of an unknown type')
  const length = slice(bytes, at, 2).readUInt16BE(0)
  const value = slice(bytes, at + 2, length)
  return { value: type === TEXT_TYPE ? textOf(value) : null, bytes: 2 + length }
}

function slice(bytes: Buffer, at: number, length: number): Buffer {
  if (at + length > bytes.length) throw broken('headers that break off')
  return bytes.subarray(at, at + length)
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw broken('a header that is no UTF-8')
  }
}

function broken(message: string): EventStreamFault {
  return new EventStreamFault('broken', message)
}

/**
 * A message of the event stream.
 *
 * @param headers texts; a name is at most 255 bytes, a value at most 65,535
 */
export function encodeEventStream(
  headers: readonly (readonly [name: string, value: string])[],
  payload: Buffer,
): Buffer {
  const fields = Buffer.concat(headers.flatMap(([name, value]) => encodeHeader(name, value)))
  const message = Buffer.alloc(FRAME + fields.length + payload.length)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(fields.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  fields.copy(message, PRELUDE)
  payload.copy(message, PRELUDE + fields.length)
  const end = message.length - SUM
  message.writeUInt32BE(crc32(message.subarray(0, end)), end)
  return message
}

function encodeHeader(name: string, value: string): Buffer[] {
  const nameBytes = Buffer.from(name)
  const valueBytes = Buffer.from(value)
  const between = Buffer.alloc(3)
  between.writeUInt8(TEXT_TYPE, 0)
  between.writeUInt16BE(valueBytes.length, 1)
  return [Buffer.from([nameBytes.length]), nameBytes, between, valueBytes]
}
