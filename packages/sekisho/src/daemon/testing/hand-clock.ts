import type { Clock } from '../clock.ts'

type Timer = { atMs: number; everyMs: number | undefined; act: () => void }

/** Time that passes when a test says so. */
export class HandClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<Timer>()

  get timers(): number {
    return this.#timers.size
  }

  nowMs(): number {
    return this.#nowMs
  }

  after(ms: number, act: () => void): () => void {
    return this.#add({ atMs: this.#nowMs + ms, everyMs: undefined, act })
  }

  every(ms: number, act: () => void): () => void {
    return this.#add({ atMs: this.#nowMs + ms, everyMs: ms, act })
  }

  /** Acts fall due in order; what they promise is settled in between. */
  async pass(ms: number): Promise<void> {
    const until = this.#nowMs + ms
    for (let due = this.#nextBy(until); due !== undefined; due = this.#nextBy(until)) {
      this.#nowMs = due.atMs
      if (due.everyMs === undefined) this.#timers.delete(due)
      else due.atMs += due.everyMs
      due.act()
      await settle()
    }
    this.#nowMs = until
    await settle()
  }

  #nextBy(untilMs: number): Timer | undefined {
    const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs)
    return due.sort((a, b) => a.atMs - b.atMs)[0]
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
