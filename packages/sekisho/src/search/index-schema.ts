import { chmodSync, closeSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { SekishoError } from '../core/error.ts'

/** Any other is built anew: the index holds nothing that is not in the log. */
export const INDEX_VERSION = 1

/** `skix`: tells an index from any other database, in its header. */
const APPLICATION_ID = 0x736b6978
const MAGIC = Buffer.from('SQLite format 3\0')
/** Where a database has its application's id (SQLite file format, §1.3.15). */
const APPLICATION_ID_OFFSET = 68
const HEADER_BYTES = 100

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
    // in the file itself before anything goes into a write-ahead log beside it
    const pages = database.prepare('PRAGMA page_count').get()?.['page_count']
    if (pages === 0) database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
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

/**
 * What a person names may be anything, a system's own file by a slip: only what is empty, not there
 * or an index may be written to, or made anew.
 *
 * @throws SekishoError CONFIG_INVALID for anything else, which is left as it is
 */
export function refuseForeign(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined || (found.isFile() && (found.size === 0 || isIndex(file)))) return
  throw new SekishoError('CONFIG_INVALID', `${file} is no index of this program`, {
    hint: 'name a file that is not there yet, or an index that was made by --index',
  })
}

function isIndex(file: string): boolean {
  const header = Buffer.alloc(HEADER_BYTES)
  const handle = openSync(file, 'r')
  try {
    const bytes = readSync(handle, header, 0, HEADER_BYTES, 0)
    return (
      bytes === HEADER_BYTES &&
      header.subarray(0, MAGIC.length).equals(MAGIC) &&
      header.readUInt32BE(APPLICATION_ID_OFFSET) === APPLICATION_ID
    )
  } finally {
    closeSync(handle)
  }
}

export function removeDatabase(file: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${end}`, { force: true })
}

/** It tells what every session did, as the log does. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
}
