import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { makeDirectories } from '../disk/make-directory.ts'
import { SekishoError } from '../core/error.ts'
import { MASTER_KEY_BYTES } from './keys.ts'
import { syncDirectory } from './log/files.ts'

const FILE_NAME = 'master.key'
/** O_SYNC: durable once written; fs.fsync is refused under the permission model. */
const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_SYNC

/**
 * The secret that all others come from: read from its file, which is made the first time.
 *
 * The file appears whole or not at all (written aside, then linked), and never takes the place
 * of another: a second master key would orphan the log and every running session.
 *
 * @throws SekishoError CONFIG_INVALID when the file is not ours alone to read, or has not 32
 * bytes; LOG_UNWRITABLE on a full disk; PERMISSION_REQUIRED when the directory is somebody else's;
 * INTERNAL when it cannot be made or read otherwise
 */
export function loadMasterKey(dir: string): Buffer {
  try {
    const made = makeDirectories(dir, 0o700)
    if (made !== undefined) syncDirectory(dirname(dir))
    return readMasterKey(dir) ?? makeMasterKey(dir)
  } catch (cause) {
    if (cause instanceof SekishoError) throw cause
    if (isFull(cause)) {
      throw new SekishoError('LOG_UNWRITABLE', `no space is left in ${dir} for the log's key`, {
        hint: 'free space on the file system of the state directory, and start again',
        cause,
      })
    }
    if (isDenied(cause)) {
      throw new SekishoError('PERMISSION_REQUIRED', `${dir} is not the keyholder’s to use`, {
        hint: 'give the state directory the owner that it had: a copy keeps owners only with `cp -a` or `tar -p`, as root',
        cause,
      })
    }
    throw new SekishoError('INTERNAL', `the master key in ${dir} cannot be used`, {
      hint: 'make the state directory readable and writable for the keyholder',
      cause,
    })
  }
}

function isDenied(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && /^E(ACCES|PERM)$/.test(String(cause.code))
}

/** Directories are made durable through SQLite, which says so in its own words. */
function isFull(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  const code: unknown = Reflect.get(cause, 'code')
  return code === 'ENOSPC' || code === 'EDQUOT' || /disk is full|ENOSPC/.test(cause.message)
}

function readMasterKey(dir: string): Buffer | undefined {
  const path = join(dir, FILE_NAME)
  const descriptor = openExisting(path)
  if (descriptor === undefined) return undefined
  try {
    const { mode, size } = fstatSync(descriptor)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG || (mode & 0o077) !== 0) {
      throw new SekishoError('CONFIG_INVALID', `${path} is open to others`, {
        hint: `make it a file that only its owner can read: chmod 600 ${path}`,
      })
    }
    if (size !== MASTER_KEY_BYTES) {
      throw new SekishoError('CONFIG_INVALID', `${path} has ${size} bytes, not 32`, {
        hint: 'put the right file back from its copy; a new key cannot continue the old log',
      })
    }
    return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function makeMasterKey(dir: string): Buffer {
  const key = randomBytes(MASTER_KEY_BYTES)
  const aside = join(dir, `${FILE_NAME}.${randomBytes(8).toString('hex')}`)
  const descriptor = openSync(aside, CREATE, 0o600)
  try {
    writeSync(descriptor, key)
  } finally {
    closeSync(descriptor)
  }
  try {
    linkSync(aside, join(dir, FILE_NAME)) // fails where one exists, which rename would replace
  } finally {
    unlinkSync(aside)
  }
  syncDirectory(dir)
  return key
}
