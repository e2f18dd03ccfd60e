/** Node and OpenSSL hold about 60 KB for each, idle or not: two thousand are 120 MB. */
const MAX_TLS_CONNECTIONS = 2_048

/** A connection whose TLS ends in the gate. */
export type TlsConnection = {
  /** whether nothing is asked on it right now: a client has to expect its end (RFC 9112 §9.5) */
  isIdle(): boolean
  close(): void
}

/**
 * The TLS connections of all sessions of a gate. Above a number, for each new one an idle one is
 * closed: the oldest of the session that holds most, so that who piles them up loses its own.
 */
export class IdleConnections {
  readonly #max: number
  /** of each session, oldest first */
  readonly #owned = new Map<object, Set<TlsConnection>>()
  #count = 0

  constructor(max: number = MAX_TLS_CONNECTIONS) {
    this.#max = max
  }

  /** @param owner the session @returns what tells that the connection is gone; idempotent */
  add(owner: object, connection: TlsConnection): () => void {
    const own = this.#owned.get(owner) ?? new Set()
    this.#owned.set(owner, own)
    own.add(connection)
    this.#count += 1
    if (this.#count > this.#max) this.#closeOne()
    return () => this.#remove(owner, connection)
  }

  #remove(owner: object, connection: TlsConnection): void {
    const own = this.#owned.get(owner)
    if (own?.delete(connection) !== true) return
    this.#count -= 1
    if (own.size === 0) this.#owned.delete(owner)
  }

  #closeOne(): void {
    const most = [...this.#owned].toSorted(([, a], [, b]) => b.size - a.size)
    for (const [owner, own] of most) {
      for (const connection of own) {
        if (!connection.isIdle()) continue
        this.#remove(owner, connection)
        return connection.close()
      }
    }
  }
}
