import { RequestFault } from './request-fault.ts'

/** Nesting of all values of a request. */
export const MAX_DEPTH = 256

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const OPEN_OBJECT = 0x7b

/** In one request, at all depths: each costs memory, however few bytes it has. */
const MAX_VALUES = 1_000_000

/** For each byte that means something between strings; 0 for all others. */
const KIND = new Uint8Array(256)
const [SPACE, OPEN, CLOSE, NAME, COMMA, TEXT] = [1, 2, 3, 4, 5, 6]
for (const byte of [0x20, 0x09, 0x0a, 0x0d]) KIND[byte] = SPACE
for (const byte of [OPEN_LIST, OPEN_OBJECT]) KIND[byte] = OPEN
for (const byte of [0x5d, 0x7d]) KIND[byte] = CLOSE
KIND[COLON] = NAME
KIND[0x2c] = COMMA
KIND[QUOTE] = TEXT

/**
 * Finds where the values of a JSON text begin and end, without reading them. What is found is only
 * as good as the text: each value is to be given to a JSON parser, which tells whether it is one.
 */
export class JsonScanner {
  /** of the next byte */
  at = 0
  /** of the value that was skipped last: names in it, as they are written */
  names = 0
  /** of the same: itself, and all values in it */
  values = 0
  #allValues = 0
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** The next byte that is no white space, without taking it; -1 at the end. */
  peek(): number {
    const { bytes } = this
    while (this.at < bytes.length) {
      const byte = bytes[this.at] ?? 0
      if (KIND[byte] !== SPACE) return byte
      this.at += 1
    }
    return -1
  }

  /** @returns whether the next byte that is no white space was this one */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false
    this.at += 1
    return true
  }

  /** @throws RequestFault when another byte comes */
  expect(byte: number): void {
    if (!this.take(byte)) this.fail(`no ${String.fromCharCode(byte)} where one has to be`)
  }

  /** Behind the value that begins here. @param depth how deep it stands @throws RequestFault */
  skipValue(depth: number): void {
    const first = this.bytes[this.at] ?? 0
    this.names = 0
    this.values = 1
    if (first === QUOTE) this.#skipString()
    else if (KIND[first] === OPEN) this.#skipNested(depth)
    else this.#skipWord()
    this.#count(this.values)
  }

  /** Behind a value that is known. @throws RequestFault */
  jump(to: number, values: number): void {
    this.at = to
    this.#count(values)
  }

  #count(values: number): void {
    this.#allValues += values
    if (this.#allValues > MAX_VALUES) this.fail(`more than ${MAX_VALUES} values`)
  }

  fail(problem: string): never {
    throw new RequestFault(`${problem}, at byte ${this.at}`)
  }

  #skipString(): void {
    const { bytes } = this
    let at = this.at + 1
    for (;;) {
      const byte = bytes[at]
      if (byte === QUOTE) break
      if (byte === undefined) this.fail('a text that is not closed')
      at += byte === BACKSLASH ? 2 : 1
    }
    this.at = at + 1
  }

  #skipNested(depth: number): void {
    const { bytes } = this
    let open = depth
    do {
      const byte = bytes[this.at]
      if (byte === undefined) this.fail('a value that is not closed')
      const kind = KIND[byte]
      if (kind === TEXT) {
        this.#skipString()
        continue
      }
      this.at += 1
      if (kind === OPEN || kind === COMMA) this.values += 1
      if (kind === OPEN) open += 1
      else if (kind === CLOSE) open -= 1
      else if (kind === NAME) this.names += 1
      if (open > MAX_DEPTH) this.fail(`nested more than ${MAX_DEPTH} deep`)
    } while (open > depth)
  }

  #skipWord(): void {
    const from = this.at
    while (this.at < this.bytes.length && (KIND[this.bytes[this.at] ?? 0] ?? 0) === 0) this.at += 1
    if (this.at === from) this.fail('no value where one has to be')
  }
}
