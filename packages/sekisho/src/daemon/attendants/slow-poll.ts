import { type Clock, SYSTEM_CLOCK } from '../clock.ts'

/** Bounds how late a limit that nobody tells us of is noticed; an idle session costs 10 µs of it. */
const EVERY_MS = 500

/** One timer for everybody who has to look from time to time; none while nobody has. */
export class SlowPoll {
  readonly #clock: Pick<Clock, 'every'>
  readonly #looks = new Set<() => void>()
  #cancel: (() => void) | undefined

  constructor(clock: Pick<Clock, 'every'> = SYSTEM_CLOCK) {
    this.#clock = clock
  }

  /** @param look must not throw. @returns a function that ends it */
  add(look: () => void): () => void {
    this.#looks.add(look)
    this.#cancel ??= this.#clock.every(EVERY_MS, () => this.#lookAll())
    return () => {
      this.#looks.delete(look)
      if (this.#looks.size > 0) return
      this.#cancel?.()
      this.#cancel = undefined
    }
  }

  #lookAll(): void {
    for (const look of this.#looks) look()
  }
}
