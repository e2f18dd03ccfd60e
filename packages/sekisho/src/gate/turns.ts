import { setTimeout as pause } from 'node:timers/promises'

/** A piece is at most 64 KiB: some 50 MB/s for a session, a quarter of what a gate can carry. */
const EVERY_MS = 1

/**
 * Lets one piece of a session's long bodies through each millisecond, however many connections they
 * come on: an upload must not keep the gate from the requests of other sessions.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Resolves when it is the caller's turn, in the order of asking. */
  async next(): Promise<void> {
    const before = this.#last
    this.#last = before.then(() => pause(EVERY_MS))
    await before
  }
}
