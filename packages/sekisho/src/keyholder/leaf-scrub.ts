import { spellings } from '../detect/needles.ts'

/** Shorter values occur by chance: taking them out would spoil the record and hide nothing. */
const MIN_SECRET_CHARACTERS = 8

/**
 * Takes a session's secrets out of what is about to be recorded: an agent that has come by one
 * may say it anywhere, as an argument of a program or in a path. The log keeps what is written
 * for ever, so this is the last moment.
 */
export class LeafScrubber {
  readonly #pattern: RegExp | undefined
  /** without a place that it remembers, to look and no more */
  readonly #look: RegExp
  /** of the shortest that is looked for: most texts of a leaf are shorter than any secret */
  readonly #minCharacters: number

  constructor(values: readonly string[]) {
    const long = values.filter((value) => value.length >= MIN_SECRET_CHARACTERS)
    const texts = new Set(long.flatMap((value) => [value, ...spellings(value).map(textOf)]))
    // longest first: of two that begin alike the whole one goes
    const longestFirst = [...texts].toSorted((a, b) => b.length - a.length)
    const source = longestFirst.map(literal).join('|')
    this.#pattern = texts.size === 0 ? undefined : new RegExp(source, 'g')
    this.#look = new RegExp(source)
    this.#minCharacters = longestFirst.at(-1)?.length ?? 0
  }

  /** The same value where nothing was in it; else a copy with stars in the place of each. */
  scrub<Value>(value: Value): Value
  scrub(value: unknown): unknown {
    if (this.#pattern === undefined || !this.#isIn(value)) return value
    return scrubValue(value, this.#pattern)
  }

  /** Nearly every leaf is without one, and then nothing of it is copied. */
  #isIn(value: unknown): boolean {
    if (typeof value === 'string') {
      return value.length >= this.#minCharacters && this.#look.test(value)
    }
    if (typeof value !== 'object' || value === null) return false
    if (Array.isArray(value)) return value.some((item) => this.#isIn(item))
    for (const key in value) {
      if (this.#isIn(key) || this.#isIn(Reflect.get(value, key))) return true
    }
    return false
  }
}

function scrubValue(value: unknown, pattern: RegExp): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(pattern, (found) => '*'.repeat(found.length))
  }
  if (Array.isArray(value)) {
    const scrubbed = value.map((item) => scrubValue(item, pattern))
    return scrubbed.some((item, i) => item !== value[i]) ? scrubbed : value
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const scrubbed = entries.map(([key, item]) => [
    scrubValue(key, pattern),
    scrubValue(item, pattern),
  ])
  const isSame = scrubbed.every(
    ([key, item], i) => key === entries[i]?.[0] && item === entries[i]?.[1],
  )
  return isSame ? value : Object.fromEntries(scrubbed)
}

function textOf(spelling: Buffer): string {
  return spelling.toString('latin1')
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)
}
