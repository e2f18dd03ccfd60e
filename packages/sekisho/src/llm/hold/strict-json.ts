/** Nesting of a reply's values, and of a call's arguments. */
const MAX_DEPTH = 64

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c
import { parseJson, TwiceError } from '../../core/parse-json.ts'

const TWICE = 'a name that stands twice in one object'

export type StrictJson = { value: unknown } | { problem: string }

/**
 * A JSON text that has one meaning: names that stand twice in one object (RFC 8259 §4) are refused,
 * since one reader takes the first and another the last, and so is deep nesting.
 *
 * Names are counted twice: as they are written, by their colons, and as they were read. Only an
 * object that lost one to another has fewer of the second kind.
 */
export function readStrictJson(text: string): StrictJson {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    return { problem: error instanceof TwiceError ? TWICE : 'no JSON' }
  }
  if (typeof value !== 'object' || value === null) return { value }
  const names = countNames(value, 0)
  if (names === TOO_DEEP) return { problem: `nested more than ${MAX_DEPTH} deep` }
  if (names === TOO_LARGE) return { problem: 'a number that is too large' }
  if (names !== countColons(text)) return { problem: TWICE }
  return { value }
}

/** A text with no lone surrogate in it anywhere: one that has an RFC 8785 form. */
export function isWellFormedJson(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, member]) => {
    return name.isWellFormed() && isWellFormedJson(member)
  })
}

const TOO_DEEP = -1
const TOO_LARGE = -2

function countNames(value: object, depth: number): number {
  if (depth === MAX_DEPTH) return TOO_DEEP
  const members: unknown[] = Array.isArray(value) ? value : Object.values(value)
  let names = Array.isArray(value) ? 0 : members.length
  for (const member of members) {
    // what one reader has without bound is another's `null`
    if (member === Infinity || member === -Infinity) return TOO_LARGE
    if (typeof member !== 'object' || member === null) continue
    const inner = countNames(member, depth + 1)
    if (inner < 0) return inner
    names += inner
  }
  return names
}

/** Outside of strings, of a text that is JSON: one for each member of an object. */
function countColons(text: string): number {
  let colons = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === COLON) colons += 1
    else if (code === QUOTE) at = closingQuote(text, at + 1)
  }
  return colons
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at !== -1 && isEscaped(text, at, from)) at = text.indexOf('"', at + 1)
  return at === -1 ? text.length : at
}

function isEscaped(text: string, quote: number, from: number): boolean {
  let at = quote - 1
  while (at >= from && text.charCodeAt(at) === BACKSLASH) at -= 1
  return (quote - at) % 2 === 0
}
