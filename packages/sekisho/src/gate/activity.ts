/** From its last action on, a session counts as active for so long. */
const ACTIVE_MS = 1_000

type Acted = { session: string; atMs: number }

/** Which sessions of a gate have acted of late. It knows the last one to act, and the last before that. */
export class Activity {
  readonly #nowMs: () => number
  #last: Acted | undefined
  /** the last that was another than `#last` */
  #other: Acted | undefined

  /** @param nowMs monotonic */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  acted(session: string): void {
    const atMs = this.#nowMs()
    if (this.#last?.session === session) {
      this.#last.atMs = atMs
      return
    }
    this.#other = this.#last
    this.#last = { session, atMs }
  }

  /** Whether any session but this one has acted within the last second. */
  hasOthers(session: string): boolean {
    const other = this.#last?.session === session ? this.#other : this.#last
    return other !== undefined && this.#nowMs() - other.atMs < ACTIVE_MS
  }
}
