import { POST_QUANTUM_EVERY_MS } from './checkpoints.ts'

/**
 * Asks for the checkpoint that nobody's leaf brings about: the last one before the log falls idle
 * may carry one signature only.
 */
export class IdleSigning {
  readonly #isBusy: () => boolean
  readonly #sign: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(log: { isBusy: () => boolean; sign: () => void }) {
    this.#isBusy = log.isBusy
    this.#sign = log.sign
  }

  /** Called after each batch; keeps no process alive. */
  arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      if (this.#isBusy()) this.arm()
      else this.#sign()
    }, POST_QUANTUM_EVERY_MS).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
