import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { SekishoError } from '../../core/error.ts'

/** Not flushed one by one: what a crash takes is read again from the log. */
const SCHEMA = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS read (one INTEGER PRIMARY KEY CHECK (one = 1), segment INTEGER NOT NULL) STRICT;
`

/** Written together once this many wait, or nothing else is to be done. */
const MAX_WAITING = 256

/**
 * Every session id that the log has begun, and every key that a gate came with: none comes again. An index, which can be made anew
 * from the log.
 */
export class UsedIds {
  readonly #database: DatabaseSync
  readonly #has: StatementSync
  readonly #add: StatementSync
  readonly #waiting = new Set<string>()

  /** @throws SekishoError CONFIG_INVALID when it is there and cannot be read */
  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path)
      this.#database.exec(SCHEMA)
      this.#has = this.#database.prepare('SELECT 1 FROM sessions WHERE id = ?')
      this.#add = this.#database.prepare('INSERT OR IGNORE INTO sessions (id) VALUES (?)')
    } catch (cause) {
      throw new SekishoError('CONFIG_INVALID', `${path} does not hold the ids of sessions`, {
        hint: 'remove it: it is made again from the log',
        cause,
      })
    }
  }

  /** Segment from which on the log has to be read for ids that are not in here. */
  get readFrom(): number {
    return Number(this.#database.prepare('SELECT segment FROM read').get()?.['segment'] ?? 0)
  }

  /** All of the log's ids are in here, up to what begins in this segment. */
  catchUp(sessions: readonly string[], newest: number): void {
    for (const id of sessions) this.#waiting.add(id)
    this.flush()
    this.#database.prepare('INSERT OR REPLACE INTO read (one, segment) VALUES (1, ?)').run(newest)
  }

  has(id: string): boolean {
    return this.#waiting.has(id) || this.#has.get(id) !== undefined
  }

  /** Costs a session's start next to nothing: it is written with others, later. */
  add(id: string): void {
    this.#waiting.add(id)
    if (this.#waiting.size >= MAX_WAITING) this.flush()
  }

  /** @throws SekishoError LOG_UNWRITABLE; what waits is kept */
  flush(): void {
    if (this.#waiting.size === 0) return
    try {
      this.#database.exec('BEGIN')
      for (const id of this.#waiting) this.#add.run(id)
      this.#database.exec('COMMIT')
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw new SekishoError('LOG_UNWRITABLE', 'the ids of sessions cannot be written down', {
        hint: 'free space on the disk of the state directory and see that it is writable',
        cause,
      })
    }
    this.#waiting.clear()
  }

  close(): void {
    if (!this.#database.isOpen) return
    this.flush()
    this.#database.close()
  }
}
