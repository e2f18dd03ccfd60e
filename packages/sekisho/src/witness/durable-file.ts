import { closeSync, constants, openSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * O_DSYNC, not fsync: under Node's permission model, which the exporter runs under, fs.fsync is
 * refused. O_NOFOLLOW: nobody's link decides where it is written.
 */
const WRITE_DURABLY =
  constants.O_CREAT | constants.O_WRONLY | constants.O_DSYNC | constants.O_NOFOLLOW

/**
 * Makes a file that must not exist; it is durable, name and all, when this returns.
 *
 * @throws Error of the file system
 */
export function createDurably(path: string, text: string, mode: number): void {
  writeAll(path, text, { flags: WRITE_DURABLY | constants.O_EXCL, mode })
  syncDirectory(dirname(path))
}

/**
 * Puts a file in the place of another: after a crash it is the old one or the new one, whole.
 *
 * @throws Error of the file system
 */
export function replaceDurably(path: string, text: string, mode: number): void {
  const next = `${path}.next`
  writeAll(next, text, { flags: WRITE_DURABLY | constants.O_TRUNC, mode })
  renameSync(next, path)
  syncDirectory(dirname(path))
}

function writeAll(path: string, text: string, how: { flags: number; mode: number }): void {
  const descriptor = openSync(path, how.flags, how.mode)
  try {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
  } finally {
    closeSync(descriptor)
  }
}

/** SQLite flushes the directory of its journal (`synchronous = EXTRA`), and so every name in it. */
function syncDirectory(dir: string): void {
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
