import { bindFunction } from './libc.ts'

const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000

const eventfd = bindFunction<[initial: number, flags: number]>('int eventfd(uint, int)')

/**
 * A counter that the kernel adds to and `poll` sees; eight bytes are read from it, which resets it.
 * The caller closes it.
 *
 * @throws SekishoError as every {@link bindFunction} does
 * @see eventfd(2)
 */
export function createEventfd(): number {
  return eventfd(0, EFD_CLOEXEC_NONBLOCK)
}
