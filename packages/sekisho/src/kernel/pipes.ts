import { readSync, writeSync } from 'node:fs'
import { bindFunction } from './libc.ts'

const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const AF_UNIX = 1
const SOCK_STREAM = 1
const MFD_CLOEXEC = 0x1
const MFD_ALLOW_SEALING = 0x2
const F_ADD_SEALS = 1033
/** F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE */
const EVERY_SEAL = 0xf

const pipe2 = bindFunction<[ends: Uint8Array, flags: number]>('int pipe2(void *, int)')
const socketpair = bindFunction<[domain: number, type: number, protocol: number, ends: Uint8Array]>(
  'int socketpair(int, int, int, void *)',
)
const memfdCreate = bindFunction<[name: string, flags: number]>(
  'int memfd_create(const char *, uint)',
)
const eventfd = bindFunction<[initial: number, flags: number]>('int eventfd(uint, int)')
const fcntl = bindFunction<[fd: number, command: number, argument: number]>(
  'int fcntl(int, int, long)',
)

type PipeOptions = { nonBlocking?: boolean }

/** Both ends close on exec. The caller owns them. */
export function createPipe({ nonBlocking = false }: PipeOptions = {}): {
  read: number
  write: number
} {
  const ends = Buffer.alloc(8)
  pipe2(ends, O_CLOEXEC | (nonBlocking ? O_NONBLOCK : 0))
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) }
}

/** Two connected unix stream sockets, closed on exec. The caller owns them. */
export function createSocketPair({ nonBlocking = false }: PipeOptions = {}): [number, number] {
  const ends = Buffer.alloc(8)
  socketpair(AF_UNIX, SOCK_STREAM | O_CLOEXEC | (nonBlocking ? O_NONBLOCK : 0), 0, ends)
  return [ends.readInt32LE(0), ends.readInt32LE(4)]
}

/**
 * A file without a path whose bytes nobody can change any more, whoever gets the descriptor.
 *
 * @param name for /proc only; at most 249 bytes
 */
export function createSealedFile(name: string, content: Uint8Array): number {
  const fd = memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)
  let written = 0
  while (written < content.length) {
    written += writeSync(fd, content, written, content.length - written, written)
  }
  fcntl(fd, F_ADD_SEALS, EVERY_SEAL)
  return fd
}

/** A counter that a {@link Reactor} can watch; non-blocking, closed on exec. */
export function createEventCounter(): number {
  return eventfd(0, O_CLOEXEC | O_NONBLOCK)
}

export function raiseEvent(counter: number): void {
  const one = Buffer.alloc(8)
  one.writeBigUInt64LE(1n)
  writeSync(counter, one)
}

/** Reads and clears it: how often it was raised since. */
export function takeEvents(counter: number): number {
  const value = Buffer.alloc(8)
  try {
    readSync(counter, value)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0
    throw error
  }
  return Number(value.readBigUInt64LE())
}
