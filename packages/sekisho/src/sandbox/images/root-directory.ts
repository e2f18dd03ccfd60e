import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { dirname, isAbsolute, sep } from 'node:path'
import { SekishoError } from '../../core/error.ts'

/** The host's own root, or what of it is made by the kernel: never a session's root. */
const REFUSED = ['/', '/boot', '/dev', '/proc', '/run', '/sys', '/usr', '/etc', '/home', '/root']
const WORLD_WRITABLE = 0o002
const STICKY = 0o1000

/**
 * Whether a directory may be the root file system of a session: one that no other user of this
 * machine can change or exchange, and that shows nothing of the platform.
 *
 * @param state the platform's state directory, absolute
 * @throws SekishoError ROOTFS_INVALID
 */
export function checkRootDirectory(path: string, { state }: { state: string }): void {
  if (!isAbsolute(path)) throw invalid(path, 'is not an absolute path', 'give the full path')
  const status = statusOf(path)
  if (status.isSymbolicLink()) throw invalid(path, 'is a symbolic link', 'name what it leads to')
  if (!status.isDirectory()) throw invalid(path, 'is not a directory', 'name a directory')
  const real = realpathSync(path)
  if (real !== path) throw invalid(path, `is really ${real}`, `use ${real}`)
  if (REFUSED.includes(path))
    throw invalid(path, 'belongs to the host', 'name a directory of yours')
  if (contains(path, state) || contains(state, path)) {
    throw invalid(path, 'overlaps the state of the platform', 'name another directory')
  }
  refuseWritable(path, status)
}

function refuseWritable(path: string, status: Stats): void {
  if ((status.mode & WORLD_WRITABLE) !== 0) {
    throw invalid(path, 'can be written by every user', `run \`chmod o-w ${path}\``)
  }
  for (let above = dirname(path); ; above = dirname(above)) {
    const { mode } = statusOf(above)
    if ((mode & WORLD_WRITABLE) !== 0 && (mode & STICKY) === 0) {
      throw invalid(
        path,
        `can be exchanged by every user in ${above}`,
        `run \`chmod o-w ${above}\``,
      )
    }
    if (above === '/') return
  }
}

function statusOf(path: string): Stats {
  try {
    return lstatSync(path)
  } catch (cause) {
    throw new SekishoError('ROOTFS_INVALID', `root file system ${path} cannot be read`, {
      hint: 'check that the directory exists',
      cause,
    })
  }
}

function contains(directory: string, path: string): boolean {
  return path === directory || path.startsWith(`${directory}${sep}`)
}

function invalid(path: string, why: string, hint: string): SekishoError {
  return new SekishoError('ROOTFS_INVALID', `root file system ${path} ${why}`, { hint })
}
