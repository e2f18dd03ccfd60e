import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SekishoError } from '../../core/error.ts'

/** @param error null when `written` counts */
export type AppendDone = (error: Error | null, written: number) => void

/** What the log asks of a file system; a test puts a failing one in its place. */
export type LogFiles = {
  /** creates a file that must not exist, to append to; returns its descriptor */
  create(path: string): number
  /** appends; what it returns as written is durable (fdatasync) */
  append(descriptor: number, bytes: Uint8Array): number
  /** the same beside the calling thread; `bytes` must stay as they are until it is done */
  appendAside(descriptor: number, bytes: Uint8Array, done: AppendDone): void
  /** bytes in the file, durable or not */
  sizeOf(descriptor: number): number
  close(descriptor: number): void
  /** makes the names in a directory durable */
  syncDirectory(dir: string): void
}

/**
 * O_DSYNC makes write(2) return when the bytes are durable: one system call that is a write and
 * a fdatasync. It is also the only way here: under Node's permission model, which the keyholder
 * runs under, fs.fsync and fs.fdatasync are refused.
 */
const APPEND_DURABLY =
  constants.O_CREAT |
  constants.O_EXCL |
  constants.O_WRONLY |
  constants.O_APPEND |
  constants.O_DSYNC |
  constants.O_NOFOLLOW

export const nodeFiles: LogFiles = {
  create: (path) => openSync(path, APPEND_DURABLY, 0o640),
  append: (descriptor, bytes) => writeSync(descriptor, bytes),
  appendAside: (descriptor, bytes, done) => write(descriptor, bytes, done),
  sizeOf: (descriptor) => fstatSync(descriptor).size,
  close: closeSync,
  syncDirectory,
}

/**
 * Flushes a directory by a small SQLite transaction inside it.
 *
 * A file is durable only when its name is, which takes fsync(2) on the directory, which the
 * permission model refuses. SQLite does that fsync itself: with `synchronous=EXTRA` it flushes
 * the directory after it made and after it unlinked its rollback journal, and an fsync of a
 * directory is one for every name in it.
 */
export function syncDirectory(dir: string): void {
  const database = new DatabaseSync(join(dir, 'directory.sync'))
  try {
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA')
    const { turn } =
      database.prepare('SELECT user_version AS turn FROM pragma_user_version').get() ?? {}
    // bounded: SQLite keeps it in 32 bits
    database.exec(`PRAGMA user_version = ${(Number(turn) + 1) % 2 ** 30}`)
  } finally {
    database.close()
  }
}

const SQLITE_BUSY = 5

/**
 * Lets one process, and in it one writer, have the directory; gone with the process, however it
 * ends. A pid file would need /proc to tell a stale one, and could be outrun; this is a kernel
 * lock (fcntl) that SQLite takes on an empty database, the one way to a lock without FFI.
 *
 * @throws SekishoError DAEMON_RUNNING when another has it, LOG_UNWRITABLE when it cannot be made
 */
export function lockDirectory(dir: string): { release(): void } {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(dir, 'writer.lock'))
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database?.close()
    throw lockFailure(dir, cause)
  }
  const held = database
  return { release: () => held.close() }
}

function lockFailure(dir: string, cause: unknown): SekishoError {
  const busy = cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY
  return busy
    ? new SekishoError('DAEMON_RUNNING', `another process writes the log in ${dir}`, {
        hint: 'stop the other daemon, or give this one another state directory',
        cause,
      })
    : new SekishoError('LOG_UNWRITABLE', `cannot lock ${dir}`, {
        hint: 'make the directory writable for the keyholder and its disk not full',
        cause,
      })
}
