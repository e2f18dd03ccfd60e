import type { CriticalArgument, Label } from '../../core/label.ts'
import { amountsIn, commandsIn, ValueExtractor } from './value-extractor.ts'
import { keysOfValue } from './value-keys.ts'

/** Values that trusted sources have named; what does not fit is not known. */
const MAX_KNOWN = 32_768
/** of these, kept free for what the user says */
const MAX_FROM_REPLIES = MAX_KNOWN - 8192
/** Values of other sources, remembered to say where they came from; the oldest is forgotten. */
const MAX_SEEN = 8192
const MAX_WHAT = 512

/** Where a text comes from; it teaches only if its integrity is not `untrusted`. */
export type ValueSource = { what: string; label: Label }

export type ValueOrigin = { isTrusted: boolean; origin: string }

const TASK = 'the task'
const UNKNOWN: ValueOrigin = Object.freeze({ isTrusted: false, origin: 'unknown' })

/**
 * What one session knows of values that decide where an action strikes. A value is trusted if the
 * user's task or a trusted source has named it, whole; where others have, and how
 * often, counts for nothing. Memory is bounded, and what there is no room for is not trusted.
 */
export class KnownValues {
  readonly #known = new Map<string, string>()
  readonly #seen = new Map<string, string>()

  /** @param words of the user's own command line */
  learnTask(words: readonly string[]): void {
    for (const word of words) {
      const extractor = new ValueExtractor('task')
      const names = [...extractor.push(word), ...extractor.end()]
      const keys = [...names, ...commandsIn(word), ...amountsIn(word)]
      for (const key of keys) this.#know(key, TASK, MAX_KNOWN)
    }
  }

  /** A whole text; {@link read} takes one that comes in pieces. */
  learn(text: string, source: ValueSource): void {
    const reader = this.read(source)
    reader.push(text)
    reader.end()
  }

  read({ what, label }: ValueSource): { push(text: string): void; end(): void } {
    const extractor = new ValueExtractor('text')
    const origin = what.slice(0, MAX_WHAT)
    const take = (keys: readonly string[]): void => {
      for (const key of keys) {
        if (label.integrity === 'untrusted') this.#see(key, origin)
        else this.#know(key, origin, MAX_FROM_REPLIES)
      }
    }
    return { push: (text) => take(extractor.push(text)), end: () => take(extractor.end()) }
  }

  /** Where a value comes from, and whether that is somebody who may choose it. */
  originOf(kind: CriticalArgument, value: string): ValueOrigin {
    const keys = keysOfValue(kind, value)
    if (keys.length === 0) return UNKNOWN
    const origins = keys.map((key) => this.#known.get(key))
    const [first] = origins
    if (first !== undefined && !origins.includes(undefined)) {
      return { isTrusted: true, origin: first }
    }
    const seen = keys.map((key) => this.#seen.get(key)).find((origin) => origin !== undefined)
    return seen === undefined ? UNKNOWN : { isTrusted: false, origin: seen }
  }

  /** for the session's end leaf and for tests of bounds */
  counters(): { known: number; seen: number } {
    return { known: this.#known.size, seen: this.#seen.size }
  }

  #know(key: string, origin: string, room: number): void {
    if (!this.#known.has(key) && this.#known.size < room) this.#known.set(key, origin)
  }

  #see(key: string, origin: string): void {
    this.#seen.delete(key)
    this.#seen.set(key, origin)
    if (this.#seen.size <= MAX_SEEN) return
    const [oldest] = this.#seen.keys()
    if (oldest !== undefined) this.#seen.delete(oldest)
  }
}

/**
 * Whether a list, such as the counterparties of a mandate, names a value of this kind. An amount is
 * bounded by mandates, never listed.
 */
export function isNamedIn(
  names: readonly string[],
  kind: CriticalArgument,
  value: string,
): boolean {
  if (kind === 'amount' || names.length === 0) return false
  const wanted = keysOfValue(kind, value)
  if (wanted.length === 0) return false
  const named = new Set(names.flatMap((name) => keysOfValue(kind, name)))
  return wanted.every((key) => named.has(key))
}
