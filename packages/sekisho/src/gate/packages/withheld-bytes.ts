/** Room for replies that are kept back while they are looked at. Nobody waits for it. */
export class WithheldBytes {
  readonly #outer: WithheldBytes | undefined
  readonly #maxBytes: number
  #held = 0

  /** @param outer room that many of these share */
  constructor(maxBytes: number, outer?: WithheldBytes) {
    this.#maxBytes = maxBytes
    this.#outer = outer
  }

  get held(): number {
    return this.#held
  }

  /** @returns whether there was room */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#maxBytes || this.#outer?.take(bytes) === false) return false
    this.#held += bytes
    return true
  }

  give(bytes: number): void {
    this.#held -= bytes
    this.#outer?.give(bytes)
  }
}
