import { expect, test } from 'vitest'
import { attemptNames } from './attempts.ts'

const SOCKET = 41
const call = (nr: number, ...args: readonly number[]): Parameters<typeof attemptNames>[0] => ({
  nr,
  abi: 'x86-64',
  args: [0, 1, 2, 3, 4, 5].map((i) => BigInt(args[i] ?? 0)),
})

test.for([
  ['a mount', call(165), ['mount']],
  ['a clone into namespaces', call(56, 0x1000_0000), ['clone']],
  ['what ss opens', call(SOCKET, 16, 3, 4), ['socket', 'socket:netlink-diag']],
  ['the packet filter', call(SOCKET, 16, 3, 12), ['socket', 'socket:netlink-netfilter']],
  ['a protocol without a name', call(SOCKET, 16, 3, 21), ['socket', 'socket:netlink-21']],
  ['what ping opens', call(SOCKET, 2, 3, 1), ['socket', 'socket:raw']],
  ['the same over IPv6', call(SOCKET, 10, 3, 58), ['socket', 'socket:raw']],
  ['a packet socket', call(SOCKET, 17, 3, 0), ['socket', 'socket:packet']],
  ['a socket to the hypervisor', call(SOCKET, 40, 1, 0), ['socket', 'socket:vsock']],
  ['a family without a name', call(SOCKET, 45, 1, 0), ['socket', 'socket:45']],
  ['typing into the terminal', call(16, 0, 0x5412), ['ioctl', 'ioctl:tiocsti']],
  [
    'the same with a high bit, which the kernel does not read',
    call(16, 0, 0x1_0000_5412),
    ['ioctl', 'ioctl:tiocsti'],
  ],
] as const)('%s', ([, made, names]) => {
  expect(attemptNames(made)).toEqual(names)
})

test('another table of calls has other names', () => {
  expect(attemptNames({ ...call(21), abi: 'i386' })).toEqual(['i386 syscall 21'])
})
