/** Refused answers that are recorded in a row. */
const MAX_IN_A_ROW = 32
/** One more of them with each. */
const REFILL_MS = 2_000

/**
 * Bounds how many refused answers reach the log: whoever sends nonsense must not fill it. Answers
 * that count are as many as there are holds, and pass.
 */
export class RefusedRate {
  #tokens = MAX_IN_A_ROW
  #refilledAtMs: number

  constructor(nowMs: number) {
    this.#refilledAtMs = nowMs
  }

  /** @returns whether one more may be recorded; a clock that steps back refills nothing */
  take(nowMs: number): boolean {
    const gained = Math.max(0, nowMs - this.#refilledAtMs) / REFILL_MS
    this.#tokens = Math.min(MAX_IN_A_ROW, this.#tokens + gained)
    this.#refilledAtMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
