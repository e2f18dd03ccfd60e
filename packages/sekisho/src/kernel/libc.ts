import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import { SekishoError, toSekishoError } from '../core/error.ts'
import { classifyErrno, SystemCallError } from './errno.ts'

/** A buffer is passed by address and may be written; a bigint is an address or a 64-bit integer. */
export type NativeArgument = number | bigint | string | Uint8Array | null

export type NativeCall<Arguments extends readonly NativeArgument[]> = {
  /**
   * @throws SekishoError PERMISSION_REQUIRED, HOST_UNSUPPORTED or SANDBOX_FAILED when the call
   * answers −1; the cause is a {@link SystemCallError} with the errno
   */
  (...args: Arguments): number
  /** the call's value, or the negated errno, as the kernel itself answers; only binding throws */
  attempt(...args: Arguments): number
}

type Native = { koffi: typeof Koffi; library: Koffi.LibraryHandle }
let loaded: Native | undefined

/** koffi takes about 15 ms to load, so it is loaded by the first call and not by an import. */
function native(): Native {
  if (loaded !== undefined) return loaded
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SekishoError('HOST_UNSUPPORTED', `${process.platform} on ${process.arch}`, {
      hint: 'Run Sekisho on Linux, x86-64.',
    })
  }
  try {
    const koffi: typeof Koffi = createRequire(import.meta.url)('koffi')
    loaded = { koffi, library: koffi.load('libc.so.6') }
    return loaded
  } catch (cause) {
    throw new SekishoError('HOST_UNSUPPORTED', 'the C library cannot be loaded', {
      hint: 'Use a distribution with glibc and run npm ci again.',
      cause,
    })
  }
}

/**
 * Binds one function of libc that answers −1 and errno when it fails; bound at its first call.
 *
 * The caller vouches that `Arguments` fits the signature: nothing checks it. Blocks the thread.
 *
 * @param signature in koffi's C syntax, such as `int setns(int, int)`; `void *` takes a buffer
 * @param hint what the operator should do when the call fails, in place of the errno's own hint
 */
export function bindFunction<const Arguments extends readonly NativeArgument[]>(
  signature: string,
  hint?: string,
): NativeCall<Arguments> {
  const name = /(\w+)\s*\(/.exec(signature)?.[1] ?? signature
  let call: ((...args: Arguments) => number) | undefined
  const attempt = (...args: Arguments): number => {
    call ??= bindSymbol(signature)
    const value = Number(call(...args))
    return value === -1 ? -native().koffi.errno() : value
  }
  const checked = (...args: Arguments): number => check(name, attempt(...args), hint)
  return Object.assign(checked, { attempt })
}

function bindSymbol(
  signature: string,
): Koffi.KoffiFunc<(...args: readonly NativeArgument[]) => number> {
  try {
    return native().library.func(signature)
  } catch (cause) {
    if (cause instanceof SekishoError) throw cause
    throw new SekishoError('HOST_UNSUPPORTED', `libc has no ${signature}`, {
      hint: 'Use a distribution with glibc 2.31 or newer.',
      cause,
    })
  }
}

/** Passes a value of {@link NativeCall.attempt} on, or throws its errno. */
export function check(call: string, value: number, hint?: string): number {
  if (value < 0) throw systemCallFailed(call, -value, { hint })
  return value
}

/** @param errno positive */
export function systemCallFailed(
  call: string,
  errno: number,
  { hint, cause }: { hint?: string | undefined; cause?: unknown } = {},
): SekishoError {
  const classified = classifyErrno(errno)
  const error = new SystemCallError(call, errno, cause === undefined ? undefined : { cause })
  return new SekishoError(classified.code, error.message, {
    hint: hint ?? classified.hint,
    cause: error,
  })
}

/** The errno inside an error that a {@link NativeCall} threw; undefined for any other. */
export function errnoOf(thrown: unknown): number | undefined {
  const cause = thrown instanceof SekishoError ? thrown.cause : thrown
  return cause instanceof SystemCallError ? cause.errno : undefined
}

/**
 * Binds one function as {@link bindFunction} does, to run on a thread of Node's pool: for what can
 * wait for a disk. Buffers must not be touched before it resolves.
 *
 * @returns resolves with the function's value; the errno behind a −1 stays with that thread
 */
export function bindAside<const Arguments extends readonly NativeArgument[]>(
  signature: string,
): (...args: Arguments) => Promise<number> {
  let call: Koffi.KoffiFunc<(...args: readonly NativeArgument[]) => number> | undefined
  return (...args) => {
    call ??= bindSymbol(signature)
    const bound = call
    return new Promise((resolve, reject) => {
      const answered = (error: unknown, value: unknown): void => {
        if (error === null || error === undefined) resolve(Number(value))
        else reject(toSekishoError(error))
      }
      Reflect.apply(bound.async, bound, [...args, answered])
    })
  }
}

/** For structures that hold pointers. The caller keeps the buffer referenced while it is used. */
export function addressOf(buffer: Uint8Array): bigint {
  return native().koffi.address(buffer)
}

type RawArguments = readonly [nr: number, ...args: NativeArgument[]]
type SixAfterNumber = readonly [
  number,
  NativeArgument,
  NativeArgument,
  NativeArgument,
  NativeArgument,
  NativeArgument,
  NativeArgument,
]
const rawSyscall = bindFunction<SixAfterNumber>(
  'long syscall(long, void *, void *, void *, void *, void *, void *)',
)

/**
 * A system call by number, with up to six integers, addresses or buffers.
 *
 * @param name for the error
 * @throws SekishoError as {@link NativeCall} does
 */
export function syscall(name: string, ...call: RawArguments): number {
  return check(name, attemptSyscall(...call))
}

/** As {@link syscall}, answering the negated errno instead of throwing. */
export function attemptSyscall(
  ...[nr, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]: RawArguments
): number {
  return rawSyscall.attempt(nr, a, b, c, d, e, f)
}

const NAMESPACE_HINT =
  'Run the daemon as root, outside any container that takes CAP_SYS_ADMIN away.'

export const libc = {
  socket: bindFunction<[domain: number, type: number, protocol: number]>(
    'int socket(int, int, int)',
  ),
  bind: bindFunction<[fd: number, address: Uint8Array, length: number]>(
    'int bind(int, void *, uint32_t)',
  ),
  listen: bindFunction<[fd: number, backlog: number]>('int listen(int, int)'),
  setsockopt: bindFunction<
    [fd: number, level: number, name: number, value: Uint8Array, length: number]
  >('int setsockopt(int, int, int, void *, uint32_t)'),
  /** `length` is an int in and out */
  getsockopt: bindFunction<
    [fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array]
  >('int getsockopt(int, int, int, void *, void *)'),
  getsockname: bindFunction<[fd: number, address: Uint8Array, length: Uint8Array]>(
    'int getsockname(int, void *, void *)',
  ),
  ioctl: bindFunction<[fd: number, request: number, argument: Uint8Array | bigint | null]>(
    'int ioctl(int, ulong, void *)',
  ),
  unshare: bindFunction<[flags: number]>('int unshare(int)', NAMESPACE_HINT),
  setns: bindFunction<[fd: number, kind: number]>('int setns(int, int)', NAMESPACE_HINT),
  close: bindFunction<[fd: number]>('int close(int)'),
  send: bindFunction<[fd: number, bytes: Uint8Array, length: number, flags: number]>(
    'long send(int, void *, size_t, int)',
  ),
  recv: bindFunction<[fd: number, into: Uint8Array, length: number, flags: number]>(
    'long recv(int, void *, size_t, int)',
  ),
  sendto: bindFunction<
    [fd: number, bytes: Uint8Array, n: number, flags: number, to: Uint8Array, toLength: number]
  >('long sendto(int, void *, size_t, int, void *, uint32_t)'),
}
