import type { Detector, Span } from '../detector.ts'
import { isPlausible } from './plausible.ts'
import { shapeOf } from './shape.ts'

/** A detector of what one pattern (see shape.ts) describes. */
export type Format = Detector & {
  pattern: string
  /** the pattern is that of a value, and the detector's words are what its name holds */
  assigned: boolean
}

/**
 * A token that is known by its beginning: its name, its pattern (see shape.ts), and what else must
 * be true of the whole token, besides its being plausible.
 */
export type TokenRow = readonly [name: string, pattern: string, accept?: (token: string) => boolean]

/**
 * What may stand before a token: nothing that would make it the middle of a word, but an escaped
 * character may (`\n`, `%3D`, `\u003d`), whose last letter is not a word's.
 */
export const LEFT_EDGE =
  '(?:(?<![A-Za-z0-9])|(?<=\\\\[nrtbf])|(?<=%[0-9A-Fa-f]{2})|(?<=\\\\u[0-9A-Fa-f]{4}))'
/** Bytes that `LEFT_EDGE` looks back. */
export const LEFT_EDGE_BYTES = 6
export const RIGHT_EDGE = '(?![A-Za-z0-9])'
/** Shorter beginnings are in every other line of text. */
const MIN_WORD_BYTES = 3

/**
 * Detectors of the tokens of one issuer.
 *
 * @param source where the issuer, or a well-known list of rules, publishes the formats
 * @throws SyntaxError when a pattern has no beginning of its own, which the search goes by
 */
export function tokens(source: string, rows: readonly TokenRow[]): Format[] {
  return rows.map((row) => tokenDetector(source, row))
}

function tokenDetector(source: string, [name, pattern, accept]: TokenRow): Format {
  const { maxLength, beginnings } = shapeOf(pattern)
  if (beginnings.some((word) => word.length < MIN_WORD_BYTES)) {
    throw new SyntaxError(`${name}: a beginning is too short to be looked for`)
  }
  const exact = new RegExp(`${LEFT_EDGE}(?:${pattern})${RIGHT_EDGE}`, 'y')
  return {
    id: `secret.${name}`,
    class: 'secret-format',
    source,
    pattern,
    assigned: false,
    trigger: { kind: 'keyword', words: beginnings },
    window: { before: LEFT_EDGE_BYTES, after: maxLength },
    match(text, hit) {
      exact.lastIndex = hit.start
      const token = exact.exec(text)?.[0]
      if (token === undefined || !isPlausible(token.slice(hit.end - hit.start))) return NOTHING
      if (accept !== undefined && !accept(token)) return NOTHING
      return [{ start: hit.start, end: hit.start + token.length }]
    },
  }
}

/** A token that is known by a word in its middle: what stands before it has a fixed length. */
export type InfixRow = readonly [
  name: string,
  before: string,
  word: string,
  after: string,
  accept?: (token: string) => boolean,
]

/** @throws SyntaxError when what stands before the word has no fixed length */
export function infixTokens(source: string, rows: readonly InfixRow[]): Format[] {
  return rows.map((row) => infixDetector(source, row))
}

function infixDetector(source: string, [name, before, word, after, accept]: InfixRow): Format {
  const lead = shapeOf(before)
  if (lead.minLength !== lead.maxLength) throw new SyntaxError(`${name}: starts nowhere`)
  const literal = word.replace(/[.+$]/g, '\\$&')
  const exact = new RegExp(`${LEFT_EDGE}${before}${literal}(?:${after})${RIGHT_EDGE}`, 'y')
  return {
    id: `secret.${name}`,
    class: 'secret-format',
    source,
    pattern: `${before}${literal}${after}`,
    assigned: false,
    trigger: { kind: 'keyword', words: [word] },
    window: { before: lead.maxLength + LEFT_EDGE_BYTES, after: shapeOf(after).maxLength + 1 },
    match(text, hit) {
      const start = hit.start - lead.maxLength
      if (start < 0) return NOTHING
      exact.lastIndex = start
      const token = exact.exec(text)?.[0]
      if (token === undefined || !isPlausible(token.replace(word, ''))) return NOTHING
      if (accept !== undefined && !accept(token)) return NOTHING
      return [{ start, end: start + token.length }]
    },
  }
}

export const NOTHING: readonly Span[] = []
