/**
 * What can be said of a pattern before it is used. Patterns of secret formats are regular
 * expressions of a small kind: characters, classes, `(?:a|b)`, `?`, `{n}` and `{n,m}`. Everything
 * in them is bounded, so is the work that a hostile text can ask of them, and so is the window that
 * they need.
 */
export type Shape = {
  /** characters that a match has */
  minLength: number
  maxLength: number
  /** what every match begins with: one of these */
  beginnings: readonly string[]
}

/** A pattern with more beginnings than this begins with none. */
const MAX_BEGINNINGS = 32
const ITEM =
  /\\(?<escaped>[^])|(?<set>\[(?:\\[^]|[^\]\\])+\])|(?<open>\(\?:)|(?<close>\))|(?<bar>\|)|(?<literal>[^*+.^$(){}?[\]])/y
const QUANTIFIER = /\{(?<least>\d+)(?:,(?<most>\d+))?\}|(?<optional>\?)/y

/** @throws SyntaxError on anything that is not of that small kind */
export function shapeOf(pattern: string): Shape {
  const reader = { pattern, at: 0 }
  const { minLength, maxLength, beginnings } = readAlternatives(reader)
  if (reader.at !== pattern.length) throw new SyntaxError(`unexpected end of a group: ${pattern}`)
  return { minLength, maxLength, beginnings }
}

type Reader = { pattern: string; at: number }
/** `closed`: the beginnings are whole matches, and what follows can be added to them */
type Part = Shape & { closed: boolean }

const EMPTY: Part = { minLength: 0, maxLength: 0, beginnings: [''], closed: true }

function readAlternatives(reader: Reader): Part {
  const parts = [readSequence(reader)]
  while (reader.pattern[reader.at] === '|') {
    reader.at++
    parts.push(readSequence(reader))
  }
  return {
    minLength: Math.min(...parts.map((part) => part.minLength)),
    maxLength: Math.max(...parts.map((part) => part.maxLength)),
    beginnings: [...new Set(parts.flatMap((part) => part.beginnings))],
    closed: parts.every((part) => part.closed),
  }
}

function readSequence(reader: Reader): Part {
  let whole = EMPTY
  while (reader.at < reader.pattern.length && !'|)'.includes(reader.pattern[reader.at] ?? '')) {
    whole = joined(whole, repeated(readItem(reader), readQuantifier(reader)))
  }
  return whole
}

function readItem(reader: Reader): Part {
  ITEM.lastIndex = reader.at
  const groups = ITEM.exec(reader.pattern)?.groups
  if (groups === undefined)
    throw new SyntaxError(`${reader.pattern}: no pattern of a secret format`)
  reader.at = ITEM.lastIndex
  if (groups['open'] !== undefined) {
    const inside = readAlternatives(reader)
    if (reader.pattern[reader.at] !== ')') throw new SyntaxError(`no end: ${reader.pattern}`)
    reader.at++
    return inside
  }
  const literal = groups['literal'] ?? literalOf(groups['escaped'])
  if (literal === undefined) return { minLength: 1, maxLength: 1, beginnings: [''], closed: false }
  return { minLength: 1, maxLength: 1, beginnings: [literal], closed: true }
}

/** An escaped letter or digit is a class or a control character, any other character itself. */
function literalOf(escaped: string | undefined): string | undefined {
  return escaped === undefined || /\w/.test(escaped) ? undefined : escaped
}

type Quantifier = { least: number; most: number }

function readQuantifier(reader: Reader): Quantifier {
  QUANTIFIER.lastIndex = reader.at
  const groups = QUANTIFIER.exec(reader.pattern)?.groups
  if (groups === undefined) return { least: 1, most: 1 }
  reader.at = QUANTIFIER.lastIndex
  if (groups['optional'] !== undefined) return { least: 0, most: 1 }
  const least = Number(groups['least'])
  return { least, most: Number(groups['most'] ?? least) }
}

function repeated(part: Part, { least, most }: Quantifier): Part {
  const once = least === 1 && most === 1
  return {
    minLength: part.minLength * least,
    maxLength: part.maxLength * most,
    beginnings: least === 0 ? [''] : part.beginnings,
    closed: once && part.closed,
  }
}

function joined(before: Part, after: Part): Part {
  const minLength = before.minLength + after.minLength
  const maxLength = before.maxLength + after.maxLength
  const longer = before.beginnings.flatMap((one) => after.beginnings.map((two) => one + two))
  if (!before.closed || longer.length > MAX_BEGINNINGS) {
    return { minLength, maxLength, beginnings: before.beginnings, closed: false }
  }
  return { minLength, maxLength, beginnings: longer, closed: after.closed }
}
