import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'

/** Of the instance that the environment names. */
export function logDirectory(): string {
  return join(pathsFrom(process.env).keyholderState, 'log')
}

/**
 * Whether a log is the instance's own, by whichever path it is named.
 *
 * @param given a directory that was named; the instance's own when it is none
 */
export function isOwnLog(given: unknown): boolean {
  const own = logDirectory()
  if (typeof given !== 'string' || given === own) return true
  try {
    return realpathSync(given) === realpathSync(own)
  } catch {
    return false // one of them is not there: then they are not the same
  }
}

/** The log's verification key, as the supervisor wrote it down. */
export function logKeyPath(): string {
  return pathsFrom(process.env).logKey
}

/** @throws SekishoError CONFIG_INVALID with `hint` */
export function readText(path: string, hint: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `${path} cannot be read`, { hint, cause })
  }
}

/** What to say of a log that could not be read. */
export function unreadable(directory: string, cause: unknown): SekishoError {
  if (cause instanceof SekishoError) return cause
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EACCES' || code === 'EPERM') {
    return new SekishoError('PERMISSION_REQUIRED', `${directory} is not open to this user`, {
      hint: 'run this command as root',
      cause,
    })
  }
  if (code === undefined) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new SekishoError('LOG_BROKEN', reason, { hint: 'run `sekisho log verify`', cause })
  }
  return new SekishoError('CONFIG_INVALID', `the log in ${directory} cannot be read`, {
    hint: 'start the platform once, or set SEKISHO_HOME to the instance that you mean',
    cause,
  })
}
