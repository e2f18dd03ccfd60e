/** Decisions of one session that are under way; they wait for the disk and hardly for the processor. */
const MAX_RUNNING = 16
/** More than a session of the usual limit of processes can have waiting. */
const MAX_WAITING = 1024

/** Keeps a session that executes in a storm from holding up the others: first come, first served. */
export class ExecTurns {
  #running = 0
  #waiting: (() => void)[] = []

  /** Resolves at one's turn. @returns false when the line is too long already */
  take(): Promise<boolean> {
    if (this.#running < MAX_RUNNING) {
      this.#running += 1
      return Promise.resolve(true)
    }
    if (this.#waiting.length >= MAX_WAITING) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(true))
    })
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running -= 1
    else setImmediate(next) // whatever else has become ready comes first
  }
}
