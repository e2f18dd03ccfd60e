/** How often and when something was seen. */
export type Tally = {
  attempts: number
  /** RFC 3339 */
  firstAt: string
  lastAt: string
}

export function newTally(at: string): Tally {
  return { attempts: 1, firstAt: at, lastAt: at }
}

/** Leaves of a log come in order of time, but clocks are set back. */
export function addTo(tally: Tally, at: string): void {
  tally.attempts += 1
  if (at < tally.firstAt) tally.firstAt = at
  if (at > tally.lastAt) tally.lastAt = at
}

/** All of some. @param tallies at least one */
export function sum(tallies: readonly Tally[]): Tally {
  return {
    attempts: tallies.reduce((total, { attempts }) => total + attempts, 0),
    firstAt: tallies.map(({ firstAt }) => firstAt).toSorted()[0] ?? '',
    lastAt:
      tallies
        .map(({ lastAt }) => lastAt)
        .toSorted()
        .at(-1) ?? '',
  }
}

/** Counts by key, for as many keys as there is room; what came too late is counted as one number. */
export class Tallies<T> {
  readonly #entries = new Map<string, { value: T; tally: Tally }>()
  readonly #maxKeys: number
  #leftOut = 0

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys
  }

  /** attempts that no entry counts */
  get leftOut(): number {
    return this.#leftOut
  }

  add(key: string, at: string, value: T): void {
    const known = this.#entries.get(key)
    if (known !== undefined) addTo(known.tally, at)
    else if (this.#entries.size < this.#maxKeys) {
      this.#entries.set(key, { value, tally: newTally(at) })
    } else this.#leftOut += 1
  }

  /** in the order of their first sight */
  all(): readonly { value: T; tally: Tally }[] {
    return [...this.#entries.values()]
  }
}

/** `once`, `3 times` */
export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
