import { ERRNO } from './errno.ts'
import { attemptSyscall, check, libc, syscall, systemCallFailed } from './libc.ts'

const SYS = { openTree: 428, moveMount: 429, openat2: 437, mountSetattr: 442 } as const
const AT_EMPTY_PATH = 0x1000
const OPEN_TREE_CLONE = 0x1
const OPEN_TREE_CLOEXEC = 0o2000000
/** MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH: both ends are descriptors */
const BY_DESCRIPTORS = 0x4 | 0x40
/** read-only, no set-user-id, no devices */
const MOUNT_ATTR_COVER = 0x1 | 0x2 | 0x4
const MS_PRIVATE = 0x40000
const O_PATH_NOFOLLOW_CLOEXEC = 0o10000000 | 0o400000 | 0o2000000
/** RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH */
const RESOLVE_STRICTLY = 0x02 | 0x04 | 0x08
/** the path leads out, which RESOLVE_BENEATH answers so */
const EXDEV = 18
const ENOTDIR = 20
const ELOOP = 40
const EMPTY = Buffer.from('\0')

/**
 * Opens what a relative path names below a directory, as a place (O_PATH). No symbolic link is
 * followed, in the middle or at the end, and no `..` leads out: the tree is an agent's.
 *
 * @returns undefined when there is nothing, a link on the way, or a way out
 * @throws SekishoError with the errno
 * @see openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS
 */
export function openPlaceBeneath(directoryFd: number, path: string): number | undefined {
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(O_PATH_NOFOLLOW_CLOEXEC), 0)
  how.writeBigUInt64LE(BigInt(RESOLVE_STRICTLY), 16)
  const name = Buffer.from(`${path}\0`)
  const fd = attemptSyscall(SYS.openat2, directoryFd, name, how, how.length)
  if (fd >= 0) return fd
  if ([ERRNO.ENOENT, ENOTDIR, ELOOP, EXDEV].includes(-fd)) return undefined
  throw systemCallFailed('openat2', -fd)
}

/**
 * Mounts a file or directory onto itself, read-only. Whoever sees this mount tree cannot write to
 * it, remove it or rename it away (EROFS, EBUSY), whatever its permission bits say.
 *
 * The mount goes with the one that it lies on, when that is unmounted with MNT_DETACH.
 *
 * @param placeFd from {@link openPlaceBeneath}; stays the caller's
 * @throws SekishoError with the errno
 */
export function coverReadOnly(placeFd: number): void {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH
  const tree = check('open_tree', attemptSyscall(SYS.openTree, placeFd, EMPTY, flags))
  try {
    const attributes = Buffer.alloc(32) // struct mount_attr: to set, to clear, propagation, userns
    attributes.writeBigUInt64LE(BigInt(MOUNT_ATTR_COVER), 0)
    attributes.writeBigUInt64LE(BigInt(MS_PRIVATE), 16)
    syscall('mount_setattr', SYS.mountSetattr, tree, EMPTY, AT_EMPTY_PATH, attributes, 32)
    syscall('move_mount', SYS.moveMount, tree, EMPTY, placeFd, EMPTY, BY_DESCRIPTORS)
  } finally {
    libc.close(tree)
  }
}
