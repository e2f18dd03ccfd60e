import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Store } from './facets.ts'

/** What is read again and again, the facts of sessions that run, is kept at hand; more is not. */
const MAX_CACHED = 16_384

/**
 * What a {@link FacetReader} remembers between two runs, in the index itself. Changes are held until
 * {@link flush}, in the transaction of the leaves that made them: most actions end within it, and
 * never reach the file.
 */
export class IndexStore implements Store {
  readonly #get: StatementSync
  readonly #put: StatementSync
  readonly #remove: StatementSync
  /** null: it is not there */
  readonly #cached = new Map<string, string | null>()
  readonly #changed = new Map<string, string | null>()

  constructor(database: DatabaseSync) {
    this.#get = database.prepare('SELECT value FROM memory WHERE key = ?')
    this.#put = database.prepare('INSERT OR REPLACE INTO memory (key, value) VALUES (?, ?)')
    this.#remove = database.prepare('DELETE FROM memory WHERE key = ?')
  }

  get(key: string): string | undefined {
    const changed = this.#changed.get(key)
    if (changed !== undefined) return changed ?? undefined
    return this.#kept(key) ?? undefined
  }

  set(key: string, value: string): void {
    this.#changed.set(key, value)
  }

  delete(key: string): void {
    if (this.#changed.has(key) || this.#kept(key) !== null) this.#changed.set(key, null)
  }

  /** Writes what has changed; to be called inside of a transaction. */
  flush(): void {
    for (const [key, value] of this.#changed) {
      if (value !== null) this.#put.run(key, value)
      else if (this.#kept(key) !== null) this.#remove.run(key)
      this.#remember(key, value)
    }
    this.#changed.clear()
  }

  #kept(key: string): string | null {
    const cached = this.#cached.get(key)
    if (cached !== undefined) return cached
    const value = this.#get.get(key)?.['value']
    const kept = typeof value === 'string' ? value : null
    this.#remember(key, kept)
    return kept
  }

  #remember(key: string, value: string | null): void {
    if (this.#cached.size >= MAX_CACHED) this.#cached.clear()
    this.#cached.set(key, value)
  }
}
