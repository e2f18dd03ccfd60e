import type { Span } from '../detector.ts'
import { ByteSink } from './byte-sink.ts'
import { BASE64, NO_VALUE } from './run-alphabets.ts'
import { GAP, type View } from './view.ts'

/** A longer line is taken in pieces; RFC 5322 §2.1.1 allows 998. */
const MAX_LINE_BYTES = 4_096
const MAX_BOUNDARIES = 16

type Encoding = 'base64' | 'quoted-printable' | 'none'

/**
 * The parts of a multipart message whose transfer encoding hides what they say, in the clear
 * (RFC 2045 §6, RFC 2046 §5.1, RFC 7578). Parts that stand as they are, are in the raw bytes.
 */
export class MimeView implements View {
  readonly isIncomplete = false
  readonly #sink = new ByteSink()
  readonly #boundaries: Buffer[] = []
  #line: Buffer = Buffer.alloc(0)
  /** the line is the rest of one that was too long */
  #isRest = false
  #isHead = false
  #encoding: Encoding = 'none'
  /** values of a group of base64 that is not full */
  #group: number[] = []

  /** @param contentType of the whole; names the boundary */
  constructor(contentType: string) {
    this.#addBoundary(contentType)
  }

  push(piece: Uint8Array): Uint8Array {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
    let from = 0
    while (from < bytes.length) {
      const lineEnd = bytes.indexOf(0x0a, from)
      const room = from + MAX_LINE_BYTES - this.#line.length
      const to = Math.min(lineEnd === -1 ? bytes.length : lineEnd + 1, room)
      this.#line = Buffer.concat([this.#line, bytes.subarray(from, to)])
      if (to === lineEnd + 1 || this.#line.length === MAX_LINE_BYTES)
        this.#endLine(to === lineEnd + 1)
      from = to
    }
    return this.#sink.take()
  }

  end(): Uint8Array {
    this.#endLine(true)
    this.#endGroup()
    return this.#sink.take()
  }

  origin(): Span | undefined {
    return undefined
  }

  #endLine(isWhole: boolean): void {
    const line = this.#line
    if (!this.#isRest && this.#isBoundary(line)) this.#beginPart()
    else if (this.#isHead) this.#readHeader(line)
    else this.#readBody(line)
    this.#isRest = !isWhole
    this.#line = Buffer.alloc(0)
  }

  #isBoundary(line: Buffer): boolean {
    return this.#boundaries.some((boundary) => line.subarray(0, boundary.length).equals(boundary))
  }

  #beginPart(): void {
    this.#endGroup()
    this.#isHead = true
    this.#encoding = 'none'
    if (this.#sink.total > 0) this.#sink.add(GAP)
  }

  #readHeader(line: Buffer): void {
    const text = line.toString('latin1').trim()
    if (text === '' && !this.#isRest) {
      this.#isHead = false
      return
    }
    this.#addBoundary(text)
    const encoding = /^content-transfer-encoding\s*:\s*([\w-]+)/i.exec(text)?.[1]?.toLowerCase()
    if (encoding === 'base64' || encoding === 'quoted-printable') this.#encoding = encoding
  }

  /** Of the whole, or of a part that has parts itself. */
  #addBoundary(text: string): void {
    const [, quoted, bare] = /boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(text) ?? []
    const boundary = quoted ?? bare
    if (boundary === undefined || this.#boundaries.length === MAX_BOUNDARIES) return
    this.#boundaries.push(Buffer.from(`--${boundary}`, 'latin1'))
  }

  #readBody(line: Buffer): void {
    if (this.#encoding === 'base64') this.#readBase64(line)
    else if (this.#encoding === 'quoted-printable') this.#readQuotedPrintable(line)
  }

  /** Whatever is not of the alphabet is passed over, as RFC 2045 §6.8 wants of a reader. */
  #readBase64(line: Buffer): void {
    for (const byte of line) {
      const value = BASE64.values[byte] ?? NO_VALUE
      if (value !== NO_VALUE) this.#group.push(value)
      if (this.#group.length === 4 || byte === 0x3d) this.#endGroup()
    }
  }

  #endGroup(): void {
    if (this.#group.length === 0) return
    const bytes = new Uint8Array(3)
    const length = BASE64.decode(Uint8Array.from(this.#group), 0, bytes)
    this.#sink.copy(bytes, 0, length)
    this.#group = []
  }

  /** RFC 2045 §6.7; an escape that is none stays as it is. */
  #readQuotedPrintable(line: Buffer): void {
    const text = line.toString('latin1')
    const joined = text.replace(/=[ \t]*\r?\n$/, '') // a soft line break
    const decoded = joined.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    const bytes = Buffer.from(decoded, 'latin1')
    this.#sink.copy(bytes, 0, bytes.length)
  }
}

/** Whether a body of this type has parts with encodings of their own. */
export function hasParts(contentType: string): boolean {
  return /^\s*(?:multipart|message)\//i.test(contentType)
}
