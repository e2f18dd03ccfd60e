/**
 * Bounds how many records a second one session can cause. What is above is counted, and the count
 * rides on the next record: a flood costs the log a few leaves and still shows its size.
 */
export class RateBound {
  readonly #perSecond: number
  readonly #now: () => number
  #tokens: number
  #refilledAtMs: number
  #folded = 0

  /** @param now wall clock, Unix ms; a step back refills nothing */
  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond
    this.#now = now
    this.#tokens = perSecond
    this.#refilledAtMs = now()
  }

  /** counted and not yet on any record */
  get folded(): number {
    return this.#folded
  }

  /** Takes one record: how many went before it unrecorded; undefined when this one is counted. */
  admit(): number | undefined {
    const nowMs = this.#now()
    const gained = (Math.max(0, nowMs - this.#refilledAtMs) / 1000) * this.#perSecond
    this.#tokens = Math.min(this.#perSecond, this.#tokens + gained)
    this.#refilledAtMs = nowMs
    if (this.#tokens < 1) {
      this.#folded += 1
      return undefined
    }
    this.#tokens -= 1
    const repeated = this.#folded
    this.#folded = 0
    return repeated
  }

  /** Counts one more like those that are recorded already. */
  fold(count = 1): void {
    this.#folded += count
  }
}
