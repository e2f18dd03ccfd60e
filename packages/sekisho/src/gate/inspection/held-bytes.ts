import { SekishoError } from '../../core/error.ts'

/** How long a request waits for room; those before it are read or broken off by then. */
const WAIT_MS = 60_000
const MAX_WAITING = 4_096

/** @param keepBytes what is still needed; left out: nothing */
export type GiveBack = (keepBytes?: number) => void

type Waiting = { bytes: number; enter(): void }

/**
 * Room for bodies that are looked at whole. Each takes all that it may need before its first byte
 * is read, so that no two wait for each other; in the order of asking.
 */
export class HeldBytes {
  readonly #outer: HeldBytes | undefined
  readonly #maxBytes: number
  readonly #waiting: Waiting[] = []
  #held = 0

  /** @param outer room that many of these share, taken after one's own */
  constructor(maxBytes: number, outer?: HeldBytes) {
    this.#maxBytes = maxBytes
    this.#outer = outer
  }

  get held(): number {
    return this.#held
  }

  /**
   * Resolves once there is room, with what gives back all but some of it; calling that again takes
   * no more.
   *
   * @param bytes more than the whole room takes the whole room
   * @throws SekishoError TIMEOUT when there was none in time, or too many wait
   */
  async take(bytes: number): Promise<GiveBack> {
    let own = Math.min(bytes, this.#maxBytes)
    await this.#enter(own)
    const outer = await this.#takeOuter(own)
    return (keepBytes = 0) => {
      if (keepBytes >= own) return
      this.#leave(own - keepBytes)
      outer?.(keepBytes)
      own = keepBytes
    }
  }

  async #takeOuter(own: number): Promise<GiveBack | undefined> {
    try {
      return await this.#outer?.take(own)
    } catch (error) {
      this.#leave(own)
      throw error
    }
  }

  #enter(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#held + bytes <= this.#maxBytes) {
      this.#held += bytes
      return Promise.resolve()
    }
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(noRoom('too many wait'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(noRoom(`none in ${WAIT_MS} ms`))
        this.#admit()
      }, WAIT_MS)
      const entry: Waiting = {
        bytes,
        enter: () => {
          clearTimeout(timer)
          resolve()
        },
      }
      this.#waiting.push(entry)
    })
  }

  #leave(bytes: number): void {
    this.#held -= bytes
    this.#admit()
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#held + next.bytes > this.#maxBytes) return
      this.#waiting.shift()
      this.#held += next.bytes
      next.enter()
    }
  }
}

function noRoom(why: string): SekishoError {
  return new SekishoError('TIMEOUT', `no room to look at a body: ${why}`)
}
