import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { api } from '../wire/api.ts'
import type { logRead } from '../wire/log-read.ts'
import { connect } from './client.ts'
import type { Terminal } from './command.ts'
import { isOwnLog, logDirectory } from './log-place.ts'

type What = ReturnType<(typeof logRead)['params']['parse']>['what']
type Reading = {
  what: What
  /** the command and its arguments, as they were given */
  query: readonly string[]
  /** the log's directory, where one was named: a reading of a copy is no reading of this log */
  log?: unknown
}

/** As the keyholder calls it. */
const WRITER_LOCK = 'writer.lock'
const NOT_SHOWN = 'this reading could not be put on record, so nothing is shown'
const TIMEOUT_MS = 30_000
const MAX_QUERY_LENGTH = 4096

/**
 * Has the running platform put on record that its log is read, and by whom; to be awaited before
 * anything is shown. Where none runs the files are read all the same, and stderr says so.
 *
 * @throws SekishoError LOG_UNWRITABLE where a platform runs that does not record it, PERMISSION_REQUIRED
 */
export async function recordReading(
  { what, query, log }: Reading,
  terminal: Pick<Terminal, 'err'>,
): Promise<void> {
  if (!isOwnLog(log)) return
  const { apiSocket } = pathsFrom(process.env)
  const peer = await connect(apiSocket, api).catch((error: unknown) => {
    if (!isNobodyThere(error)) throw error
    refuseBesideWriter()
    terminal.err(`no platform runs at ${apiSocket}: this reading of the log is not on record`)
    return undefined
  })
  if (peer === undefined) return
  try {
    const text = query.join(' ').slice(0, MAX_QUERY_LENGTH)
    await peer.call('log.read', { what, query: text }, { timeoutMs: TIMEOUT_MS })
  } catch (cause) {
    throw new SekishoError('LOG_UNWRITABLE', NOT_SHOWN, {
      hint: 'run `sekisho status`; the log is read without a record only while nothing runs',
      cause,
    })
  } finally {
    peer.close()
  }
}

/** A platform whose socket was taken away still writes the log, and would not know of this. */
function refuseBesideWriter(): void {
  if (!isLocked(join(logDirectory(), WRITER_LOCK))) return
  throw new SekishoError('LOG_UNWRITABLE', NOT_SHOWN, {
    hint: 'a process writes this log and does not answer at its socket: stop it, or start it again',
  })
}

/** proc_locks(5): `1: POSIX ADVISORY WRITE 4242 fd:01:131075 0 EOF`. */
function isLocked(path: string): boolean {
  let inode: number
  try {
    inode = statSync(path).ino
  } catch {
    return false // there is no log, or not for this user: the reading itself will say so
  }
  const locks = readFileSync('/proc/locks', 'utf8').split('\n')
  return locks.some((line) => /^\S+ +(?!->)/.test(line) && line.includes(`:${inode} `))
}

/** Not one who is too busy to answer: that one would have recorded it. */
function isNobodyThere(error: unknown): boolean {
  if (!(error instanceof SekishoError) || error.code !== 'DAEMON_UNREACHABLE') return false
  const { cause } = error
  if (!(cause instanceof Error) || !('code' in cause)) return false
  return cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED'
}
