import type { Position } from '../policy/problem.ts'

/** The text of one policy, and where it stands in its file. */
export type PolicyText = {
  file: string
  text: string
  /** of its first character */
  start: Position
  /** what it costs Cedar's reader to take it in; see {@link MAX_WEIGHT} */
  weight: number
}

/**
 * Cedar's library is WebAssembly with 1 MiB of stack, and what runs out of it breaks the library for
 * whoever uses it next. Measured over chains of all kinds: none weighs less than 1,088 by then, where
 * an operator weighs 1 and these weigh more for the stack that they take.
 */
export const MAX_WEIGHT = 700
/** of a bracket in another */
const NESTING_WEIGHT = 10
const IF_WEIGHT = 3

/** Strings and comments of Cedar's grammar, and what counts in between. */
const TOKEN = /\/\/[^\n\r]*|"(?:\\[^]|[^"\\])*"?|;|[([{]|[)\]}]|&&|\|\||[.+*!<>=-]|\bif\b|\S/gu

/**
 * Cuts a file at the semicolons that end its policies. What is no Cedar stays within some policy's
 * text, for Cedar's own reader to complain about.
 */
export function splitPolicies(file: string, text: string): readonly PolicyText[] {
  const policies: PolicyText[] = []
  const lines = new LineStarts(text)
  let open: { start: number; meter: WeightMeter } | undefined
  let end = 0
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token.startsWith('//')) continue
    open ??= { start: index, meter: new WeightMeter() }
    end = index + token.length
    open.meter.add(token)
    if (token !== ';') continue
    policies.push(policyText(file, text.slice(open.start, end), { lines, ...open }))
    open = undefined
  }
  if (open !== undefined) {
    policies.push(policyText(file, text.slice(open.start, end), { lines, ...open }))
  }
  return policies
}

function policyText(
  file: string,
  text: string,
  { lines, start, meter }: { lines: LineStarts; start: number; meter: WeightMeter },
): PolicyText {
  return { file, text, start: lines.positionOf(start), weight: meter.weight }
}

class WeightMeter {
  #depth = 0
  #deepest = 0
  #operators = 0

  get weight(): number {
    return this.#deepest * NESTING_WEIGHT + this.#operators
  }

  add(token: string): void {
    if ('([{'.includes(token)) {
      this.#depth += 1
      this.#deepest = Math.max(this.#deepest, this.#depth)
      // `a["b"]` is an operator too
      if (token === '[') this.#operators += 1
    } else if (')]}'.includes(token)) this.#depth -= 1
    else if (token === 'if') this.#operators += IF_WEIGHT
    else if (/^(?:&&|\|\||[.+*!<>=-])$/.test(token)) this.#operators += 1
  }
}

/** Lines and columns of a text's characters, in UTF-16 units, as editors count. */
class LineStarts {
  readonly #starts: readonly number[]

  constructor(text: string) {
    this.#starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  }

  positionOf(offset: number): Position {
    let [low, high] = [0, this.#starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 }
  }
}

/** Where a character of a policy's text stands in its file. */
export function positionIn({ text, start }: PolicyText, offset: number): Position {
  const before = text.slice(0, offset)
  const lastBreak = before.lastIndexOf('\n')
  if (lastBreak === -1) return { line: start.line, column: start.column + before.length }
  const breaks = before.split('\n').length - 1
  return { line: start.line + breaks, column: before.length - lastBreak }
}

/** Cedar counts the bytes of UTF-8, JavaScript and editors the units of UTF-16. */
export function offsetOfByte(text: string, bytes: number): number {
  let [seen, units] = [0, 0]
  for (const character of text) {
    if (seen >= bytes) break
    seen += utf8Length(character.codePointAt(0) ?? 0)
    units += character.length
  }
  return units
}

function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1
  if (codePoint < 0x800) return 2
  return codePoint < 0x10000 ? 3 : 4
}
