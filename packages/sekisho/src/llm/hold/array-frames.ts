import { decodeUtf8 } from './document-frames.ts'
import type { Frame, FrameReader, FrameWriter } from './frame.ts'
import { malformed, oversize } from './reply-fault.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const SPACES: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b])
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d])

/**
 * Cuts one JSON array into its elements as they come. A frame has the element and what stands in
 * front of it, `[` or a comma; the last one is what closes the array, and has no data.
 */
export class ArrayFrames implements FrameReader {
  readonly #maxBytes: number
  #pieces: Buffer[] = []
  #bytes = 0
  /** brackets that are open, the array's own with them */
  #depth = 0
  #inText = false
  #isEscaped = false
  /** of the current frame: bytes in front of the element */
  #lead = 0
  #wants: 'open' | 'element' | 'next' | 'nothing' = 'open'

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(bytes: Buffer, found: (frame: Frame) => void): void {
    let from = 0
    for (let at = 0; at < bytes.length; at += 1) {
      const isElement = this.#take(bytes[at] ?? 0)
      if (!isElement && this.#depth < 2) this.#lead += 1
      if (!isElement) continue
      found(this.#frame(bytes.subarray(from, at + 1)))
      from = at + 1
    }
    this.#keep(bytes.subarray(from))
  }

  end(): readonly Frame[] {
    if (this.#wants !== 'nothing') throw malformed('an array that is not closed')
    return this.#bytes === 0 ? [] : [this.#frame(Buffer.alloc(0))]
  }

  /** @returns whether an element, or the array, ends with this byte */
  #take(byte: number): boolean {
    if (this.#depth >= 2) return this.#inside(byte)
    if (SPACES.has(byte)) return false
    if (this.#wants === 'open') return this.#structure(byte === 0x5b, 'element', 1)
    if (this.#wants === 'next' && byte === COMMA) return this.#structure(true, 'element', 0)
    if (this.#wants !== 'nothing' && byte === 0x5d && !this.#isAfterComma) {
      this.#structure(true, 'nothing', -1)
      return true
    }
    return this.#structure(this.#wants === 'element' && byte === 0x7b, 'next', 1)
  }

  #isAfterComma = false

  #structure(isRight: boolean, wants: 'element' | 'next' | 'nothing', depth: number): false {
    if (!isRight) throw malformed('an array of something other than objects')
    this.#isAfterComma = wants === 'element' && depth === 0
    this.#wants = wants
    this.#depth += depth
    return false
  }

  #inside(byte: number): boolean {
    if (this.#inText) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === BACKSLASH) this.#isEscaped = true
      else if (byte === QUOTE) this.#inText = false
      return false
    }
    if (byte === QUOTE) this.#inText = true
    else if (OPENING.has(byte)) this.#depth += 1
    else if (CLOSING.has(byte)) this.#depth -= 1
    return this.#depth === 1
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return
    this.#pieces.push(rest)
    this.#bytes += rest.length
    if (this.#bytes > this.#maxBytes)
      throw oversize(`an element of more than ${this.#maxBytes} bytes`)
  }

  #frame(last: Buffer): Frame {
    this.#keep(last)
    const raw = Buffer.concat(this.#pieces)
    const lead = this.#lead
    this.#pieces = []
    this.#bytes = 0
    this.#lead = 0
    const isClosing = this.#wants === 'nothing'
    const data = isClosing ? null : decodeUtf8(raw.subarray(lead))
    return { raw, name: '', data, isPlain: true }
  }
}

/** Writes elements of an array: what stands between two of them depends on which are left. */
export class ArrayWriter implements FrameWriter {
  #hasAny = false
  #isClosed = false

  same(frame: Frame): Buffer {
    const { raw, data } = frame
    if (data === null) return this.#closing(raw)
    const separator = String.fromCharCode(raw.find((byte) => !SPACES.has(byte)) ?? 0)
    const wanted = this.#hasAny ? ',' : '['
    this.#hasAny = true
    return separator === wanted ? raw : Buffer.from(`${wanted}${data}`)
  }

  event(_name: string, value: object): Buffer {
    const separator = this.#hasAny ? ',\r\n' : '['
    this.#hasAny = true
    return Buffer.from(separator + JSON.stringify(value))
  }

  close(): Buffer {
    return this.#isClosed ? Buffer.alloc(0) : this.#closing(Buffer.from(']\n'))
  }

  #closing(raw: Buffer): Buffer {
    const isBare = raw.includes(0x5d) && !raw.includes(0x5b)
    this.#isClosed = true
    const hadAny = this.#hasAny
    this.#hasAny = true
    return isBare && !hadAny ? Buffer.concat([Buffer.from('['), raw]) : raw
  }
}
