/**
 * Escapes of one character: percent (RFC 3986 §2.1), JSON and program strings (RFC 8259 §7), HTML
 * character references, full-width ASCII (Unicode block FF00, what Japanese forms are filled in with).
 */

/** The longest form: a surrogate pair in JSON. */
export const MAX_ESCAPE_BYTES = 12

/** An escape: how many bytes it takes, what it says, and whether that is a byte or a character. */
const LENGTH_BITS = 4
const pack = (length: number, code: number, isByte: boolean): number =>
  (code << (LENGTH_BITS + 1)) | (isByte ? 1 << LENGTH_BITS : 0) | length

export const lengthOf = (escape: number): number => escape & 0b1111
export const codeOf = (escape: number): number => escape >>> (LENGTH_BITS + 1)
export const isByte = (escape: number): boolean => (escape & (1 << LENGTH_BITS)) !== 0

/** No escape stands here. */
const NONE = 0

type Text = { bytes: Uint8Array; until: number }

/** Bytes that an escape may begin with. */
export const ESCAPE_STARTS = startsOf(0x25, 0x5c, 0x26, 0xef)
/** In a form `+` is one too. */
export const FORM_STARTS = startsOf(0x25, 0x5c, 0x26, 0xef, 0x2b)

function startsOf(...bytes: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(bytes.includes(byte)))
}

/** The escape that stands at a place; 0 when there is none. Its first byte is one of the starts. */
export function readEscape(text: Text, at: number): number {
  const first = text.bytes[at]
  if (first === 0x25) return percent(text, at)
  if (first === 0x5c) return backslash(text, at)
  if (first === 0x26) return reference(text, at)
  if (first === 0xef) return fullWidth(text, at)
  return pack(1, 0x20, true) // the plus of a form
}

function percent(text: Text, at: number): number {
  const byte = hex(text, at + 1, 2)
  if (byte >= 0) return pack(3, byte, true)
  const unit = peek(text, at + 1) === 0x75 ? hex(text, at + 2, 4) : -1
  return unit >= 0 ? pack(6, scalar(unit), false) : NONE
}

/** What follows a backslash, and the character it stands for. */
const SIMPLE: ReadonlyMap<number, number> = new Map(
  Object.entries({ n: 10, t: 9, r: 13, b: 8, f: 12, '"': 34, '\\': 92, '/': 47, "'": 39 }).map(
    ([letter, code]) => [letter.charCodeAt(0), code],
  ),
)

function backslash(text: Text, at: number): number {
  const letter = peek(text, at + 1)
  const simple = SIMPLE.get(letter)
  if (simple !== undefined) return pack(2, simple, true)
  if (letter === 0x75) return unicode(text, at)
  if (letter === 0x78) {
    const byte = hex(text, at + 2, 2)
    return byte >= 0 ? pack(4, byte, true) : NONE
  }
  return octal(text, at)
}

function unicode(text: Text, at: number): number {
  const unit = hex(text, at + 2, 4)
  if (unit < 0) return braced(text, at)
  if (
    unit >= 0xd8_00 &&
    unit < 0xdc_00 &&
    peek(text, at + 6) === 0x5c &&
    peek(text, at + 7) === 0x75
  ) {
    const low = hex(text, at + 8, 4)
    if (low >= 0xdc_00 && low < 0xe0_00) {
      return pack(12, 0x1_00_00 + ((unit - 0xd8_00) << 10) + (low - 0xdc_00), false)
    }
  }
  return pack(6, scalar(unit), false)
}

/** `\u{1F600}` of ECMAScript */
function braced(text: Text, at: number): number {
  if (peek(text, at + 2) !== 0x7b) return NONE
  for (let digits = 1; digits <= 6; digits++) {
    if (peek(text, at + 3 + digits) !== 0x7d) continue
    const code = hex(text, at + 3, digits)
    return code >= 0 ? pack(digits + 4, scalar(code), false) : NONE
  }
  return NONE
}

/** Three digits, as C, shells and git write bytes. */
function octal(text: Text, at: number): number {
  let value = 0
  for (let index = at + 1; index <= at + 3; index++) {
    const digit = peek(text, index) - 0x30
    if (digit < 0 || digit > 7) return NONE
    value = value * 8 + digit
  }
  return value < 256 ? pack(4, value, true) : NONE
}

const NAMED: readonly (readonly [string, number])[] = [
  ['&amp;', 38],
  ['&lt;', 60],
  ['&gt;', 62],
  ['&quot;', 34],
  ['&apos;', 39],
  ['&nbsp;', 32],
]

function reference(text: Text, at: number): number {
  if (peek(text, at + 1) === 0x23) return numeric(text, at)
  for (const [name, code] of NAMED) {
    let length = 1
    while (length < name.length && peek(text, at + length) === name.charCodeAt(length)) length++
    if (length === name.length) return pack(length, code, true)
  }
  return NONE
}

function numeric(text: Text, at: number): number {
  const isHex = (peek(text, at + 2) | 0x20) === 0x78
  const from = at + (isHex ? 3 : 2)
  let code = 0
  for (let index = from; index < at + MAX_ESCAPE_BYTES; index++) {
    const byte = peek(text, index)
    if (byte === 0x3b && index > from) return pack(index + 1 - at, scalar(code), false)
    const digit = digitOf(byte)
    if (digit < 0 || digit >= (isHex ? 16 : 10)) return NONE
    code = Math.min(code * (isHex ? 16 : 10) + digit, 0x11_00_00)
  }
  return NONE
}

/** U+FF01 to U+FF5E, in UTF-8. */
function fullWidth(text: Text, at: number): number {
  const [second, third] = [peek(text, at + 1), peek(text, at + 2)]
  if (second === 0xbc && third >= 0x81 && third <= 0xbf) return pack(3, third - 0x60, true)
  if (second === 0xbd && third >= 0x80 && third <= 0x9e) return pack(3, third - 0x20, true)
  return NONE
}

/** What no character is becomes U+FFFD. */
function scalar(code: number): number {
  return code > 0x10_ff_ff || (code >= 0xd8_00 && code < 0xe0_00) ? 0xff_fd : code
}

function peek({ bytes, until }: Text, at: number): number {
  return at < until ? (bytes[at] ?? -1) : -1
}

/** -1 unless so many hexadecimal digits stand there */
function hex(text: Text, from: number, count: number): number {
  let value = 0
  for (let at = from; at < from + count; at++) {
    const digit = digitOf(peek(text, at))
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return byte > 0 && letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
