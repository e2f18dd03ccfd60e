/** What a pattern is made of. */
export type PatternNode =
  | { kind: 'set'; ranges: readonly Range[]; isNegated: boolean }
  | { kind: 'sequence'; parts: readonly PatternNode[] }
  | { kind: 'either'; options: readonly PatternNode[] }
  | { kind: 'repeat'; part: PatternNode; min: number; max: number | null }
  | { kind: 'start' | 'end' }

/** first and last code point */
type Range = readonly [number, number]

export class PatternFault extends Error {
  override readonly name = 'PatternFault'
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

const MAX_LENGTH = 512
const MAX_NESTING = 16
const MAX_REPEAT = 256
const LAST_POINT = 0x10ffff

const DIGITS: readonly Range[] = [[0x30, 0x39]]
const WORD: readonly Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]
/** ECMA-262 WhiteSpace and LineTerminator */
const SPACES: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]
const LINE_ENDS: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]

const CLASSES: ReadonlyMap<string, readonly Range[]> = new Map([
  ['d', DIGITS],
  ['w', WORD],
  ['s', SPACES],
  ['D', complement(DIGITS)],
  ['W', complement(WORD)],
  ['S', complement(SPACES)],
])
const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['t', 0x09],
  ['n', 0x0a],
  ['v', 0x0b],
  ['f', 0x0c],
  ['r', 0x0d],
])
/** ECMA-262 SyntaxCharacter, and what may be escaped within a class */
const SYNTAX = '^$\\.*+?()[]{}|/-'

/** @throws PatternFault for what is no such pattern, or could take exponential time */
export function parsePattern(source: string): PatternNode {
  if (source.length > MAX_LENGTH) throw new PatternFault(`at most ${MAX_LENGTH} characters`)
  const parser = new PatternParser(source)
  const node = parser.either(0)
  if (!parser.isAtEnd) throw new PatternFault('a `)` closes nothing', 'write \\) for a bracket')
  return node
}

class PatternParser {
  readonly #points: readonly string[]
  #at = 0

  constructor(source: string) {
    this.#points = Array.from(source)
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#points.length
  }

  either(depth: number): PatternNode {
    if (depth > MAX_NESTING) throw new PatternFault('groups are nested too deeply')
    const options = [this.#sequence(depth)]
    while (this.#take('|')) options.push(this.#sequence(depth))
    const [only] = options
    return options.length === 1 && only !== undefined ? only : { kind: 'either', options }
  }

  #sequence(depth: number): PatternNode {
    const parts: PatternNode[] = []
    while (!this.isAtEnd && this.#peek() !== '|' && this.#peek() !== ')') {
      parts.push(this.#repeated(depth))
    }
    return { kind: 'sequence', parts }
  }

  #repeated(depth: number): PatternNode {
    const part = this.#atom(depth)
    const bounds = this.#bounds()
    if (bounds === undefined) return part
    if (part.kind === 'start' || part.kind === 'end') throw new PatternFault('nothing to repeat')
    if (this.#peek() === '?') {
      throw new PatternFault('a lazy repetition', 'it matches what the plain one does: leave out ?')
    }
    if (this.#bounds() !== undefined) throw new PatternFault('two repetitions after each other')
    return { kind: 'repeat', part, ...bounds }
  }

  #bounds(): { min: number; max: number | null } | undefined {
    if (this.#take('*')) return { min: 0, max: null }
    if (this.#take('+')) return { min: 1, max: null }
    if (this.#take('?')) return { min: 0, max: 1 }
    return this.#peek() === '{' ? this.#counted() : undefined
  }

  #counted(): { min: number; max: number | null } {
    const rest = this.#points.slice(this.#at, this.#at + 16).join('')
    const [whole, from, comma, to] = /^\{(\d{1,4})(,)?(\d{1,4})?\}/.exec(rest) ?? []
    if (whole === undefined) throw new PatternFault('a `{` that counts nothing', 'write \\{')
    this.#at += whole.length
    const min = Number(from)
    const upper = to === undefined ? null : Number(to)
    const max = comma === undefined ? min : upper
    if (Math.max(min, max ?? 0) > MAX_REPEAT) {
      throw new PatternFault(`at most ${MAX_REPEAT} repetitions`, 'use minLength and maxLength')
    }
    if (max !== null && max < min) throw new PatternFault('a repetition with bounds out of order')
    return { min, max }
  }

  #atom(depth: number): PatternNode {
    const character = this.#next()
    switch (character) {
      case '^':
        return { kind: 'start' }
      case '$':
        return { kind: 'end' }
      case '.':
        return { kind: 'set', ranges: LINE_ENDS, isNegated: true }
      case '(':
        return this.#group(depth)
      case '[':
        return this.#class()
      case '\\':
        return { kind: 'set', ranges: this.#escape(), isNegated: false }
      default:
        return literal(character)
    }
  }

  #group(depth: number): PatternNode {
    if (this.#take('?') && !this.#take(':')) {
      throw new PatternFault(
        'a group that looks around or has a name',
        'only ( ) and (?: ) are read',
      )
    }
    const inner = this.either(depth + 1)
    if (!this.#take(')')) throw new PatternFault('a group that is not closed')
    return inner
  }

  #class(): PatternNode {
    const isNegated = this.#take('^')
    const ranges: Range[] = []
    while (!this.#take(']')) ranges.push(...this.#classPart())
    if (ranges.length === 0) throw new PatternFault('an empty class')
    return { kind: 'set', ranges, isNegated }
  }

  #classPart(): readonly Range[] {
    const from = this.#classCharacter()
    const isRange = this.#peek() === '-' && this.#points[this.#at + 1] !== ']'
    if (!isRange) return from
    this.#at += 1
    const to = this.#classCharacter()
    const [first, last] = [onlyPoint(from), onlyPoint(to)]
    if (first > last) throw new PatternFault('a range of characters out of order')
    return [[first, last]]
  }

  #classCharacter(): readonly Range[] {
    const character = this.#next()
    if (character === '\\') return this.#escape()
    const point = character.codePointAt(0) ?? 0
    return [[point, point]]
  }

  #escape(): readonly Range[] {
    const character = this.#next()
    const set = CLASSES.get(character)
    if (set !== undefined) return set
    const point =
      CONTROLS.get(character) ?? (SYNTAX.includes(character) ? character.codePointAt(0) : undefined)
    if (point === undefined) {
      throw new PatternFault(
        `the escape \\${character}`,
        'read are \\d \\w \\s, their opposites, \\t \\n \\v \\f \\r and escaped punctuation',
      )
    }
    return [[point, point]]
  }

  #peek(): string | undefined {
    return this.#points[this.#at]
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at += 1
    return true
  }

  #next(): string {
    const character = this.#peek()
    if (character === undefined) throw new PatternFault('the pattern ends too early')
    this.#at += 1
    return character
  }
}

function literal(character: string): PatternNode {
  if ('*+?{}]'.includes(character)) {
    throw new PatternFault(`a lone ${character}`, `write \\${character}`)
  }
  const point = character.codePointAt(0) ?? 0
  return { kind: 'set', ranges: [[point, point]], isNegated: false }
}

function onlyPoint(ranges: readonly Range[]): number {
  const [range] = ranges
  if (ranges.length !== 1 || range === undefined || range[0] !== range[1]) {
    throw new PatternFault('a range between classes of characters')
  }
  return range[0]
}

/** @param ranges sorted */
function complement(ranges: readonly Range[]): readonly Range[] {
  const rest: Range[] = []
  let from = 0
  for (const [first, last] of ranges) {
    if (first > from) rest.push([from, first - 1])
    from = last + 1
  }
  return from > LAST_POINT ? rest : [...rest, [from, LAST_POINT]]
}
