import type { BigIntStats } from 'node:fs'
import { attemptSyscall, syscall, systemCallFailed } from '../kernel/libc.ts'
import { OVERLAY_ATTRIBUTES } from '../kernel/own-ids.ts'
import type { OpenDirectory } from './open-tree.ts'

const SYS = { fgetxattr: 193, fsetxattr: 190, mknodat: 259, utimensat: 280 } as const
const AT_SYMLINK_NOFOLLOW = 0x100
/** a second */
const NS = 1_000_000_000n
const S_IFCHR = 0o020000
/** In a user namespace an overlay with `userxattr` marks so, and lets nobody through it do so. */
const OPAQUE = Buffer.from(`${OVERLAY_ATTRIBUTES}opaque\0`)
const ENODATA = 61
const EOPNOTSUPP = 95

/** A deletion, as the kernel writes it into an upper layer: a character device 0/0. */
export function isWhiteout(status: BigIntStats): boolean {
  return status.isCharacterDevice() && status.rdev === 0n
}

/**
 * Whether this directory of an upper layer hides the one below it wholly: it was deleted and made
 * again. Only the kernel can have said so; a `trusted` attribute is out of a session's reach.
 *
 * @see Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"
 */
export function isOpaque(directory: OpenDirectory): boolean {
  const value = Buffer.alloc(1)
  const length = attemptSyscall(SYS.fgetxattr, directory.handle.fd, OPAQUE, value, value.length)
  if (length === -ENODATA || length === -EOPNOTSUPP) return false
  if (length < 0) throw systemCallFailed('fgetxattr', -length)
  return length === 1 && value.toString() === 'y'
}

/** As the kernel would have deleted a name of the layer below. @throws SekishoError with the errno */
export function makeWhiteout(directory: OpenDirectory, name: string): void {
  syscall('mknodat', SYS.mknodat, directory.handle.fd, Buffer.from(`${name}\0`), S_IFCHR, 0)
}

/** @throws SekishoError with the errno */
export function makeOpaque(directory: OpenDirectory): void {
  syscall('fsetxattr', SYS.fsetxattr, directory.handle.fd, OPAQUE, Buffer.from('y'), 1, 0)
}

/** Sets an entry's time of modification to the nanosecond, which `node:fs` cannot. @param ns Unix */
export function setModified(directory: OpenDirectory, name: string, ns: bigint): void {
  const rest = ((ns % NS) + NS) % NS
  const times = Buffer.alloc(32) // struct timespec: accessed, modified
  for (const at of [0, 16]) {
    times.writeBigInt64LE((ns - rest) / NS, at)
    times.writeBigInt64LE(rest, at + 8)
  }
  const path = Buffer.from(`${name}\0`)
  syscall('utimensat', SYS.utimensat, directory.handle.fd, path, times, AT_SYMLINK_NOFOLLOW)
}
