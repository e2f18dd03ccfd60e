/** Work that must not overlap: each piece begins when the one before it has ended, well or badly. */
export class OneAtATime {
  #before: Promise<unknown> = Promise.resolve()

  /** Resolves and rejects as the work does; what fails keeps nobody behind it from their turn. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#before.then(work)
    this.#before = done.catch(() => undefined) // whoever asked for it has the error
    return done
  }
}
