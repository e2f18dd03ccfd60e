import type { Span } from '../detector.ts'

/** Every place where a pattern matches, places that overlap included: a wrong one hides no right one. */
export function* places(pattern: RegExp, text: string): Generator<Span & { text: string }> {
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const start = match.index
    yield { start, end: start + match[0].length, text: match[0] }
    pattern.lastIndex = start + 1
  }
}

export const overlaps = (a: Span, b: Span): boolean => a.start < b.end && b.start < a.end

export const digitsOf = (text: string): string => text.replace(/\D/g, '')

/** Whether a word of `pattern` stands in the window, up to `reach` bytes around a place. */
export function hasContext(pattern: RegExp, text: string, { start, end }: Span): boolean {
  return pattern.test(text.slice(Math.max(0, start - CONTEXT_BYTES), end + CONTEXT_BYTES))
}

/** How far from a number the word that explains it may stand. */
export const CONTEXT_BYTES = 64

/** A window that shows the context on both sides of a number that reaches over its run. */
export const NUMBER_WINDOW = { before: CONTEXT_BYTES + 40, after: CONTEXT_BYTES + 40 } as const

/**
 * A word of Japanese as the windows show it, one character a byte: UTF-8, and the bytes given for
 * Shift_JIS and EUC-JP.
 */
export function japanese(word: string, ...encodedHex: readonly string[]): string {
  const utf8 = Buffer.from(word, 'utf8').toString('latin1')
  const encoded = encodedHex.map((hex) => Buffer.from(hex, 'hex').toString('latin1'))
  return [utf8, ...encoded].map((bytes) => escapeBytes(bytes)).join('|')
}

/** No byte of an encoded word may be read as part of the pattern: Shift_JIS has `[` and `|` inside. */
function escapeBytes(bytes: string): string {
  return bytes.replace(/[^]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
