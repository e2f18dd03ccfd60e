import { fchmodSync, rmSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { ERRNO } from './errno.ts'
import { addressOf, bindFunction, check, libc } from './libc.ts'
import type { Reactor } from './reactor.ts'
import { createSlots } from './slots.ts'

export const MAX_PAYLOAD_BYTES = 8 * 1024
export const MAX_DESCRIPTORS = 4
/** A peer that connects and sends nothing is dropped. */
const SILENCE_TIMEOUT_MS = 5_000
/** More wait in the listen queue. */
const MAX_CONNECTIONS = 16
const BACKLOG = 16

const AF_UNIX = 1
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const MSG_FLAGS = 0x40 | 0x40000000 // MSG_DONTWAIT | MSG_CMSG_CLOEXEC
/** sun_path, with its closing NUL */
const MAX_PATH_BYTES = 108
const CMSG_HEADER_BYTES = 16
const ECONNABORTED = 103

const accept4 = bindFunction<[fd: number, address: null, length: null, flags: number]>(
  'int accept4(int, void *, void *, int)',
)
const recvmsg = bindFunction<[fd: number, message: Uint8Array, flags: number]>(
  'long recvmsg(int, void *, int)',
)

type OnReceived = (payload: Buffer, fds: number[]) => void
type Received = { payload: Buffer; fds: number[] }

/**
 * A unix socket that takes descriptors (SCM_RIGHTS): a runtime's `--console-socket` and a seccomp
 * profile's `listenerPath`. One message a connection, as both send it.
 *
 * A connection that sends no descriptor, more than {@link MAX_PAYLOAD_BYTES} or nothing for
 * 5 seconds is closed and reported as PROTOCOL_VIOLATION or TIMEOUT; descriptors beyond
 * {@link MAX_DESCRIPTORS} are closed. The socket's mode is 0600, and `close` unlinks it.
 *
 * @param path at most 107 bytes; nothing may exist there
 * @param onReceived owns the descriptors, which close on exec
 * @throws SekishoError when the path is too long or cannot be bound
 */
export function listenForDescriptors(
  path: string,
  reactor: Reactor,
  onReceived: OnReceived,
): { close(): void } {
  const listener = bindListener(path)
  const connections = new Set<{ drop(): void }>()
  const slots = createSlots(MAX_CONNECTIONS)
  const accept = (): void | Promise<void> => {
    while (slots.free() > 0) {
      const fd = accept4.attempt(listener, null, null, SOCK_NONBLOCK_CLOEXEC)
      if (fd === -ERRNO.EAGAIN) return
      if (fd === -ERRNO.EINTR || fd === -ECONNABORTED) continue
      const connection = watchConnection(check('accept4', fd), reactor, {
        onReceived,
        onEnd: () => {
          connections.delete(connection)
          slots.release()
        },
      })
      slots.take()
      connections.add(connection)
    }
    return slots.whenFree()
  }
  const unwatch = reactor.watch(listener, accept)
  let closed = false
  return {
    close: () => {
      if (closed) return
      closed = true
      unwatch()
      libc.close(listener)
      rmSync(path, { force: true })
      for (const connection of connections) connection.drop()
    },
  }
}

function bindListener(path: string): number {
  const name = Buffer.from(path)
  if (name.length >= MAX_PATH_BYTES || name.includes(0)) {
    throw new SekishoError('SANDBOX_FAILED', `a socket cannot have the path ${path}`, {
      hint: 'Use a state directory with a shorter path: a socket takes 107 bytes at most.',
    })
  }
  const address = Buffer.alloc(2 + MAX_PATH_BYTES)
  address.writeUInt16LE(AF_UNIX, 0)
  name.copy(address, 2)
  const fd = libc.socket(AF_UNIX, SOCK_STREAM_NONBLOCK_CLOEXEC, 0)
  try {
    fchmodSync(fd, 0o600) // before bind, so that the path never exists with a wider mode
    libc.bind(fd, address, address.length)
    libc.listen(fd, BACKLOG)
    return fd
  } catch (error) {
    libc.close(fd)
    throw error
  }
}

type ConnectionEvents = { onReceived: OnReceived; onEnd: () => void }

function watchConnection(
  fd: number,
  reactor: Reactor,
  { onReceived, onEnd }: ConnectionEvents,
): { drop(): void } {
  const drop = (): void => {
    clearTimeout(timer)
    unwatch()
    libc.close(fd)
    onEnd()
  }
  const timer = setTimeout(() => {
    drop()
    reactor.report(new SekishoError('TIMEOUT', 'a peer has connected and sent no descriptor'))
  }, SILENCE_TIMEOUT_MS)
  const unwatch = reactor.watch(fd, () => {
    const received = receive(fd)
    if (received === undefined) return
    drop()
    onReceived(received.payload, refuseUnlessWhole(received).fds)
  })
  return { drop }
}

function refuseUnlessWhole(received: Received): Received {
  const { payload, fds } = received
  const fault =
    payload.length > MAX_PAYLOAD_BYTES
      ? `more than ${MAX_PAYLOAD_BYTES} bytes`
      : 'a message without a descriptor'
  if (payload.length <= MAX_PAYLOAD_BYTES && fds.length > 0) return received
  for (const fd of fds) libc.close(fd)
  throw new SekishoError('PROTOCOL_VIOLATION', `a peer has sent ${fault}`)
}

/**
 * Receives one message; undefined when there is none yet. The kernel ends a read behind the bytes
 * that carry descriptors, so one call is one message (unix(7)).
 */
function receive(fd: number): Received | undefined {
  const payload = Buffer.alloc(MAX_PAYLOAD_BYTES + 1) // one more tells a message that is too long
  // One descriptor more than allowed has no room here: the kernel closes what does not fit.
  const control = Buffer.alloc(CMSG_HEADER_BYTES + 4 * MAX_DESCRIPTORS)
  const vector = Buffer.alloc(16)
  vector.writeBigUInt64LE(addressOf(payload), 0)
  vector.writeBigUInt64LE(BigInt(payload.length), 8)
  const message = Buffer.alloc(56) // struct msghdr
  message.writeBigUInt64LE(addressOf(vector), 16)
  message.writeBigUInt64LE(1n, 24)
  message.writeBigUInt64LE(addressOf(control), 32)
  message.writeBigUInt64LE(BigInt(control.length), 40)
  const length = recvmsg.attempt(fd, message, MSG_FLAGS)
  if (length === -ERRNO.EAGAIN || length === -ERRNO.EINTR) return undefined
  check('recvmsg', length)
  const controlLength = Number(message.readBigUInt64LE(40))
  return {
    payload: payload.subarray(0, length),
    fds: readRights(control.subarray(0, controlLength)),
  }
}

/** cmsg(3): a 64-bit length with the header, level, type, then the descriptors. */
function readRights(control: Buffer): number[] {
  const fds: number[] = []
  let at = 0
  while (at + CMSG_HEADER_BYTES <= control.length) {
    const length = Number(control.readBigUInt64LE(at))
    if (length < CMSG_HEADER_BYTES) break
    const isRights =
      control.readInt32LE(at + 8) === SOL_SOCKET && control.readInt32LE(at + 12) === SCM_RIGHTS
    const end = Math.min(at + length, control.length)
    for (let fd = at + CMSG_HEADER_BYTES; isRights && fd + 4 <= end; fd += 4) {
      fds.push(control.readInt32LE(fd))
    }
    at += (length + 7) & ~7
  }
  return fds
}
