import { closeSync, constants, openSync } from 'node:fs'
import { ERRNO } from './errno.ts'
import { check, libc } from './libc.ts'

/** ioctl_iflags(2), `linux/fs.h` */
const FS_IOC_GETFLAGS = 0x80086601
const FS_IOC_SETFLAGS = 0x40086602
const FS_APPEND_FL = 0x20
const ENOTTY = 25

/**
 * Makes a file append-only, as `chattr +a` does: until root takes the flag away, nobody, root
 * included, can change or cut what is in it.
 *
 * @returns false when its file system has no such flag
 * @throws SekishoError for any other failure
 */
export function makeAppendOnly(path: string): boolean {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const flags = Buffer.alloc(8)
    const known = libc.ioctl.attempt(fd, FS_IOC_GETFLAGS, flags)
    if (known === -ENOTTY || known === -ERRNO.EOPNOTSUPP) return false
    check('ioctl', known)
    flags.writeUInt32LE(flags.readUInt32LE(0) | FS_APPEND_FL, 0)
    const set = libc.ioctl.attempt(fd, FS_IOC_SETFLAGS, flags)
    if (set === -ERRNO.EOPNOTSUPP) return false
    check('ioctl', set)
    return true
  } finally {
    closeSync(fd)
  }
}
