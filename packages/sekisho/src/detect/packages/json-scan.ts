/** What becomes of the value that is about to come. */
export type Interest = 'skip' | 'enter' | 'take'

/** What a scan tells its reader. Paths are the keys from the top; `[]` stands for an element. */
export interface JsonReader {
  /** asked for every value; a value that is not taken or entered costs no memory */
  wants(path: readonly string[]): Interest
  /** a taken value: text is cut at {@link MAX_TEXT_BYTES}, other scalars come as they are spelt */
  take(path: readonly string[], value: JsonScalar): void
}

/** `{}` and `[]` for a container in a place where a scalar was wanted. */
export type JsonScalar = { kind: 'text' | 'literal' | 'container'; text: string }

const MAX_KEY_BYTES = 512
const MAX_TEXT_BYTES = 1024
const MAX_ENTERED = 8
const MAX_DEPTH = 256

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

type Frame = 'object' | 'array'
/** what may come next */
type Expect = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'next-or-end' | 'done'
/** a token that goes on in the next piece */
type Token = 'none' | 'text' | 'literal' | 'container'

/**
 * Reads a JSON document (RFC 8259) as it goes by: entered containers are told value by value, the
 * rest is passed over without being kept. Holds one key and one text at most, whatever the
 * document's length. Duplicate keys are all told: what to make of them is the reader's to say.
 *
 * A document that breaks the grammar where it is entered is `broken`; what is passed over is only
 * matched bracket by bracket.
 */
export class JsonScan {
  readonly #reader: JsonReader
  readonly #frames: Frame[] = []
  readonly #path: string[] = []
  #expect: Expect = 'value'
  #token: Token = 'none'
  #interest: Interest = 'skip'
  /** of the text that is kept: a key, or a taken value */
  #kept: Uint8Array[] = []
  #keptBytes = 0
  #isKey = false
  #isEscaped = false
  #hasEscapes = false
  /** brackets open in a container that is passed over */
  #depth = 0
  #inText = false
  #isBroken = false

  constructor(reader: JsonReader) {
    this.#reader = reader
  }

  get isBroken(): boolean {
    return this.#isBroken
  }

  /** one whole document has been read and nothing but white space after it */
  get isComplete(): boolean {
    return !this.#isBroken && this.#expect === 'done' && this.#token !== 'literal'
  }

  push(piece: Uint8Array): void {
    let at = 0
    while (at < piece.length && !this.#isBroken) {
      switch (this.#token) {
        case 'text':
          at = this.#readText(piece, at)
          break
        case 'literal':
          at = this.#readLiteral(piece, at)
          break
        case 'container':
          at = this.#passOver(piece, at)
          break
        case 'none':
          at = this.#readStructure(piece, at)
      }
    }
  }

  /** The rest; nothing may be pushed afterwards. */
  end(): void {
    if (this.#token === 'literal') this.#endLiteral()
    if (this.#expect !== 'done' || this.#token !== 'none') this.#isBroken = true
  }

  #readStructure(piece: Uint8Array, from: number): number {
    for (let at = from; at < piece.length; at += 1) {
      const byte = piece[at] ?? 0
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue
      this.#structure(byte)
      if (this.#token === 'literal') return at // its first byte belongs to it
      if (this.#token !== 'none' || this.#isBroken) return at + 1
    }
    return piece.length
  }

  #structure(byte: number): void {
    switch (this.#expect) {
      case 'value-or-end':
        return byte === CLOSE_ARRAY ? this.#leave('array') : this.#value(byte)
      case 'value':
        return this.#value(byte)
      case 'key-or-end':
        return byte === CLOSE_OBJECT ? this.#leave('object') : this.#key(byte)
      case 'key':
        return this.#key(byte)
      case 'colon':
        return this.#colon(byte)
      case 'next-or-end':
        return this.#nextOrEnd(byte)
      case 'done':
        this.#break()
    }
  }

  #colon(byte: number): void {
    if (byte !== COLON) return this.#break()
    this.#expect = 'value'
  }

  #key(byte: number): void {
    if (byte !== QUOTE) return this.#break()
    this.#isKey = true
    this.#startText()
  }

  #nextOrEnd(byte: number): void {
    const frame = this.#frames.at(-1)
    if (byte === COMMA) this.#expect = frame === 'object' ? 'key' : 'value'
    else if (byte === CLOSE_OBJECT) this.#leave('object')
    else if (byte === CLOSE_ARRAY) this.#leave('array')
    else this.#break()
  }

  #value(byte: number): void {
    if (this.#frames.at(-1) === 'array') this.#path.push('[]')
    this.#interest = this.#frames.length === 0 ? 'enter' : this.#reader.wants(this.#path)
    if (byte === QUOTE) {
      this.#isKey = false
      return this.#startText()
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return this.#open(byte)
    if (byte === COLON || byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      return this.#break()
    }
    this.#startText()
    this.#token = 'literal'
  }

  #open(byte: number): void {
    if (this.#interest === 'enter') return this.#enter(byte === OPEN_OBJECT ? 'object' : 'array')
    if (this.#interest === 'take') this.#reader.take(this.#path, { kind: 'container', text: '' })
    this.#token = 'container'
    this.#depth = 1
    this.#inText = false
    this.#isEscaped = false
  }

  #enter(frame: Frame): void {
    if (this.#frames.length === MAX_ENTERED) return this.#break()
    this.#frames.push(frame)
    this.#expect = frame === 'object' ? 'key-or-end' : 'value-or-end'
  }

  #leave(frame: Frame): void {
    if (this.#frames.pop() !== frame) return this.#break()
    this.#endValue()
  }

  #endValue(): void {
    this.#token = 'none'
    this.#path.pop()
    this.#expect = this.#frames.length === 0 ? 'done' : 'next-or-end'
  }

  #startText(): void {
    this.#token = 'text'
    this.#kept = []
    this.#keptBytes = 0
    this.#isEscaped = false
    this.#hasEscapes = false
  }

  #readText(piece: Uint8Array, from: number): number {
    let at = from
    if (this.#isEscaped) {
      this.#isEscaped = false
      at += 1
    }
    while (at < piece.length) {
      const byte = piece[at] ?? 0
      if (byte === QUOTE) {
        this.#keep(piece.subarray(from, at))
        this.#endText()
        return at + 1
      }
      if (byte < 0x20) this.#break() // RFC 8259 §7
      if (byte === BACKSLASH) {
        this.#hasEscapes = true
        at += 1
      }
      at += 1
    }
    // an escape whose second byte is in the next piece
    this.#isEscaped = at > piece.length
    this.#keep(piece.subarray(from))
    return piece.length
  }

  #keep(bytes: Uint8Array): void {
    if (!this.#isKey && this.#interest !== 'take') return
    const room = (this.#isKey ? MAX_KEY_BYTES : MAX_TEXT_BYTES) - this.#keptBytes
    this.#keptBytes += bytes.length
    if (room <= 0) return
    this.#kept.push(bytes.length <= room ? bytes : bytes.subarray(0, room))
  }

  #endText(): void {
    if (!this.#isKey) {
      if (this.#interest === 'take')
        this.#reader.take(this.#path, { kind: 'text', text: this.#text() })
      return this.#endValue()
    }
    // A key too long to be kept is none that anybody asks for.
    this.#path.push(this.#keptBytes > MAX_KEY_BYTES ? '\u0000' : this.#text())
    this.#token = 'none'
    this.#expect = 'colon'
  }

  #text(): string {
    const text = decode(this.#kept)
    if (!this.#hasEscapes) return text
    try {
      const value: unknown = JSON.parse(`"${text}"`)
      return typeof value === 'string' ? value : ''
    } catch {
      // cut in the middle of an escape; a broken escape makes the document broken to its readers
      if (this.#keptBytes <= (this.#isKey ? MAX_KEY_BYTES : MAX_TEXT_BYTES)) this.#break()
      return text
    }
  }

  #readLiteral(piece: Uint8Array, from: number): number {
    let at = from
    while (at < piece.length && isLiteralByte(piece[at] ?? 0)) at += 1
    this.#kept.push(Uint8Array.from(piece.subarray(from, at)))
    this.#keptBytes += at - from
    if (this.#keptBytes > 64) this.#break()
    if (at < piece.length) this.#endLiteral()
    return at
  }

  #endLiteral(): void {
    const text = decode(this.#kept)
    if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(text)) {
      return this.#break()
    }
    if (this.#interest === 'take') this.#reader.take(this.#path, { kind: 'literal', text })
    this.#endValue()
  }

  /** The hot path: most bytes of a document are in values that nobody asks for. */
  #passOver(piece: Uint8Array, from: number): number {
    let at = from
    while (at < piece.length) {
      if (this.#inText) {
        at = this.#passText(piece, at)
        continue
      }
      const byte = piece[at] ?? 0
      at += 1
      if (byte === QUOTE) this.#inText = true
      else if ((byte | 0x20) === OPEN_OBJECT) this.#depth += 1
      else if ((byte | 0x20) === CLOSE_OBJECT) this.#depth -= 1
      if (this.#depth === 0) {
        this.#endValue()
        return at
      }
    }
    if (this.#depth > MAX_DEPTH) this.#break()
    return at
  }

  #passText(piece: Uint8Array, from: number): number {
    let at = this.#isEscaped ? from + 1 : from
    while (at < piece.length) {
      const byte = piece[at]
      if (byte === QUOTE) {
        ;[this.#inText, this.#isEscaped] = [false, false]
        return at + 1
      }
      at += byte === BACKSLASH ? 2 : 1
    }
    this.#isEscaped = at > piece.length
    return piece.length
  }

  #break(): void {
    this.#isBroken = true
  }
}

function isLiteralByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x45
  )
}

function decode(parts: readonly Uint8Array[]): string {
  const [first, ...others] = parts
  if (first === undefined) return ''
  const all = others.length === 0 ? first : Buffer.concat(parts)
  return Buffer.from(all.buffer, all.byteOffset, all.byteLength).toString('utf8')
}
