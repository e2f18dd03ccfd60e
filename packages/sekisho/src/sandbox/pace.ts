import { setImmediate as turn } from 'node:timers/promises'

/** How long others may be kept waiting. */
const STRETCH_MS = 4

/**
 * For work on many small files, where a promise for each call costs more than the call: done in
 * stretches, between which everybody else has a turn.
 */
export class Pace {
  #since = performance.now()

  async rest(): Promise<void> {
    if (performance.now() - this.#since < STRETCH_MS) return
    await turn()
    this.#since = performance.now()
  }
}
