import { closeSync, constants, openSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { bindFunction, check, libc } from './libc.ts'
import { OVERLAY_ATTRIBUTES } from './own-ids.ts'

/** mount(2) */
export const MOUNT_FLAGS = {
  readOnly: 0x1,
  noSetuid: 0x2,
  noDevices: 0x4,
  noExec: 0x8,
  remount: 0x20,
  noSymlinks: 0x100,
  noAtime: 0x400,
  bind: 0x1000,
  recursive: 0x4000,
  private: 0x40000,
  slave: 0x80000,
} as const

export type Mount = {
  source: string | null
  target: string
  /** null for a bind, a remount or a change of propagation */
  type: string | null
  /** {@link MOUNT_FLAGS}, or-ed */
  flags: number
  /** the file system's own options, comma-separated; never made of untrusted text */
  options: string | null
}

export type Overlay = {
  /** topmost first; at least one, without an upper layer two */
  lower: readonly string[]
  /** without it, the overlay is read-only, and still a file system of its own */
  upper?: string
  /** empty, on the file system of `upper` */
  work?: string
  target: string
  /** such as `userxattr` or `xino=off`; not the layers */
  options?: readonly string[]
  /** {@link MOUNT_FLAGS}, or-ed */
  flags?: number
}

export type IdmappedBind = {
  source: string
  target: string
  /** from {@link openUserNamespace}: ids on disk are its inside ids, ids seen its outside ids */
  userNamespaceFd: number
  readOnly: boolean
}

const SYS = { openTree: 428, moveMount: 429, mountSetattr: 442 } as const
const AT_FDCWD = -100
const AT_EMPTY_PATH = 0x1000
const AT_RECURSIVE = 0x8000
const AT_SYMLINK_NOFOLLOW = 0x100
const OPEN_TREE_CLONE = 0x1
const OPEN_TREE_CLOEXEC = 0o2000000
const MOVE_MOUNT_F_EMPTY_PATH = 0x4
const MOUNT_ATTR = { readOnly: 0x1, noSetuid: 0x2, noDevices: 0x4, idmap: 0x100000 } as const
const MNT_DETACH = 0x2
const UMOUNT_NOFOLLOW = 0x8
const O_PATH = 0o10000000
/** mount(2) takes one page of options, with its closing NUL */
const MAX_OPTIONS_BYTES = 4095

const mountCall = bindFunction<
  [
    source: string | null,
    target: string,
    type: string | null,
    flags: number,
    options: string | null,
  ]
>('int mount(const char *, const char *, const char *, ulong, const char *)')
const umount2 = bindFunction<[target: string, flags: number]>('int umount2(const char *, int)')
const openTreeCall = bindFunction<[nr: number, directory: number, path: string, flags: number]>(
  'long syscall(long, long, const char *, ulong)',
)
const moveMountCall = bindFunction<
  [nr: number, from: number, fromPath: string, to: number, toPath: string, flags: number]
>('long syscall(long, long, const char *, long, const char *, ulong)')
const mountSetattrCall = bindFunction<
  [nr: number, tree: number, path: string, flags: number, attributes: Uint8Array, length: number]
>('long syscall(long, long, const char *, ulong, void *, size_t)')

/** mount(2). @throws SekishoError with the errno */
export function mount({ source, target, type, flags, options }: Mount): void {
  mountCall(source, target, type, flags, options)
}

/**
 * umount2(2) with MNT_DETACH, which works while it is in use; follows no symbolic link.
 *
 * @throws SekishoError with errno EINVAL when nothing is mounted there
 */
export function unmount(target: string): void {
  umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW)
}

/**
 * Mounts an overlay. The layers are passed by descriptor, so a comma or a colon in a path is no
 * option and no separator, and a directory that is swapped meanwhile is not picked up. mountinfo
 * shows the descriptors in place of the paths.
 *
 * @throws SekishoError with the errno, or when an option would name a layer
 */
export function mountOverlay(overlay: Overlay): void {
  const { lower, upper, work, target, options = [], flags = 0 } = overlay
  for (const option of options) refuseUnlessPlain(option)
  const opened: number[] = []
  const layer = (path: string): string => {
    opened.push(openSync(path, O_PATH | constants.O_DIRECTORY))
    return `/proc/self/fd/${opened.at(-1)}`
  }
  try {
    const layers = [`lowerdir=${lower.map(layer).join(':')}`]
    if (upper !== undefined) layers.push(`upperdir=${layer(upper)}`)
    if (work !== undefined) layers.push(`workdir=${layer(work)}`)
    const text = [...layers, ...options, ...OWN_MARKS].join(',')
    if (text.length > MAX_OPTIONS_BYTES) {
      throw new SekishoError('SANDBOX_FAILED', `an overlay of ${lower.length} layers`, {
        hint: 'Use fewer read-only layers.',
      })
    }
    mountCall('overlay', target, 'overlay', flags, text)
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}

const OWN_MARKS = OVERLAY_ATTRIBUTES.startsWith('user.') ? ['userxattr'] : []

const LAYER_OPTIONS = /^(lowerdir|upperdir|workdir|datadir)/

function refuseUnlessPlain(option: string): void {
  if (/^[a-z_]+(=[a-z0-9_]+)?$/.test(option) && !LAYER_OPTIONS.test(option)) return
  throw new SekishoError('SANDBOX_FAILED', `${option} cannot be an overlay option`)
}

/**
 * A detached copy of the mount at `path`, without what is mounted below it. The caller owns the
 * descriptor; the mount ends with it unless {@link attachTree} has placed it.
 *
 * @throws SekishoError with the errno
 */
export function cloneTree(path: string, { recursive = false } = {}): number {
  const flags =
    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | (recursive ? AT_RECURSIVE : 0)
  return check('open_tree', openTreeCall.attempt(SYS.openTree, AT_FDCWD, path, flags))
}

/** Places a detached mount; the descriptor stays the caller's. @throws SekishoError with the errno */
export function attachTree(tree: number, target: string): void {
  check(
    'move_mount',
    moveMountCall.attempt(SYS.moveMount, tree, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH),
  )
}

/**
 * Shows a directory or file, without what is mounted below it, in another place.
 *
 * @param flags {@link MOUNT_FLAGS} that the new mount has; crun drops them from a writable bind in a
 * user namespace, so they must hold from below
 * @throws SekishoError with the errno; then nothing is mounted at `target`
 */
export function bindTree(source: string, target: string, flags = 0): void {
  const tree = cloneTree(source)
  try {
    attachTree(tree, target)
  } finally {
    libc.close(tree)
  }
  if (flags === 0) return
  try {
    const { bind, remount } = MOUNT_FLAGS
    mount({ source: null, target, type: null, flags: bind | remount | flags, options: null })
  } catch (error) {
    unmount(target)
    throw error
  }
}

/**
 * Binds a directory so that its files show other owners than they have on disk, without nested
 * mounts, set-user-id bits or devices. As an overlay's lower layer (Linux 5.19) it lets a session
 * own what the user owns; what it copies up has the session's owner. An owner without a mapping
 * shows as 65534, and the file cannot be copied up (EOVERFLOW).
 *
 * @throws SekishoError HOST_UNSUPPORTED when kernel or file system cannot map ids
 */
export function bindIdmapped(bind: IdmappedBind): void {
  const tree = cloneTree(bind.source)
  try {
    mapIds(tree, bind)
    attachTree(tree, bind.target)
  } finally {
    libc.close(tree)
  }
}

const IDMAP_HINT = 'Put the workspace on ext4, xfs, btrfs or tmpfs, with Linux 5.19 or newer.'

/** struct mount_attr: to set, to clear, propagation, user namespace. */
function mapIds(tree: number, { source, userNamespaceFd, readOnly }: IdmappedBind): void {
  const set =
    MOUNT_ATTR.idmap |
    MOUNT_ATTR.noSetuid |
    MOUNT_ATTR.noDevices |
    (readOnly ? MOUNT_ATTR.readOnly : 0)
  const attributes = Buffer.alloc(32)
  attributes.writeBigUInt64LE(BigInt(set), 0)
  attributes.writeBigUInt64LE(BigInt(MOUNT_FLAGS.private), 16)
  attributes.writeBigUInt64LE(BigInt(userNamespaceFd), 24)
  const call = [SYS.mountSetattr, tree, '', AT_EMPTY_PATH, attributes, attributes.length] as const
  try {
    check('mount_setattr', mountSetattrCall.attempt(...call), IDMAP_HINT)
  } catch (cause) {
    throw new SekishoError('HOST_UNSUPPORTED', `the owners in ${source} cannot be mapped`, {
      hint: IDMAP_HINT,
      cause,
    })
  }
}
