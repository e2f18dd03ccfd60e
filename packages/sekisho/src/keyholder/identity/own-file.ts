import { randomBytes } from 'node:crypto'
import { closeSync, constants, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseJson } from '../../core/parse-json.ts'
import { makeDirectories } from '../../disk/make-directory.ts'
import type * as z from 'zod'
import { SekishoError } from '../../core/error.ts'
import { syncDirectory } from '../log/files.ts'

/** O_SYNC: durable once written; fs.fsync is refused under the permission model. */
const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_SYNC

/**
 * Reads a file of this process's own. @returns undefined when there is none
 * @throws SekishoError CONFIG_INVALID when it is there and not what was written
 */
export function readOwnFile<T>(path: string, schema: z.ZodType<T>): T | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw unreadable(path, cause)
  }
  try {
    return schema.parse(parseJson(text))
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/** Whole or not at all, and durable when it returns. @throws SekishoError LOG_UNWRITABLE */
export function writeOwnFile(path: string, content: object): void {
  const dir = dirname(path)
  const aside = join(dir, `.${randomBytes(8).toString('hex')}`)
  try {
    makeDirectories(dir, 0o700)
    const descriptor = openSync(aside, CREATE, 0o600)
    try {
      writeSync(descriptor, `${JSON.stringify(content)}\n`)
    } finally {
      closeSync(descriptor)
    }
    renameSync(aside, path)
    syncDirectory(dir)
  } catch (cause) {
    throw new SekishoError('LOG_UNWRITABLE', `${path} cannot be written`, {
      hint: 'free space on the disk of the state directory and see that it is writable',
      cause,
    })
  }
}

function unreadable(path: string, cause: unknown): SekishoError {
  return new SekishoError('CONFIG_INVALID', `${path} is not what the keyholder wrote`, {
    hint: 'put it back from a copy of the state directory; it says who signs for this platform',
    cause,
  })
}
