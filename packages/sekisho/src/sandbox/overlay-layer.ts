import type { BigIntStats } from 'node:fs'
import { attemptSyscall, systemCallFailed } from '../kernel/libc.ts'
import type { OpenDirectory } from './open-tree.ts'

const SYS_FGETXATTR = 193
const OPAQUE = Buffer.from('trusted.overlay.opaque\0')
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
  const length = attemptSyscall(SYS_FGETXATTR, directory.handle.fd, OPAQUE, value, value.length)
  if (length === -ENODATA || length === -EOPNOTSUPP) return false
  if (length < 0) throw systemCallFailed('fgetxattr', -length)
  return length === 1 && value.toString() === 'y'
}
