import { constants, ftruncateSync, openSync, readSync } from 'node:fs'
import { toSekishoError } from '../core/error.ts'
import { ERRNO } from './errno.ts'
import { bindAside, bindFunction, check } from './libc.ts'
import { createSlots } from './slots.ts'

const O_TMPFILE = 0o20200000
const AT_FDCWD = -100
const AT_SYMLINK_FOLLOW = 0x400
const LOCK = { shared: 1, exclusive: 2, nonBlocking: 4 } as const
const SEEK = { data: 3, hole: 4 } as const
const ENXIO = 6

const flock = bindFunction<[fd: number, operation: number]>('int flock(int, int)')
const lseek = bindFunction<[fd: number, offset: number, whence: number]>(
  'long lseek(int, long, int)',
)
const linkat = bindFunction<
  [from: number, path: string, to: number, toPath: string, flags: number]
>('int linkat(int, const char *, int, const char *, int)')
const syncfs = bindAside<[fd: number]>('int syncfs(int)')
const ioctl = bindAside<[fd: number, request: number, argument: Uint8Array]>(
  'int ioctl(int, ulong, void *)',
)
/** linux/fs.h; struct fstrim_range: from, length, least length worth it */
const FITRIM = 0xc0185879
const TRIM_LEAST_BYTES = 64 * 1024

/** Part of a file that is no hole. */
export type Stretch = { offset: number; bytes: Buffer }

/**
 * A file without a name: it is gone with its last user, whatever becomes of this process, unless
 * {@link nameFile} gave it a name.
 *
 * @param directory whose file system it is on
 * @returns a descriptor for reading and writing; the caller owns it
 * @throws SekishoError when the file system has no such files (O_TMPFILE), or no room
 */
export function openUnnamed(directory: string, bytes: number): number {
  try {
    const fd = openSync(directory, O_TMPFILE | constants.O_RDWR, 0o600)
    ftruncateSync(fd, bytes)
    return fd
  } catch (error) {
    throw toSekishoError(error, 'SANDBOX_FAILED')
  }
}

/** @throws SekishoError with errno EEXIST for a name that is taken */
export function nameFile(fd: number, path: string): void {
  linkat(AT_FDCWD, `/proc/self/fd/${fd}`, AT_FDCWD, path, AT_SYMLINK_FOLLOW)
}

/**
 * flock(2), without waiting. It ends with the last user of the open description: a loop device that
 * was made of the descriptor is one, so a file stays locked as long as it is a device.
 *
 * @returns false when somebody else has it
 */
export function lockFile(fd: number, kind: 'shared' | 'exclusive'): boolean {
  const answer = flock.attempt(fd, LOCK[kind] | LOCK.nonBlocking)
  if (answer === -ERRNO.EAGAIN) return false
  check('flock', answer)
  return true
}

/** What is written in a sparse file, in order. @throws SekishoError, or Node's own for a read */
export function readStretches(fd: number): Stretch[] {
  const found: Stretch[] = []
  let at = 0
  for (;;) {
    const offset = lseek.attempt(fd, at, SEEK.data)
    if (offset === -ENXIO) return found
    const end = check('lseek', lseek.attempt(fd, check('lseek', offset), SEEK.hole))
    const bytes = Buffer.alloc(end - offset)
    let filled = 0
    while (filled < bytes.length) {
      const count = readSync(fd, bytes, filled, bytes.length - filled, offset + filled)
      if (count === 0) break
      filled += count
    }
    found.push({ offset, bytes: bytes.subarray(0, filled) })
    at = end
  }
}

/** The pool has four threads, and the rest of the process needs some of them meanwhile. */
const slots = createSlots(2)

/**
 * Writes what a file system still holds in memory, without blocking this thread; two at a time.
 *
 * @param fd any open file of it
 * @returns false when something could not be written since the descriptor was opened
 */
export function writeBack(fd: number): Promise<boolean> {
  return aside(async () => (await syncfs(fd)) === 0)
}

/**
 * Gives what the files of a file system do not use any more back to what it lies on.
 *
 * @param fd any open file of it
 * @returns false where that is not to be had
 */
export function giveBackFree(fd: number): Promise<boolean> {
  const range = Buffer.alloc(24)
  range.writeBigUInt64LE(2n ** 64n - 1n, 8)
  range.writeBigUInt64LE(BigInt(TRIM_LEAST_BYTES), 16)
  return aside(async () => (await ioctl(fd, FITRIM, range)) === 0)
}

async function aside<Result>(work: () => Promise<Result>): Promise<Result> {
  while (slots.free() === 0) await slots.whenFree()
  slots.take()
  try {
    return await work()
  } finally {
    slots.release()
  }
}
