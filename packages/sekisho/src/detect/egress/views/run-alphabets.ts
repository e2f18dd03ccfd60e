/** An encoding of bytes in runs of characters. */
export type RunAlphabet = {
  /** value of each character; NO_VALUE for all others */
  values: Uint8Array
  bitsPerCharacter: number
  /** at how many places of its first characters a run may begin to be read */
  lanes: number
  /**
   * For each value three bits: whether it may be the first, second or third character of a group
   * whose bytes are ASCII text.
   */
  textHints: Uint8Array
  /** Writes the bytes of whole and begun groups from a place on. @returns how many */
  decode(values: Uint8Array, from: number, out: Uint8Array): number
}

export const NO_VALUE = 255

/** RFC 4648 §4 and §5, both at once. Four places, because what stands before may look the same. */
export const BASE64: RunAlphabet = {
  values: valuesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', '-_', 62),
  bitsPerCharacter: 6,
  lanes: 4,
  textHints: Uint8Array.from({ length: 64 }, (_, value) => base64Hint(value)),
  decode: decodeBase64,
}

/** RFC 4648 §8, both cases. */
export const HEX: RunAlphabet = {
  values: valuesOf('0123456789abcdef', 'ABCDEF', 10),
  bitsPerCharacter: 4,
  lanes: 2,
  textHints: new Uint8Array(16).fill(0b111),
  decode: decodeHex,
}

function valuesOf(characters: string, others: string, othersFrom: number): Uint8Array {
  const values = new Uint8Array(256).fill(NO_VALUE)
  for (const [value, byte] of Buffer.from(characters).entries()) values[byte] = value
  for (const [index, byte] of Buffer.from(others).entries()) values[byte] = othersFrom + index
  return values
}

/** The high bits of a byte of text are 0x20 to 0x7f, or 0x00 to 0x0f for line ends and NUL. */
function base64Hint(value: number): number {
  const first = value >= 8 ? value < 32 : [0, 2, 3].includes(value)
  const second = (value & 15) === 0 || ((value & 15) >= 2 && (value & 15) < 8)
  const third = (value & 3) <= 1
  return Number(first) | (Number(second) << 1) | (Number(third) << 2)
}

function decodeBase64(values: Uint8Array, from: number, out: Uint8Array): number {
  let length = 0
  let at = from
  for (const last = values.length - 3; at < last; at += 4) {
    const high = ((values[at] ?? 0) << 18) | ((values[at + 1] ?? 0) << 12)
    const group = high | ((values[at + 2] ?? 0) << 6) | (values[at + 3] ?? 0)
    out[length] = group >>> 16
    out[length + 1] = group >>> 8
    out[length + 2] = group
    length += 3
  }
  const [first = 0, second = 0, third = 0] = values.subarray(at)
  const rest = (first << 18) | (second << 12) | (third << 6)
  out[length] = rest >>> 16
  out[length + 1] = rest >>> 8
  return length + Math.max(0, values.length - at - 1)
}

function decodeHex(values: Uint8Array, from: number, out: Uint8Array): number {
  let length = 0
  for (let at = from; at + 1 < values.length; at += 2) {
    out[length++] = ((values[at] ?? 0) << 4) | (values[at + 1] ?? 0)
  }
  return length
}
