type ChainsOptions = {
  /** the snapshot that a running session began with; null for none */
  snapshotOf: (session: string) => string | null
  /** the session that was before all others of a snapshot */
  rootOf: (snapshot: string) => Promise<string>
}

/** Which session a session was forked from first: a fork has what is left of its chain, and no more. */
export class Chains {
  readonly #options: ChainsOptions
  readonly #known = new Map<string, Promise<string>>()

  constructor(options: ChainsOptions) {
    this.#options = options
  }

  /** @throws SekishoError when nobody can tell; asked again the next time */
  chainOf(session: string): Promise<string> {
    const known = this.#known.get(session)
    if (known !== undefined) return known
    const snapshot = this.#options.snapshotOf(session)
    if (snapshot === null) return Promise.resolve(session)
    const root = this.#options.rootOf(snapshot)
    this.#known.set(session, root)
    root.catch(() => this.#known.delete(session))
    return root
  }

  sessionEnded(session: string): void {
    this.#known.delete(session)
  }
}
