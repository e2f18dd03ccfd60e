/**
 * What stands in documentation in the place of a secret. A random value of 40 characters holds one
 * of these by chance less often than once in a million.
 */
const PLACEHOLDER =
  /example|placeholder|redacted|changeme|replace|your[_-]|[_-]here|sample|dummy|secret|password|x{5}|\*{3}|\.{5}|<|\$\{|\{\{|%[A-Z_]{4,}%|(.)\1{5}|12345678|abcdefg|deadbeef|0123456|foobar/i

/**
 * Could this be a value that a machine drew? No placeholder, and not less varied than chance makes
 * it once in a million times.
 *
 * @param value without the fixed beginning of its format
 */
export function isPlausible(value: string): boolean {
  return (
    !PLACEHOLDER.test(value) && bitsPerCharacter(value) >= LEAST_BITS * saturation(value.length)
  )
}

/** Random hexadecimal digits come to 3.3 bits at 32, random letters and digits to 4.5. */
const LEAST_BITS = 2.8

/** A short value cannot be varied: eight characters have three bits at most. */
function saturation(length: number): number {
  return Math.min(1, Math.log2(Math.max(2, length)) / 4.5)
}

/** Shannon's entropy of the characters of a text, in bits. */
export function bitsPerCharacter(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values())
    bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}

/** Upper and lower case letters and digits: words and identifiers seldom have all. */
export function isMixed(value: string): boolean {
  return /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value)
}
