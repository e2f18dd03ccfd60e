import { callInChild, type ChildEnd, wordsOf } from './native.ts'
import {
  type Finding,
  type Given,
  ofHost,
  type Probe,
  type Probes,
  told,
  unknown,
} from './probe.ts'

const SIGSYS = 31
const X32 = 0x4000_0000

/** Tables of system calls with other numbers: a filter of native numbers does not hold there. */
function killed(enter: () => ChildEnd): Probe {
  return ({ hostKernel }: Given): Finding => {
    const { values, signal } = enter()
    const value = values[0] ?? null
    const held = hostKernel ? signal === SIGSYS : value === null || value < 0
    return { held, detail: `${told(value)}, signal ${signal}` }
  }
}

const i386 = (nr: number, ...args: number[]): Probe =>
  ofHost(killed(() => callInChild([wordsOf(nr, args)], 'int80')))
const x32 = (nr: number, ...args: number[]): Probe =>
  killed(() => callInChild([wordsOf(X32 + nr, args)]))

/** struct clone_args: flags, then an exit signal at 32 */
function cloneArguments(flags: number): Buffer {
  const args = Buffer.alloc(88)
  args.writeBigUInt64LE(BigInt(flags), 0)
  args.writeBigUInt64LE(17n, 32)
  return args
}

export const entries: Probes = {
  'i386-getpid': i386(20),
  'i386-mount': i386(21, 0, 0, 0),
  'i386-socketcall': i386(102, 1, 0),
  'x32-getpid': x32(39),
  'x32-mount': x32(165),
  'clone3-user-namespace': (given) => unknown(435, cloneArguments(0x1000_0000), 88)(given),
  'clone3-plain': (given) => unknown(435, cloneArguments(0), 88)(given),
  vmsplice: unknown(278, -1, 0, 0, 0),
  'modify-ldt': unknown(154, 0, Buffer.alloc(16), 16),
  'memfd-secret': unknown(447, 0),
  'lookup-dcookie': unknown(212, 0, Buffer.alloc(64), 64),
  'memory-policy': unknown(239, 0, 0, 0, 0, 0),
  'move-pages': unknown(279, 0, 0, 0, 0, 0, 0),
  'migrate-pages': unknown(256, 0, 0, 0, 0),
  adjtimex: unknown(159, Buffer.alloc(208)),
  'clock-adjtime': unknown(305, 0, Buffer.alloc(208)),
  vhangup: unknown(153),
  ustat: unknown(136, 0, Buffer.alloc(64)),
  uselib: unknown(134, '/none'),
  'fanotify-mark': unknown(301, -1, 0, 0, 0, 0),
  'process-madvise': unknown(440, -1, 0, 0, 0, 0),
  'set-thread-area': unknown(205, 0),
  statmount: unknown(457, 0, 0, 0, 0),
  listmount: unknown(458, 0, 0, 0, 0),
  'a-call-of-the-future': unknown(999),
  'socket-key': unknown(41, 15, 3, 2),
  'socket-x25': unknown(41, 9, 5, 0),
  'socket-ax25': unknown(41, 3, 2, 0),
  'socket-appletalk': unknown(41, 5, 2, 0),
  'socket-sctp': unknown(41, 2, 1, 132),
  'socket-dccp': unknown(41, 2, 6, 33),
  'socket-mptcp': unknown(41, 2, 1, 262),
  'socket-ping': unknown(41, 2, 2, 1),
  'socketpair-other-family': unknown(53, 30, 1, 0, Buffer.alloc(8)),
}
