import { DatabaseSync, type StatementSync } from 'node:sqlite'
import * as z from 'zod'
import { parseJson } from '../../core/parse-json.ts'
import { SekishoError } from '../../core/error.ts'
import type { SessionState } from '../../lifecycle/session-state.ts'
import type { KnownStates } from './recorded-sessions.ts'

/** Not flushed one by one: what a crash takes is read again from the log. */
const SCHEMA = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS open (session TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS read (one INTEGER PRIMARY KEY CHECK (one = 1), segment INTEGER NOT NULL) STRICT;
`

/** Written together once this many wait. */
const MAX_WAITING = 256

const State = z.strictObject({
  v: z.literal(1),
  session: z.string(),
  agent: z.string(),
  configuration: z.string(),
  phase: z.enum(['running', 'frozen', 'contained', 'revoked', 'ended', 'lost']),
  seq: z.int().min(0),
  identity: z.string(),
  trigger: z.string(),
  exitCode: z.int().nullable(),
}) satisfies z.ZodType<SessionState>
const OpenRow = z.object({
  session: z.string(),
  state: z
    .string()
    .transform((text): unknown => parseJson(text))
    .pipe(State),
})

/**
 * Every session id that the log has begun, and every key that a gate came with: none comes again.
 * Beside them the states of open sessions, so that a restart need not read weeks of log. An index:
 * ids of sessions and their states can be made anew from the log.
 */
export class UsedIds {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #has: StatementSync
  readonly #add: StatementSync
  readonly #waiting = new Set<string>()

  /** @throws SekishoError CONFIG_INVALID when it is there and cannot be read */
  constructor(path: string) {
    this.#path = path
    try {
      this.#database = new DatabaseSync(path)
      this.#database.exec(SCHEMA)
      this.#has = this.#database.prepare('SELECT 1 FROM sessions WHERE id = ?')
      this.#add = this.#database.prepare('INSERT OR IGNORE INTO sessions (id) VALUES (?)')
    } catch (cause) {
      throw unreadable(path, cause)
    }
  }

  /** Segment from which on the log has to be read for ids that are not in here. */
  get readFrom(): number {
    return Number(this.#database.prepare('SELECT segment FROM read').get()?.['segment'] ?? 0)
  }

  /** @throws SekishoError CONFIG_INVALID */
  get known(): KnownStates {
    const rows = this.#database.prepare('SELECT session, state FROM open').all()
    const parsed = z.array(OpenRow).safeParse(rows)
    if (!parsed.success) throw unreadable(this.#path, parsed.error)
    const states = new Map(parsed.data.map(({ session, state }) => [session, state]))
    return { from: this.readFrom, states }
  }

  /**
   * All of the log's ids are in here, up to what begins in this segment; and what no segment before
   * it changes of these states, which are those of all sessions that were open then.
   *
   * @throws SekishoError LOG_UNWRITABLE: it is read from where it was read before
   */
  keepPlace(segment: number, states: Iterable<SessionState>): void {
    this.#change(() => {
      this.#addWaiting()
      this.#database.exec('DELETE FROM open')
      const add = this.#database.prepare('INSERT INTO open (session, state) VALUES (?, ?)')
      for (const state of states) add.run(state.session, JSON.stringify(state))
      this.#database
        .prepare('INSERT OR REPLACE INTO read (one, segment) VALUES (1, ?)')
        .run(segment)
    })
  }

  has(id: string): boolean {
    return this.#waiting.has(id) || this.#has.get(id) !== undefined
  }

  /** Called while nothing has happened yet that must be followed by {@link add}. @throws LOG_UNWRITABLE */
  makeRoom(): void {
    if (this.#waiting.size >= MAX_WAITING) this.flush()
  }

  /** Costs a session's start next to nothing: it is written with others, later. */
  add(id: string): void {
    this.#waiting.add(id)
  }

  /** @throws SekishoError LOG_UNWRITABLE; what waits is kept */
  flush(): void {
    if (this.#waiting.size > 0) this.#change(() => this.#addWaiting())
  }

  #addWaiting(): void {
    for (const id of this.#waiting) this.#add.run(id)
  }

  #change(make: () => void): void {
    try {
      this.#database.exec('BEGIN')
      make()
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

function unreadable(path: string, cause: unknown): SekishoError {
  return new SekishoError('CONFIG_INVALID', `${path} does not hold the ids of sessions`, {
    hint: 'remove it: it is made again from the log',
    cause,
  })
}
