import { fstatSync, readFileSync, type Stats } from 'node:fs'
import { constants } from 'node:os'
import { isatty } from 'node:tty'
import { SekishoError } from '../core/error.ts'
import { ERRNO } from './errno.ts'
import { attemptSyscall, bindFunction, check, libc, syscall, systemCallFailed } from './libc.ts'

export type PeerCredentials = { pid: number; uid: number; gid: number }
/** The caller owns `pidfd`. */
export type Peer = PeerCredentials & { pidfd: number }
export type DescriptorKind = 'tty' | 'pipe' | 'socket' | 'file' | 'null' | 'other'

const SYS_PIDFD = { sendSignal: 424, open: 434, getfd: 438 } as const
const { ESRCH } = constants.errno
const SOL_SOCKET = 1
const SO_PEERCRED = 17
const SO_PEERPIDFD = 77
const POLLIN = 0x1
const POLLHUP = 0x10
const POLLRDHUP = 0x2000
const poll = bindFunction<[fds: Uint8Array, count: number, timeoutMs: number]>(
  'int poll(void *, ulong, int)',
)

/**
 * Who connected to a unix socket, by a descriptor that cannot come to mean another process.
 *
 * @throws SekishoError PROTOCOL_VIOLATION when the peer has gone; otherwise as system calls do
 */
export function peerOf(socketFd: number): Peer {
  const credentials = credentialsOf(socketFd)
  const into = Buffer.alloc(4)
  const answer = libc.getsockopt.attempt(socketFd, SOL_SOCKET, SO_PEERPIDFD, into, lengthOf(into))
  if (answer === -ERRNO.ENOPROTOOPT) return { ...credentials, pidfd: peerByNumber(socketFd) }
  if (answer === -ESRCH) throw peerGone(credentials.pid, systemCallFailed('getsockopt', ESRCH))
  check('getsockopt', answer)
  return { ...credentials, pidfd: into.readInt32LE() }
}

/**
 * For kernels before 6.5. The number may have been given to another process between connect and
 * now, so the process must have the peer's ids and the connection must still be open at the other
 * end, after the descriptor is held. A peer that forked and left its socket to a child, and whose
 * number went to a process of the same ids, would still pass.
 */
export function peerByNumber(socketFd: number): number {
  const { pid, uid, gid } = credentialsOf(socketFd)
  const pidfd = openPidfd(pid)
  try {
    if (hasHungUp(socketFd)) throw peerGone(pid)
    const ids = idsOf(pid)
    if (ids.uid !== uid || ids.gid !== gid) throw peerGone(pid)
    // Alive still, so what /proc said of the number was said of this process. (A race: no test.)
    if (!signalPidfd(pidfd, 0)) throw peerGone(pid)
    return pidfd
  } catch (error) {
    libc.close(pidfd)
    throw error instanceof SekishoError ? error : peerGone(pid, error)
  }
}

/** @throws SekishoError when there is no such process (errno ESRCH) */
export function openPidfd(pid: number): number {
  return syscall('pidfd_open', SYS_PIDFD.open, pid, 0)
}

/**
 * Copies a descriptor out of another process (pidfd_getfd(2)); closed on exec; the caller owns it.
 *
 * @throws SekishoError when the process has no such descriptor (EBADF) or has ended (ESRCH)
 */
export function takeDescriptor(pidfd: number, fdNumber: number): number {
  return syscall('pidfd_getfd', SYS_PIDFD.getfd, pidfd, fdNumber, 0)
}

/**
 * @param signal a name, or 0 to ask whether the process can be signalled
 * @returns false when the process has ended
 * @throws SekishoError for any other failure
 */
export function signalPidfd(pidfd: number, signal: NodeJS.Signals | 0): boolean {
  const number = signal === 0 ? 0 : constants.signals[signal]
  const answer = attemptSyscall(SYS_PIDFD.sendSignal, pidfd, number, null, 0)
  if (answer === -ESRCH) return false
  check('pidfd_send_signal', answer)
  return true
}

/** Whether the process has ended, waited for or not; of a namespace's first, all others have too. */
export function hasEnded(pidfd: number): boolean {
  return pollNow(pidfd, POLLIN) !== 0
}

/** What stands behind a descriptor of ours. `null` is /dev/null. */
export function describeDescriptor(fd: number): DescriptorKind {
  const stats = fstatSync(fd)
  if (stats.isFIFO()) return 'pipe'
  if (stats.isSocket()) return 'socket'
  if (stats.isFile()) return 'file'
  if (stats.isCharacterDevice()) return describeDevice(fd, stats)
  return 'other'
}

/** device 1:3, in the kernel's encoding for user space */
const NULL_DEVICE = (1 << 8) | 3

function describeDevice(fd: number, stats: Stats): DescriptorKind {
  if (stats.rdev === NULL_DEVICE) return 'null'
  return isatty(fd) ? 'tty' : 'other'
}

function credentialsOf(socketFd: number): PeerCredentials {
  const into = Buffer.alloc(12)
  libc.getsockopt(socketFd, SOL_SOCKET, SO_PEERCRED, into, lengthOf(into))
  return { pid: into.readInt32LE(0), uid: into.readUInt32LE(4), gid: into.readUInt32LE(8) }
}

function lengthOf(buffer: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32LE(buffer.length)
  return length
}

function hasHungUp(fd: number): boolean {
  return (pollNow(fd, POLLRDHUP) & (POLLHUP | POLLRDHUP)) !== 0
}

/** poll(2) of one descriptor, without waiting. */
function pollNow(fd: number, events: number): number {
  const request = Buffer.alloc(8)
  request.writeInt32LE(fd, 0)
  request.writeInt16LE(events, 4)
  poll(request, 1, 0)
  return request.readUInt16LE(6)
}

/** The effective ids, which are what SO_PEERCRED keeps. */
function idsOf(pid: number): { uid: number; gid: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const effective = (name: string): number =>
    Number(new RegExp(`^${name}:\\t\\d+\\t(\\d+)\\t`, 'm').exec(status)?.[1] ?? Number.NaN)
  return { uid: effective('Uid'), gid: effective('Gid') }
}

function peerGone(pid: number, cause?: unknown): SekishoError {
  return new SekishoError('PROTOCOL_VIOLATION', `the peer, process ${pid}, has gone`, { cause })
}
