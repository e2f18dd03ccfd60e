import type { Json } from '../../core/facts.ts'
import type { Read } from '../problem.ts'

/** Nesting of a body's values. */
const MAX_DEPTH = 32
/** Values in one body, members and elements at all depths. */
const MAX_VALUES = 65_536

/** No sign of a guess: no exponent, no more digits than Cedar's decimal has after its point. */
const NUMBER = /-?(?:0|[1-9]\d{0,15})(?:\.\d{1,4})?(?![\d.eE])/y
const SPACE = /[ \t\n\r]*/y
/** Up to what ends it or needs another look. */
const PLAIN = /[^"\\\p{Cc}]*/uy

/** As a Cedar decimal has them, exact as a double. */
export const MAX_DECIMAL = Number.MAX_SAFE_INTEGER / 10_000

class JsonFault extends Error {}

/**
 * The one meaning of a JSON text. What parsers read differently is refused: duplicate names (RFC
 * 8259 §4), numbers beyond exact ones (§6), a BOM, bytes that are no UTF-8, lone surrogates (§8.2),
 * text behind the value, deep nesting.
 */
export function readStrictJson(bytes: Uint8Array): Read<Json> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { value: new JsonReader(text).read() }
  } catch (error) {
    if (error instanceof JsonFault) return { problem: error.message }
    if (error instanceof TypeError) return { problem: 'bytes that are no UTF-8' }
    throw error
  }
}

class JsonReader {
  readonly #text: string
  #at = 0
  #values = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): Json {
    const value = this.#value(0)
    this.#skipSpace()
    if (this.#at < this.#text.length) this.#fail('more than one value')
    return value
  }

  #value(depth: number): Json {
    if (depth > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} deep`)
    this.#values += 1
    if (this.#values > MAX_VALUES) this.#fail(`more than ${MAX_VALUES} values`)
    this.#skipSpace()
    const first = this.#text[this.#at]
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    return first === '"' ? this.#string() : this.#word()
  }

  #object(depth: number): Json {
    const members = new Map<string, Json>()
    this.#list('}', () => {
      this.#skipSpace()
      if (this.#text[this.#at] !== '"') this.#fail('no name of a member')
      const name = this.#string()
      // one reader takes the first, another the last
      if (members.has(name)) this.#fail('a name that stands twice in one object')
      this.#skipSpace()
      this.#expect(':')
      members.set(name, this.#value(depth + 1))
    })
    return Object.fromEntries(members)
  }

  #array(depth: number): Json {
    const items: Json[] = []
    this.#list(']', () => items.push(this.#value(depth + 1)))
    return items
  }

  #list(end: string, readOne: () => void): void {
    this.#at += 1
    this.#skipSpace()
    if (this.#take(end)) return
    do {
      readOne()
      this.#skipSpace()
    } while (this.#take(','))
    this.#expect(end)
  }

  #string(): string {
    const from = this.#at
    this.#at += 1
    for (;;) {
      this.#skip(PLAIN)
      const character = this.#text[this.#at]
      if (character === '"') break
      // of controls only those below U+0020 end it: PLAIN stops at more than it must
      if (character === undefined || character < ' ') this.#fail('a text that is not closed')
      this.#at += character === '\\' ? 2 : 1
    }
    this.#at += 1
    return this.#unescape(this.#text.slice(from, this.#at))
  }

  #unescape(quoted: string): string {
    let text: unknown = quoted.slice(1, -1)
    if (quoted.includes('\\')) {
      try {
        text = JSON.parse(quoted)
      } catch {
        text = undefined
      }
    }
    if (typeof text !== 'string') this.#fail('an escape that JSON does not have')
    if (!text.isWellFormed()) this.#fail('a lone surrogate')
    return text
  }

  #word(): Json {
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    const from = this.#at
    this.#skip(NUMBER)
    if (this.#at === from) this.#fail('no value, or a number that is not read exactly by everybody')
    const value = Number(this.#text.slice(from, this.#at))
    const isWhole = Number.isInteger(value)
    if (isWhole ? !Number.isSafeInteger(value) : Math.abs(value) > MAX_DECIMAL) {
      this.#fail('a number too large to be exact')
    }
    return value + 0 // no negative zero
  }

  #skipSpace(): void {
    this.#skip(SPACE)
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at
    if (pattern.test(this.#text)) this.#at = pattern.lastIndex
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #expect(character: string): void {
    if (!this.#take(character)) this.#fail(`no ${character} where one has to be`)
  }

  #fail(problem: string): never {
    throw new JsonFault(`${problem}, at character ${this.#at}`)
  }
}
