import { DatabaseSync } from 'node:sqlite'
import * as z from 'zod'
import { parseJson } from '../../core/parse-json.ts'
import { SekishoError } from '../../core/error.ts'
import type { Head, Watched } from './judge.ts'

/**
 * What a witness has cosigned. A change is durable when it returns: SQLite flushes its journal,
 * the database and their directory before it answers (`synchronous = EXTRA`).
 */

/** So many heads of a log are remembered, to tell a fork of an older size; days of a busy log. */
const MAX_HEADS = 100_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS log (
    origin TEXT PRIMARY KEY, keys TEXT NOT NULL, refused TEXT,
    cosigned INTEGER NOT NULL DEFAULT 0, forks INTEGER NOT NULL DEFAULT 0,
    "badProofs" INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE IF NOT EXISTS head (
    origin TEXT NOT NULL, size INTEGER NOT NULL, turn INTEGER NOT NULL,
    root BLOB NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (origin, size), UNIQUE (origin, turn)
  ) STRICT;
`

const Bytes = z.instanceof(Uint8Array).transform((bytes) => Buffer.from(bytes))
const LogRow = z.object({
  origin: z.string(),
  keys: z.string().transform((text) => z.array(z.string()).parse(parseJson(text))),
  refused: z.string().nullable(),
  cosigned: z.int(),
  forks: z.int(),
  badProofs: z.int(),
})
const HeadRow = z.object({ size: z.int(), turn: z.int(), root: Bytes, note: z.string() })

export type LogRow = z.infer<typeof LogRow>
/** with the checkpoint as the log signed it */
export type HeadRow = z.infer<typeof HeadRow>
export type Counted = 'cosigned' | 'forks' | 'badProofs'

/** A log inside a change: reads see what no other change can alter meanwhile. */
export type Change = Pick<Watched, 'refused'> & {
  readonly head: HeadRow | null
  cosignedAt(size: number): HeadRow | undefined
  take(head: Head & { note: string }): void
  refuse(why: string): void
  count(what: Counted): void
}

export class WitnessStore {
  readonly #database: DatabaseSync

  /** @throws SekishoError LOG_UNWRITABLE */
  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path)
      this.#database.exec(
        'PRAGMA busy_timeout = 5000; PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA',
      )
      this.#database.exec(SCHEMA)
    } catch (cause) {
      throw new SekishoError('LOG_UNWRITABLE', `${path} cannot be opened`, {
        hint: 'make the directory writable for the witness, and its disk not full',
        cause,
      })
    }
  }

  close(): void {
    this.#database.close()
  }

  log(origin: string): LogRow | undefined {
    const row = this.#database.prepare('SELECT * FROM log WHERE origin = ?').get(origin)
    return row === undefined ? undefined : LogRow.parse(row)
  }

  logs(): LogRow[] {
    const rows = this.#database.prepare('SELECT * FROM log ORDER BY origin').all()
    return rows.map((row) => LogRow.parse(row))
  }

  newest(origin: string): HeadRow | null {
    const row = this.#database
      .prepare('SELECT * FROM head WHERE origin = ? ORDER BY size DESC LIMIT 1')
      .get(origin)
    return row === undefined ? null : HeadRow.parse(row)
  }

  /** Adds a log, or more keys to one that is there: a key is never taken away by adding one. */
  addLog(origin: string, vkeys: readonly string[]): void {
    this.#transaction(() => {
      const keys = JSON.stringify([...new Set([...(this.log(origin)?.keys ?? []), ...vkeys])])
      this.#database
        .prepare(
          'INSERT INTO log (origin, keys) VALUES (?, ?) ON CONFLICT DO UPDATE SET keys = excluded.keys',
        )
        .run(origin, keys)
    })
  }

  /** Takes checkpoints of a refused log again. false when it is not refused, or not known */
  resume(origin: string): boolean {
    const { changes } = this.#database
      .prepare('UPDATE log SET refused = NULL WHERE origin = ? AND refused IS NOT NULL')
      .run(origin)
    return Number(changes) === 1
  }

  /**
   * One change of one log, alone: no other process and no other request comes between what `judge`
   * reads and what it writes. What it wrote is durable when this returns; nothing is when it throws.
   */
  change<T>(origin: string, decide: (log: Change) => T): T {
    return this.#transaction(() => {
      const head = this.newest(origin)
      return decide({
        head,
        refused: this.log(origin)?.refused ?? null,
        cosignedAt: (size) => this.#headAt(origin, size),
        take: (next) => this.#take(origin, next, (head?.turn ?? 0) + 1),
        refuse: (why) => {
          this.#database.prepare('UPDATE log SET refused = ? WHERE origin = ?').run(why, origin)
        },
        count: (what) => {
          this.#database
            .prepare(`UPDATE log SET "${what}" = "${what}" + 1 WHERE origin = ?`)
            .run(origin)
        },
      })
    })
  }

  #headAt(origin: string, size: number): HeadRow | undefined {
    const row = this.#database
      .prepare('SELECT * FROM head WHERE origin = ? AND size = ?')
      .get(origin, size)
    return row === undefined ? undefined : HeadRow.parse(row)
  }

  #take(origin: string, { size, root, note }: Head & { note: string }, turn: number): void {
    this.#database
      .prepare('INSERT INTO head (origin, size, turn, root, note) VALUES (?, ?, ?, ?, ?)')
      .run(origin, size, turn, root, note)
    this.#database
      .prepare('DELETE FROM head WHERE origin = ? AND turn <= ?')
      .run(origin, turn - MAX_HEADS)
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#database.exec('COMMIT')
      return result
    } catch (thrown) {
      // a failed COMMIT may have ended it already
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw thrown
    }
  }
}
