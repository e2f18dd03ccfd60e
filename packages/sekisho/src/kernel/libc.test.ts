import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { describeErrno, ERRNO, SystemCallError } from './errno.ts'
import { addressOf, attemptSyscall, bindFunction, errnoOf, libc, syscall } from './libc.ts'

const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000
const SYS = { close: 3, getpid: 39, uname: 63, personality: 135, none: 9999 }

test('a call that works answers its value', () => {
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
  expect(fd).toBeGreaterThan(2)
  expect(libc.close(fd)).toBe(0)
})

test('a call that fails throws the errno by name, with the call and a hint', () => {
  const thrown = catchError(() => libc.close(-1))
  expect(thrown).toMatchObject({
    code: 'SANDBOX_FAILED',
    message: 'close: EBADF (bad file descriptor)',
    hint: 'Check the host’s memory, open files and kernel log.',
  })
  expect(thrown.cause).toBeInstanceOf(SystemCallError)
  expect(thrown.cause).toMatchObject({ errno: ERRNO.EBADF, code: 'EBADF', syscall: 'close' })
  expect(errnoOf(thrown)).toBe(ERRNO.EBADF)
})

test('an attempt answers the negated errno', () => {
  expect(libc.close.attempt(-1)).toBe(-ERRNO.EBADF)
  expect(attemptSyscall(SYS.none)).toBe(-ERRNO.ENOSYS)
})

test('an unknown system call means that the host lacks something', () => {
  expect(catchError(() => syscall('none', SYS.none))).toMatchObject({ code: 'HOST_UNSUPPORTED' })
})

test('a hint given at binding replaces the general one', () => {
  const close = bindFunction<[number]>('int close(int)', 'Do this.')
  expect(catchError(() => close(-1)).hint).toBe('Do this.')
})

test('a function that libc lacks is a host that is not supported', () => {
  const missing = bindFunction<[]>('int sekisho_is_not_in_libc()')
  expect(catchError(() => missing())).toMatchObject({
    code: 'HOST_UNSUPPORTED',
    message: 'libc has no int sekisho_is_not_in_libc()',
  })
})

test('a raw system call takes buffers by reference and addresses as integers', () => {
  const direct = Buffer.alloc(390)
  const byAddress = Buffer.alloc(390)
  expect(syscall('uname', SYS.uname, direct)).toBe(0)
  expect(syscall('uname', SYS.uname, addressOf(byAddress))).toBe(0)
  expect(byAddress).toEqual(direct)
  expect(direct.subarray(65, direct.indexOf(0, 65)).toString()).toBe(hostname())
  expect(syscall('getpid', SYS.getpid)).toBe(process.pid)
})

test('a raw system call takes negative and 32-bit unsigned integers', () => {
  expect(attemptSyscall(SYS.close, -1)).toBe(-ERRNO.EBADF)
  expect(attemptSyscall(SYS.personality, 0xffffffff)).toBe(0)
})

test('a string argument is passed as a path', () => {
  const open = bindFunction<[path: string, flags: number]>('int open(const char *, int)')
  const fd = open('/dev/null', 1)
  expect(readlinkSync(`/proc/self/fd/${fd}`)).toBe('/dev/null')
  libc.close(fd)
})

test.for([
  [1, 'EPERM', 'operation not permitted'],
  [38, 'ENOSYS', 'function not implemented'],
  [117, 'EUCLEAN', 'structure needs cleaning'],
  [4000, 'errno 4000', 'unknown error'],
] as const)('errno %i is %s', ([errno, name, text]) => {
  expect(describeErrno(errno)).toEqual({ name, text })
})

function catchError(act: () => unknown): SekishoError {
  try {
    act()
  } catch (thrown) {
    if (thrown instanceof SekishoError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}
