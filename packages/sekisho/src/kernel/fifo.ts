import { chmodSync, constants, openSync } from 'node:fs'
import { bindFunction } from './libc.ts'

const mkfifoCall = bindFunction<[path: string, mode: number]>('int mkfifo(const char *, uint32_t)')

/**
 * Makes a FIFO and opens it for both directions, so that neither side waits for the other to come
 * and a reader never meets an end. The caller owns the descriptor.
 *
 * @throws SekishoError with the errno
 */
export function openFifo(path: string, mode: number): number {
  mkfifoCall(path, mode)
  chmodSync(path, mode) // whatever the umask took away
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
}
