import { chmodSync, closeSync, openSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** Any other is built anew: the index holds nothing that is not in the log. */
export const INDEX_VERSION = 1

/** Another process may be building it. */
const BUSY_TIMEOUT_MS = 120_000

/**
 * `head`: where reading goes on, and the checkpoint before that place.
 * `leaf`: where each stands in the files, its time (Unix ms) and 48 bits of its SHA-256.
 * `term`: each value of each facet, which is the word `f` and its id in `text`; what leaves say is
 * there as `w` and the word. `memory`: what later leaves are found by because of earlier ones.
 */
const SCHEMA = `
  CREATE TABLE head (
    segment INTEGER NOT NULL, next INTEGER NOT NULL, size INTEGER NOT NULL,
    seal_start INTEGER NOT NULL, seal_digest TEXT NOT NULL
  );
  CREATE TABLE leaf (
    position INTEGER PRIMARY KEY, segment INTEGER NOT NULL, start INTEGER NOT NULL,
    length INTEGER NOT NULL, at INTEGER, print INTEGER NOT NULL
  );
  CREATE INDEX leaf_at ON leaf (at);
  CREATE TABLE term (
    id INTEGER PRIMARY KEY, facet TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (facet, value)
  );
  CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE VIRTUAL TABLE text USING fts5(
    words, content='', columnsize=0, detail=none, tokenize="ascii tokenchars '_'"
  );
  PRAGMA user_version = ${INDEX_VERSION};
`

/**
 * The index's file, of this version, new where there is none.
 *
 * @param file '' for one that is gone once it is closed
 * @throws Error where it can be neither opened nor made
 */
export function openDatabase(file: string): DatabaseSync {
  if (file !== '') makePrivate(file)
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
  try {
    // a power cut loses at most the last transactions, which are read from the log again
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    database.exec('PRAGMA cache_size = -65536; PRAGMA temp_store = FILE')
    database.exec('BEGIN IMMEDIATE')
    const version = database.prepare('PRAGMA user_version').get()?.['user_version']
    if (version === 0) database.exec(SCHEMA)
    database.exec('COMMIT')
    if (version !== 0 && version !== INDEX_VERSION) throw new OtherVersion('another version')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** The file is an index that another version of this program has made. */
class OtherVersion extends Error {}

/** Whether an index is to be made anew because of this. */
export function isUnusable(error: unknown): boolean {
  if (error instanceof OtherVersion) return true
  if (!(error instanceof Error) || !('errcode' in error)) return false
  const { errcode } = error
  // SQLITE_ERROR too: a file of another program has other tables
  return typeof errcode === 'number' && [1, 11, 26].includes(errcode & 0xff)
}

/** Whether there is no room for an index where it was to be: a full or read-only disk, no directory. */
export function isUnwritable(error: unknown, file: string): boolean {
  if (!(error instanceof Error) || file === '') return false
  if ('path' in error && error.path === file) return true
  return (
    'errcode' in error && typeof error.errcode === 'number' && NO_ROOM.has(error.errcode & 0xff)
  )
}

/** SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN */
const NO_ROOM: ReadonlySet<number> = new Set([8, 10, 13, 14])

export function removeDatabase(file: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${end}`, { force: true })
}

/** It tells what every session did, as the log does. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
}
