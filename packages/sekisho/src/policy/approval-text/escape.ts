/**
 * One character as it may be printed: what could drive a terminal, turn the direction of text, take
 * no room or end a line is shown by its code point (CVE-2021-42574, CVE-2021-42694).
 */
export function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16).padStart(4, '0')
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex}`
}

/** Controls, formats, separators that are no space, private use, surrogates, unassigned, and marks that stack. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|[^\P{Z} ]|\p{Default_Ignorable_Code_Point}/gu

/** More combining marks than this on one letter hide what stands above and below. */
const MAX_MARKS = 2
const STACKED = new RegExp(`(\\p{M}{${MAX_MARKS}})(\\p{M}+)`, 'gu')

/**
 * Untrusted text as one line that shows every character of it: what it hides is escaped. A backslash
 * is doubled, so that no text can look like an escape.
 */
export function showLine(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replace(UNPRINTABLE, escapeCharacter)
    .replace(STACKED, (_, shown: string, rest: string) => shown + escapeAll(rest))
}

function escapeAll(text: string): string {
  return Array.from(text, escapeCharacter).join('')
}

/** What is hidden in a text, in words; empty when nothing is. */
export function hiddenIn(text: string): string[] {
  const counts = new Map<string, number>()
  for (const [character] of text.matchAll(NOT_PLAIN)) {
    const what = HIDDEN.find(([, pattern]) => pattern.test(character))?.[0] ?? OTHER
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }
  return Array.from(counts, ([what, count]) => `${count} ${what}`)
}

const NOT_PLAIN = /[^\P{Cc}\t\n\r]|\p{Cf}|\p{Default_Ignorable_Code_Point}/gu
const OTHER = 'other control characters'
const HIDDEN: readonly (readonly [string, RegExp])[] = [
  // oxlint-disable-next-line no-control-regex -- ESC is what is looked for
  ['escape characters, by which text drives a terminal', /\u001b/u],
  ['characters that turn the direction of text', /\p{Bidi_Control}/u],
  ['characters that take no room', /\p{Cf}|\p{Default_Ignorable_Code_Point}/u],
]
