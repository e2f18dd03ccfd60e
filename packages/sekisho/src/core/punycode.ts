/** RFC 3492 §5: the parameters of Punycode */
const BASE = 36
const T_MIN = 1
const T_MAX = 26
const SKEW = 38
const DAMP = 700
const INITIAL_BIAS = 72
const INITIAL_N = 128

/**
 * The Unicode that an `xn--…` label stands for; undefined where it stands for none. Without a
 * character outside ASCII it would be another spelling of a plain label (`xn--api-`).
 *
 * @param label lower case, letters, digits and hyphens, not longer than 63
 */
export function decodeALabel(label: string): string | undefined {
  const encoded = label.slice('xn--'.length)
  const delimiter = encoded.lastIndexOf('-')
  const basic = delimiter === -1 ? '' : encoded.slice(0, delimiter)
  const inserted = insertCodePoints(Array.from(basic, codeOf), encoded.slice(delimiter + 1))
  if (inserted === undefined || inserted.length === basic.length) return undefined
  return String.fromCodePoint(...inserted)
}

/** RFC 3492 §6.2 */
function insertCodePoints(output: number[], digits: string): number[] | undefined {
  let n = INITIAL_N
  let i = 0
  let bias = INITIAL_BIAS
  for (let at = 0; at < digits.length; ) {
    const read = readInteger(digits, at, bias)
    if (read === undefined) return undefined
    const length = output.length + 1
    bias = adapt(read.value, length, at === 0)
    n += Math.floor((i + read.value) / length)
    i = (i + read.value) % length
    at = read.end
    if (n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff)) return undefined
    output.splice(i, 0, n)
    i += 1
  }
  return output
}

/** A generalised variable-length integer (RFC 3492 §3.3); at most 2^53, so that it stays exact. */
function readInteger(
  digits: string,
  start: number,
  bias: number,
): { value: number; end: number } | undefined {
  let value = 0
  let weight = 1
  for (let at = start, k = BASE; at < digits.length; at++, k += BASE) {
    const digit = digitOf(digits.charCodeAt(at))
    value += digit * weight
    const threshold = Math.min(Math.max(k - bias, T_MIN), T_MAX)
    if (digit < threshold) return { value, end: at + 1 }
    weight *= BASE - threshold
    if (weight > 2 ** 40) return undefined
  }
  return undefined
}

/** RFC 3492 §6.1 */
function adapt(integer: number, length: number, isFirst: boolean): number {
  let delta = Math.floor(integer / (isFirst ? DAMP : 2))
  delta += Math.floor(delta / length)
  let k = 0
  for (; delta > ((BASE - T_MIN) * T_MAX) >> 1; k += BASE)
    delta = Math.floor(delta / (BASE - T_MIN))
  return k + Math.floor(((BASE - T_MIN + 1) * delta) / (delta + SKEW))
}

/** `a`–`z` are 0–25, `0`–`9` are 26–35; a label holds nothing else here */
function digitOf(code: number): number {
  return code >= 0x61 ? code - 0x61 : code - 0x30 + 26
}

function codeOf(character: string): number {
  return character.charCodeAt(0)
}
