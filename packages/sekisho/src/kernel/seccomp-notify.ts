import { SekishoError } from '../core/error.ts'
import { within } from './deadline.ts'
import { ERRNO } from './errno.ts'
import { bindFunction, check, libc, syscall } from './libc.ts'
import type { Reactor } from './reactor.ts'
import { createSlots, type Slots } from './slots.ts'
import { SYSCALL_NAMES } from './syscall-names.ts'

export { SYSCALL_NAMES } from './syscall-names.ts'

/** How the call entered the kernel; only for x86-64 does a number mean {@link SYSCALL_NAMES}. */
export type SyscallAbi = 'x86-64' | 'x32' | 'i386' | 'unknown'

export type InterceptedCall = {
  /** as our own process namespace counts; 0 for one outside it */
  pid: number
  nr: number
  abi: SyscallAbi
  /** six, as registers hold them; a pointer means nothing outside the caller */
  args: readonly bigint[]
}

/** @param answer.errno 1 to 4095, what the call returns negated */
export type AnswerCall = (call: InterceptedCall) => { errno: number } | Promise<{ errno: number }>

/** Callers that wait for an answer; further ones wait in the kernel. */
const MAX_PENDING = 64
/** An answer that takes longer is EPERM, so that no caller hangs on ours. */
const ANSWER_TIMEOUT_MS = 10_000
const MAX_ERRNO = 4095

const SYS_SECCOMP = 317
const SECCOMP_GET_NOTIF_SIZES = 3
const SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100
const SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101
const AUDIT_ARCH_X86_64 = 0xc000003e
const AUDIT_ARCH_I386 = 0x40000003
const X32_BIT = 0x40000000
const POLLIN = 0x1
const POLLHUP = 0x10
const ENOTCONN = 107
const EINPROGRESS = 115

const poll = bindFunction<[fds: Uint8Array, count: number, timeoutMs: number]>(
  'int poll(void *, ulong, int)',
)

type Listener = { fd: number; sizes: Sizes; reactor: Reactor; answer: AnswerCall; slots: Slots }
type Sizes = { notification: number; response: number }

/**
 * Answers the system calls of a SECCOMP_RET_USER_NOTIF filter, always with an error: never with a
 * value, and never with CONTINUE, under which a second thread could change the arguments after
 * the check (seccomp_unotify(2)). So a pointer argument is never followed either.
 *
 * An answer that rejects, is late or is no errno becomes EPERM and is reported to the reactor.
 * A caller that has died meanwhile is dropped. Owns `notifyFd`: it is closed by `close`, or when
 * the last process under the filter ends; callers that still wait then get ENOSYS.
 *
 * @throws SekishoError HOST_UNSUPPORTED when the kernel has no seccomp notification
 */
export function watchSyscalls(
  notifyFd: number,
  reactor: Reactor,
  onCall: AnswerCall,
): { close(): void } {
  const listener: Listener = {
    fd: notifyFd,
    sizes: readSizes(),
    reactor,
    answer: onCall,
    slots: createSlots(MAX_PENDING),
  }
  let open = true
  const close = (): void => {
    if (!open) return
    open = false
    unwatch()
    libc.close(notifyFd)
  }
  const isOpen = (): boolean => open
  const unwatch = reactor.watch(notifyFd, () => receiveAll(listener, { isOpen, close }))
  return { close }
}

type Life = { isOpen: () => boolean; close: () => void }

function receiveAll(listener: Listener, life: Life): void | Promise<void> {
  while (life.isOpen()) {
    if (listener.slots.free() === 0) return listener.slots.whenFree()
    // RECV waits when nothing is pending. We are the only reader, so what poll saw stays: should
    // its caller die in between, RECV answers ENOENT at once.
    const events = pollNow(listener.fd)
    if ((events & POLLIN) === 0) return (events & POLLHUP) === 0 ? undefined : life.close()
    const notification = receiveOne(listener)
    if (notification !== undefined) void answerOne(listener, notification, life)
  }
}

function pollNow(fd: number): number {
  const request = Buffer.alloc(8)
  request.writeInt32LE(fd, 0)
  request.writeInt16LE(POLLIN, 4)
  const count = poll.attempt(request, 1, 0)
  if (count === -ERRNO.EINTR) return 0
  check('poll', count)
  return request.readUInt16LE(6)
}

const NOBODY_WAITS: ReadonlySet<number> = new Set([-ERRNO.ENOENT, -ERRNO.EINTR, -ENOTCONN])

function receiveOne({ fd, sizes }: Listener): Buffer | undefined {
  const notification = Buffer.alloc(sizes.notification) // the kernel insists on zeroes
  const answer = libc.ioctl.attempt(fd, SECCOMP_IOCTL_NOTIF_RECV, notification)
  if (NOBODY_WAITS.has(answer)) return undefined
  check('SECCOMP_IOCTL_NOTIF_RECV', answer)
  return notification
}

/** Never rejects: everything that can go wrong ends in EPERM and a report. */
async function answerOne(listener: Listener, notification: Buffer, life: Life): Promise<void> {
  const { slots, reactor } = listener
  slots.take()
  try {
    const errno = await decideErrno(listener, parseCall(notification))
    if (life.isOpen()) sendErrno(listener, notification, errno)
  } catch (error) {
    reactor.report(error)
  } finally {
    slots.release()
  }
}

async function decideErrno({ answer, reactor }: Listener, call: InterceptedCall): Promise<number> {
  try {
    const deciding = (async () => answer(call))()
    const { errno } = await within(ANSWER_TIMEOUT_MS, `the answer to ${nameCall(call)}`, deciding)
    if (Number.isInteger(errno) && errno >= 1 && errno <= MAX_ERRNO) return errno
    // 0 would let the caller believe that the call had worked
    throw new SekishoError('INTERNAL', `${errno} is not an errno, for ${nameCall(call)}`)
  } catch (error) {
    reactor.report(error)
    return ERRNO.EPERM
  }
}

/** struct seccomp_notif_resp: id, value, negated errno, flags. */
function sendErrno({ fd, sizes }: Listener, notification: Buffer, errno: number): void {
  const response = Buffer.alloc(sizes.response)
  notification.copy(response, 0, 0, 8)
  response.writeInt32LE(-errno, 16)
  const answer = libc.ioctl.attempt(fd, SECCOMP_IOCTL_NOTIF_SEND, response)
  // ENOENT: the caller has died, or a signal took it out of the call. EINPROGRESS: likewise.
  if (answer !== -ERRNO.ENOENT && answer !== -EINPROGRESS) check('SECCOMP_IOCTL_NOTIF_SEND', answer)
}

/** struct seccomp_notif: id, pid, flags; then struct seccomp_data: nr, arch, ip, six arguments. */
function parseCall(notification: Buffer): InterceptedCall {
  const number = notification.readUInt32LE(16)
  const abi = abiOf(notification.readUInt32LE(20), number)
  return {
    pid: notification.readUInt32LE(8),
    nr: abi === 'x32' ? number - X32_BIT : notification.readInt32LE(16),
    abi,
    args: Array.from({ length: 6 }, (_, i) => notification.readBigUInt64LE(32 + 8 * i)),
  }
}

function abiOf(arch: number, number: number): SyscallAbi {
  if (arch === AUDIT_ARCH_I386) return 'i386'
  if (arch !== AUDIT_ARCH_X86_64) return 'unknown'
  return number >= X32_BIT && number < 2 * X32_BIT ? 'x32' : 'x86-64'
}

/** For the record: `mount`, or `i386 syscall 21` where the x86-64 name would be a lie. */
export function nameCall({ nr, abi }: Pick<InterceptedCall, 'nr' | 'abi'>): string {
  if (abi !== 'x86-64') return `${abi} syscall ${nr}`
  return SYSCALL_NAMES.get(nr) ?? `syscall ${nr}`
}

/** A kernel that adds fields tells so here; what the ioctl numbers encode is the least. */
function readSizes(): Sizes {
  const sizes = Buffer.alloc(6)
  syscall('seccomp', SYS_SECCOMP, SECCOMP_GET_NOTIF_SIZES, 0, sizes)
  return {
    notification: Math.max(80, sizes.readUInt16LE(0)),
    response: Math.max(24, sizes.readUInt16LE(2)),
  }
}
