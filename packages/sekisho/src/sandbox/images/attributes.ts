import { attemptSyscall, check } from '../../kernel/libc.ts'
import { OVERLAY_ATTRIBUTES } from '../../kernel/own-ids.ts'

const SYS = { lsetxattr: 189, lgetxattr: 192, llistxattr: 195, lremovexattr: 198 } as const
const ENODATA = 61
const EOPNOTSUPP = 95
/** Linux allows 64 KiB of names and of a value. */
const MAX_BYTES = 65_536
const OPAQUE = `${OVERLAY_ATTRIBUTES}opaque`

/**
 * Says of a directory in an upper layer that nothing of the layers below shows in it.
 *
 * @see Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"
 */
export function makeOpaque(directory: string): void {
  const value = Buffer.from('y')
  check(
    'lsetxattr',
    attemptSyscall(SYS.lsetxattr, text(directory), text(OPAQUE), value, value.length, 0),
    'Use a kernel whose tmpfs has extended attributes (CONFIG_TMPFS_XATTR).',
  )
}

/** Names of the extended attributes of the entry itself. @throws SekishoError with the errno */
export function listAttributes(path: Buffer): string[] {
  const size = attemptSyscall(SYS.llistxattr, ended(path), null, 0)
  if (size === 0 || size === -EOPNOTSUPP) return []
  const names = Buffer.alloc(Math.min(check('llistxattr', size), MAX_BYTES))
  const length = attemptSyscall(SYS.llistxattr, ended(path), names, names.length)
  return names.toString('latin1', 0, check('llistxattr', length)).split('\0').filter(Boolean)
}

/** undefined when it has none of this name. @throws SekishoError with the errno */
export function readAttribute(path: Buffer, name: string, maxBytes: number): Buffer | undefined {
  const value = Buffer.alloc(maxBytes)
  const length = attemptSyscall(SYS.lgetxattr, ended(path), text(name), value, value.length)
  if (length === -ENODATA || length === -EOPNOTSUPP) return undefined
  return value.subarray(0, check('lgetxattr', length))
}

/** @throws SekishoError with the errno */
export function removeAttribute(path: Buffer, name: string): void {
  check('lremovexattr', attemptSyscall(SYS.lremovexattr, ended(path), text(name)))
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

function ended(path: Buffer): Buffer {
  return Buffer.concat([path, Buffer.from([0])])
}
