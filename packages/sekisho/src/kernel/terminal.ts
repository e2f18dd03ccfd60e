import { libc } from './libc.ts'

export type WindowSize = { rows: number; columns: number }

const TIOCGWINSZ = 0x5413
const TIOCSWINSZ = 0x5414
/** struct winsize: rows, columns, and a size in pixels that nobody fills in */
const WINSIZE_BYTES = 8

/** @throws SekishoError with errno ENOTTY when the descriptor is no terminal */
export function readWindowSize(fd: number): WindowSize {
  const size = Buffer.alloc(WINSIZE_BYTES)
  libc.ioctl(fd, TIOCGWINSZ, size)
  return { rows: size.readUInt16LE(0), columns: size.readUInt16LE(2) }
}

/**
 * Sets the size; the kernel sends SIGWINCH to the foreground group where it changed.
 * What does not fit 16 bits is clamped.
 *
 * @throws SekishoError with errno ENOTTY when the descriptor is no terminal
 */
export function writeWindowSize(fd: number, { rows, columns }: WindowSize): void {
  const size = Buffer.alloc(WINSIZE_BYTES)
  size.writeUInt16LE(clampToUint16(rows), 0)
  size.writeUInt16LE(clampToUint16(columns), 2)
  libc.ioctl(fd, TIOCSWINSZ, size)
}

function clampToUint16(value: number): number {
  return Math.max(0, Math.min(0xffff, Math.trunc(value) || 0))
}
