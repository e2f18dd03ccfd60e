import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
} from 'node:fs'
import { SekishoError } from '../../core/error.ts'
import { attemptSyscall, systemCallFailed } from '../../kernel/libc.ts'

const SYS_OPENAT2 = 437
const O_PATH = 0o10000000
const O_CLOEXEC = 0o2000000
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
/** openat2(2): links end at the root and never lead into another mount or through /proc */
const RESOLVE = { noOtherMount: 0x1, noMagicLinks: 0x2, inRoot: 0x10 } as const
const OPEN_HOW_BYTES = 24
const ERRNO = {
  ENOENT: 2,
  EACCES: 13,
  EXDEV: 18,
  ENOTDIR: 20,
  ENAMETOOLONG: 36,
  ELOOP: 40,
} as const
/** Whatever the reason, there is nothing at that path for whoever runs inside. */
const NOT_THERE: readonly number[] = Object.values(ERRNO)

/**
 * A root file system whose contents may be an attacker's: read as whoever runs inside would see it.
 *
 * Links are resolved by the kernel within the root (RESOLVE_IN_ROOT), so `/etc/passwd -> /etc/shadow`
 * is the root's own file and never the host's. Only regular files are opened: opening a device node
 * may already do something.
 */
export class ForeignRoot {
  readonly #fd: number

  /** @throws ENOTDIR, ELOOP or ENOENT when `path` is no directory */
  constructor(path: string) {
    this.#fd = openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW)
  }

  /** Of what the path leads to; undefined when that is nothing. */
  status(path: string): Stats | undefined {
    return this.#at(path, 0, (fd) => fstatSync(fd))
  }

  /** Of the entry itself, also of a link. */
  entry(path: string): Stats | undefined {
    return this.#at(path, O_NOFOLLOW, (fd) => fstatSync(fd))
  }

  /** The first bytes of a regular file; undefined when there is none. */
  head(path: string, maxBytes: number): Buffer | undefined {
    return this.#at(path, 0, (fd) => {
      if (!fstatSync(fd).isFile()) return undefined
      const file = openSync(`/proc/self/fd/${fd}`, O_RDONLY | O_NONBLOCK)
      try {
        const bytes = Buffer.alloc(maxBytes)
        return bytes.subarray(0, readSync(file, bytes, 0, maxBytes, 0))
      } finally {
        closeSync(file)
      }
    })
  }

  /** Of a directory, in byte order; of anything else, nothing. */
  names(path: string): string[] {
    const names = this.#at(path, O_DIRECTORY, (fd) => readdirSync(`/proc/self/fd/${fd}`))
    return (names ?? []).sort()
  }

  close(): void {
    closeSync(this.#fd)
  }

  #at<T>(path: string, flags: number, use: (fd: number) => T): T | undefined {
    const fd = this.#open(path, flags)
    if (fd === undefined) return undefined
    try {
      return use(fd)
    } finally {
      closeSync(fd)
    }
  }

  #open(path: string, flags: number): number | undefined {
    if (path.includes('\0')) throw new SekishoError('INTERNAL', 'a path with a NUL')
    const how = Buffer.alloc(OPEN_HOW_BYTES)
    how.writeBigUInt64LE(BigInt(O_PATH | O_CLOEXEC | flags), 0)
    how.writeBigUInt64LE(BigInt(RESOLVE.inRoot | RESOLVE.noMagicLinks | RESOLVE.noOtherMount), 16)
    const fd = attemptSyscall(SYS_OPENAT2, this.#fd, Buffer.from(`${path}\0`), how, how.length)
    if (fd >= 0) return fd
    if (NOT_THERE.includes(-fd)) return undefined
    throw systemCallFailed('openat2', -fd)
  }
}
