import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import { RootFile } from '../wire/root.ts'
import type { Paths } from './paths.ts'
import { refuseIfOpen } from './root-secret.ts'
import { isMissing } from './session-record.ts'

const MAX_FILE_BYTES = 64 * 1024

/**
 * @returns undefined where no root key was made yet
 * @throws SekishoError CONFIG_INVALID for a file that is not whole; PERMISSION_REQUIRED for one that
 *   others can read: what they have, they can guess at
 */
export function readRootFile(path: string): RootFile | undefined {
  const text = readPrivately(path)
  if (text === undefined) return undefined
  const parsed = RootFile.safeParse(parse(text))
  if (parsed.success) return parsed.data
  throw damaged(path, parsed.error)
}

/**
 * A platform has one root for the whole life of its log: another could certify nothing that the log
 * takes, and the file of the one before could not be put back in its place.
 *
 * @throws SekishoError USAGE where a root is kept or pinned, or where the log has begun
 */
export function refuseSecondRoot({ rootFile, rootKey, keyholderState }: Paths): void {
  if (readRootFile(rootFile) !== undefined) {
    throw new SekishoError('USAGE', `${rootFile} is there already`, {
      hint: 'a platform has one root: `sekisho root show`',
    })
  }
  const logDirectory = join(keyholderState, 'log')
  const begun = existsSync(rootKey) ? rootKey : logDirectory
  if (begun === logDirectory && !hasFiles(logDirectory)) return
  throw new SekishoError('USAGE', `this platform has begun without ${rootFile}: see ${begun}`, {
    hint: 'put root.json back from its copy, if it had one; else move the state directory away to begin anew',
  })
}

function hasFiles(directory: string): boolean {
  try {
    return readdirSync(directory).length > 0
  } catch (error) {
    if (isMissing(error)) return false
    throw new SekishoError('PERMISSION_REQUIRED', `${directory} is not open to this user`, {
      hint: 'run this command as root',
      cause: error,
    })
  }
}

/** Keeps a root that was just made: whole or not at all, and never over another. */
export function writeRootFile(path: string, file: RootFile): void {
  const aside = writeAside(path, file)
  try {
    linkSync(aside, path) // fails where one exists, which rename would replace
  } catch (cause) {
    throw new SekishoError('USAGE', `${path} is there already: this platform has a root key`, {
      hint: 'see it with `sekisho root show`; another root is for another state directory',
      cause,
    })
  } finally {
    unlinkSync(aside)
  }
  flush(dirname(path))
}

function writeAside(path: string, file: RootFile): string {
  const aside = `${path}.${process.pid}`
  try {
    const text = `${JSON.stringify(file, undefined, 2)}\n`
    writeFileSync(aside, text, { mode: 0o600, flag: 'wx', flush: true })
    return aside
  } catch (cause) {
    throw new SekishoError('INTERNAL', `${aside} cannot be written`, {
      hint: 'make the state directory writable, and remove a file of that name',
      cause,
    })
  }
}

function flush(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function readPrivately(path: string): string | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { mode, size } = fstatSync(fd)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG || size > MAX_FILE_BYTES)
      throw damaged(path)
    refuseIfOpen(path, mode)
    return readFileSync(fd, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    if (error instanceof SekishoError) throw error
    throw damaged(path, error)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function parse(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

function damaged(path: string, cause?: unknown): SekishoError {
  return new SekishoError('CONFIG_INVALID', `${path} is not the whole file of a root key`, {
    hint: 'put it back from its copy',
    cause,
  })
}
