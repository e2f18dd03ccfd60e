import { type Stats, lstatSync, readFileSync, realpathSync } from 'node:fs'
import { isAbsolute, sep } from 'node:path'
import { SekishoError } from '../core/error.ts'

/** Never a workspace, nor anything below: the system itself. */
const SYSTEM = [
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/proc',
  '/run',
  '/sbin',
  '/sys',
  '/usr',
]
/** Never a workspace as a whole, though a project may be below. */
const TOO_WIDE = [
  '/',
  '/home',
  '/media',
  '/mnt',
  '/opt',
  '/root',
  '/srv',
  '/tmp',
  '/var',
  '/var/cache',
  '/var/lib',
  '/var/log',
  '/var/mail',
  '/var/spool',
  '/var/tmp',
]

/**
 * Whether an agent may be given this directory.
 *
 * A link, a system directory, a whole home (with its keys and shell start files) and whatever
 * holds the platform's own state are refused.
 *
 * @param state the platform's state directory, absolute
 * @param passwd host path of passwd(5), for the users' homes
 * @throws SekishoError WORKSPACE_INVALID
 */
export function checkWorkspace(
  path: string,
  { state, passwd = '/etc/passwd' }: { state: string; passwd?: string },
): void {
  if (!isAbsolute(path) || hasControlCharacter(path)) {
    throw invalid(path, 'is not a plain absolute path', 'give the full path of the directory')
  }
  const status = statusOf(path)
  if (status.isSymbolicLink()) throw invalid(path, 'is a symbolic link', 'name what it leads to')
  if (!status.isDirectory()) throw invalid(path, 'is not a directory', 'name a project directory')
  const real = realpathSync(path)
  if (real !== path) throw invalid(path, `is really ${real}`, `use ${real}`)
  refuseSystem(path)
  if (homes(passwd).includes(path)) {
    throw invalid(path, 'is a whole home directory', 'name one project inside it')
  }
  if (contains(path, state) || contains(state, path)) {
    throw invalid(path, 'overlaps the state of the platform', 'name a project directory')
  }
}

function refuseSystem(path: string): void {
  if (TOO_WIDE.includes(path) || SYSTEM.some((directory) => contains(directory, path))) {
    throw invalid(path, 'is a system directory', 'name a project directory')
  }
}

function statusOf(path: string): Stats {
  try {
    return lstatSync(path)
  } catch (cause) {
    throw new SekishoError('WORKSPACE_INVALID', `workspace ${path} cannot be read`, {
      hint: 'check that the directory exists',
      cause,
    })
  }
}

function homes(passwd: string): string[] {
  const lines = readFileSync(passwd, 'utf8').split('\n')
  return lines.map((line) => line.split(':')[5] ?? '').filter((home) => home !== '')
}

function contains(directory: string, path: string): boolean {
  return (
    path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep)
  )
}

function hasControlCharacter(path: string): boolean {
  return Array.from(path).some((character) => character < ' ' || character === '\u007f')
}

function invalid(path: string, why: string, hint: string): SekishoError {
  return new SekishoError('WORKSPACE_INVALID', `workspace ${path} ${why}`, { hint })
}
