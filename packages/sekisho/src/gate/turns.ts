import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'

/** Of a gate's time, what the long bodies of one session may take while other sessions act. */
const SHARE = 0.25
/** So much of it at once: a body of some megabytes is not slowed down. */
const BURST_MS = 100
/** What a piece costs, in ms, of which nobody has measured it: copied, encrypted and sent. */
const PIECE_COST = 0.25

/**
 * Takes turns with the pieces of a session's long bodies, however many connections they come on: an
 * upload must not keep the gate from the requests of other sessions.
 */
export class Turns {
  readonly #nowMs: () => number
  readonly #isShared: () => boolean
  #last: Promise<void> = Promise.resolve()
  #owedMs = 0
  #atMs: number

  /**
   * @param isShared whether anybody else wants the gate's time: alone, a session has all of it
   * @param nowMs monotonic
   */
  constructor(isShared: () => boolean, nowMs: () => number = () => performance.now()) {
    this.#isShared = isShared
    this.#nowMs = nowMs
    this.#atMs = nowMs()
  }

  /**
   * Resolves when it is the caller's turn, in the order of asking.
   *
   * @param costMs what the piece before it has taken of the gate's time
   */
  next(costMs = PIECE_COST): Promise<void> {
    this.#last = this.#last.then(() => this.#wait(costMs))
    return this.#last
  }

  async #wait(costMs: number): Promise<void> {
    const nowMs = this.#nowMs()
    this.#owedMs = Math.max(0, this.#owedMs - (nowMs - this.#atMs) * SHARE) + costMs
    this.#atMs = nowMs
    // what it took while nobody wanted it is not asked back
    if (!this.#isShared()) this.#owedMs = Math.min(this.#owedMs, BURST_MS)
    const overMs = this.#owedMs - BURST_MS
    await (overMs > 0 ? pause(overMs / SHARE) : nextTurn())
  }
}
