import { setTimeout as pause } from 'node:timers/promises'

/**
 * Whether the process that is up now is wired to the others. Until then it answers, and knows no
 * network or session yet: a session that begins meanwhile waits.
 */
export class Wiring {
  #isDone = false
  readonly #waiting: (() => void)[] = []

  done(): void {
    this.#isDone = true
    for (const resume of this.#waiting.splice(0)) resume()
  }

  lost(): void {
    this.#isDone = false
  }

  /** Resolves once a process is wired, or when it is not in time. */
  async whenDone(timeoutMs: number): Promise<void> {
    if (this.#isDone) return
    const done = new Promise<void>((resolve) => this.#waiting.push(resolve))
    await Promise.race([done, pause(timeoutMs, undefined, { ref: false })])
  }
}
