import { getSystemErrorMap } from 'node:util'
import type { ErrorCode } from '../core/error.ts'

/** The numbers that our code compares with: Linux, x86-64 (asm-generic/errno.h). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  ENOSPC: 28,
  ENOSYS: 38,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  ECONNREFUSED: 111,
} as const

/** What libuv has no name for and a system call of ours can answer with. */
const BEYOND_LIBUV: ReadonlyMap<number, readonly [name: string, text: string]> = new Map([
  [10, ['ECHILD', 'no child process']],
  [15, ['ENOTBLK', 'block device required']],
  [33, ['EDOM', 'argument out of domain']],
  [35, ['EDEADLK', 'resource deadlock would occur']],
  [62, ['ETIME', 'timer expired']],
  [74, ['EBADMSG', 'not a message of the expected kind']],
  [77, ['EBADFD', 'file descriptor in bad state']],
  [116, ['ESTALE', 'stale file handle']],
  [117, ['EUCLEAN', 'structure needs cleaning']],
  [122, ['EDQUOT', 'quota exceeded']],
  [524, ['ENOTSUPP', 'operation is not supported by this kernel']],
])

export type ErrnoText = { name: string; text: string }

/** @param errno positive; an unknown number is named by its digits, never guessed */
export function describeErrno(errno: number): ErrnoText {
  const [name, text] = getSystemErrorMap().get(-errno) ??
    BEYOND_LIBUV.get(errno) ?? [`errno ${errno}`, 'unknown error']
  return { name, text }
}

/** The cause inside a SekishoError: a failed call, with the field names of Node's own errors. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError'
  /** positive */
  readonly errno: number
  /** such as `EPERM` */
  readonly code: string
  readonly syscall: string

  constructor(syscall: string, errno: number, options?: { cause: unknown }) {
    const { name, text } = describeErrno(errno)
    super(`${syscall}: ${name} (${text})`, options)
    this.errno = errno
    this.code = name
    this.syscall = syscall
  }
}

const UNSUPPORTED: ReadonlySet<number> = new Set([
  ERRNO.ENOSYS,
  ERRNO.ENODEV,
  ERRNO.ENOPROTOOPT,
  ERRNO.EPROTONOSUPPORT,
  ERRNO.EOPNOTSUPP,
  ERRNO.EAFNOSUPPORT,
  524, // ENOTSUPP, which leaks out of netlink and bpf
])

type ErrnoClass = { code: ErrorCode; hint: string }

/** What a failed call means to the operator. */
export function classifyErrno(errno: number): ErrnoClass {
  if (errno === ERRNO.EPERM || errno === ERRNO.EACCES) {
    return { code: 'PERMISSION_REQUIRED', hint: 'Run the daemon as root.' }
  }
  if (UNSUPPORTED.has(errno)) {
    return { code: 'HOST_UNSUPPORTED', hint: 'Use a Linux kernel that offers this system call.' }
  }
  return { code: 'SANDBOX_FAILED', hint: 'Check the host’s memory, open files and kernel log.' }
}
