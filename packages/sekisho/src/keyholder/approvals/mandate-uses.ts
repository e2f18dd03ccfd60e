import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { SekishoError } from '../../core/error.ts'
import type { Mandate } from '../../wire/decision.ts'

/** A commit is one flush of the write-ahead log; nobody else opens the file. */
const SCHEMA = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS uses (
    digest TEXT PRIMARY KEY,
    uses INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
  ) STRICT;
`

/** The test and the count are one statement: two never take the last one. */
const TAKE = `
  INSERT INTO uses (digest, uses, expires_at_ms) VALUES (?, 1, ?)
  ON CONFLICT (digest) DO UPDATE SET uses = uses + 1 WHERE uses < ?
`

/**
 * How often each mandate has been used, by its digest: one that is changed is another, and is signed
 * anew. A use is on the disk before it is granted: whoever is killed in between has counted one too
 * many, never one too few.
 */
export class MandateUses {
  readonly #database: DatabaseSync
  readonly #take: StatementSync

  /**
   * @param path of the database; made when it is not there
   * @throws SekishoError CONFIG_INVALID when it is there and cannot be read
   */
  constructor(path: string, now: Date) {
    try {
      this.#database = new DatabaseSync(path)
      this.#database.exec(SCHEMA)
      this.#database.prepare('DELETE FROM uses WHERE expires_at_ms <= ?').run(now.getTime())
      this.#take = this.#database.prepare(TAKE)
    } catch (cause) {
      throw new SekishoError('CONFIG_INVALID', `${path} does not count the uses of mandates`, {
        hint: 'restore it; without it no mandate would know how often it was used',
        cause,
      })
    }
  }

  /**
   * Takes one use.
   *
   * @returns false when none is left
   * @throws SekishoError LOG_UNWRITABLE: then it is not granted
   */
  take({ digest, maxUses, expiresAtMs }: Mandate): boolean {
    try {
      return this.#take.run(digest, expiresAtMs, maxUses).changes === 1
    } catch (cause) {
      throw new SekishoError('LOG_UNWRITABLE', 'the use of a mandate cannot be written down', {
        hint: 'free disk space; make the state directory writable for the keyholder',
        cause,
      })
    }
  }

  close(): void {
    this.#database.close()
  }
}
