import type { SekishoError } from '../core/error.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { MAX_TOLD } from '../wire/tell.ts'

/** What an action, or a call of a model, came to. Its reply has left: nobody waits for the record. */
export type Told = Extract<LeafInput, { type: 'action.outcome' | 'llm.call' }>

/** How long they gather, to be signed together. */
const GATHER_MS = 1
/**
 * How long they then wait for an intent: mostly they travel, and are flushed to the disk, with one. It
 * is 2 ms in all: what dies with the gate meanwhile is a gap leaf each.
 */
const TRAVEL_WAIT_MS = 1

/**
 * Resolves with what each of them was refused with; rejects for all of them.
 *
 * @param mayWaitMs how long they may stand before the channel for something to leave with
 */
type Send = (
  leaves: readonly Told[],
  mayWaitMs: number,
) => Promise<readonly (SekishoError | undefined)[]>

type Waiting = {
  leaf: Told
  resolve: () => void
  reject: (error: SekishoError) => void
}

/** Gathers what leaves under one signature. */
export class Telling {
  readonly #send: Send
  #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(send: Send) {
    this.#send = send
  }

  /** Resolves once it is recorded. @throws what it was refused with */
  add(leaf: Told): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ leaf, resolve, reject })
      if (this.#waiting.length >= MAX_TOLD) this.#leave(TRAVEL_WAIT_MS)
      else this.#timer ??= setTimeout(() => this.#leave(TRAVEL_WAIT_MS), GATHER_MS)
    })
  }

  /** What has gathered leaves now. */
  flush(): void {
    this.#leave(0)
  }

  #leave(mayWaitMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    const leaves = waiting.map(({ leaf }) => leaf)
    this.#send(leaves, mayWaitMs).then(
      (refusals) => {
        for (const [at, { resolve, reject }] of waiting.entries()) {
          const refusal = refusals[at]
          if (refusal === undefined) resolve()
          else reject(refusal)
        }
      },
      (error: SekishoError) => {
        for (const { reject } of waiting) reject(error)
      },
    )
  }
}
