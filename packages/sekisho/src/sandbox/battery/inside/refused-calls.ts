import { existsSync, openSync } from 'node:fs'
import type { Argument } from './native.ts'
import { allRefused, type Probe, type Probes, refused, refusedInChild } from './probe.ts'

const AT_FDCWD = -100
const SIGCHLD = 17
const MNT_DETACH = 2
const PTRACE = { traceMe: 0, attach: 16, seize: 0x4206 } as const
const KEYCTL = { getKeyringId: 0, joinSession: 1, search: 10, read: 11 } as const
const SESSION_KEYRING = -3
const room = (bytes: number): Uint8Array => Buffer.alloc(bytes)

/** CLONE_NEW…, `linux/sched.h` */
const NAMESPACES = {
  time: 0x80,
  mount: 0x2_0000,
  cgroup: 0x200_0000,
  uts: 0x400_0000,
  ipc: 0x800_0000,
  user: 0x1000_0000,
  pid: 0x2000_0000,
  net: 0x4000_0000,
} as const

/**
 * System calls with which escapes begin. Each is refused whatever its arguments say; those here are
 * what an attacker would pass, made harmless where a success could reach beyond the battery.
 * Numbers: x86-64, `asm/unistd_64.h`.
 */
export const refusedCalls: Probes = {
  mount: refused(165, 'tmpfs', '/tmp', 'tmpfs', 0, 0),
  umount: refused(166, '/proc', MNT_DETACH),
  'pivot-root': refused(155, '/tmp', '/tmp'),
  chroot: refusedInChild(161, '/tmp'),
  fsopen: refused(430, 'tmpfs', 0),
  fsconfig: refused(431, -1, 0, 'source', 'none', 0),
  fsmount: refused(432, -1, 0, 0),
  fspick: refused(433, AT_FDCWD, '/tmp', 0),
  'open-tree': refused(428, AT_FDCWD, '/', 1),
  'move-mount': refused(429, AT_FDCWD, '/tmp', AT_FDCWD, '/tmp', 0),
  'mount-setattr': refused(442, AT_FDCWD, '/usr', 0, room(32), 32),
  quotactl: refused(179, 0x80000700, '/dev/none', 0, room(64)),
  'quotactl-fd': refused(443, -1, 0x80000700, 0, room(64)),
  swapon: refused(167, '/tmp/swap', 0),
  swapoff: refused(168, '/tmp/swap'),
  acct: refused(163, '/tmp/acct'),
  ...unshares(),
  ...clones(),
  'clone-high-bits': refusedInChild(56, 0x100_1000_0011n, 0, 0, 0, 0),
  ...joins(),
  sethostname: refused(170, 'sekisho', 7),
  setdomainname: refused(171, 'sekisho', 7),
  'ptrace-traceme': refusedInChild(101, PTRACE.traceMe, 0, 0, 0),
  'ptrace-attach': refused(101, PTRACE.attach, 1, 0, 0),
  'ptrace-seize': refused(101, PTRACE.seize, 1, 0, 0),
  'read-other-memory': refused(310, 1, room(16), 1, room(16), 1, 0),
  'write-other-memory': refused(311, 1, room(16), 1, room(16), 1, 0),
  kcmp: refused(312, 1, 1, 0, 0, 0),
  'take-descriptor': refused(438, -1, 0, 0),
  'open-by-handle': refused(304, AT_FDCWD, room(128), 0),
  'name-to-handle': refused(303, AT_FDCWD, '/', room(136), room(8), 0),
  fanotify: refused(300, 0, 0),
  'executable-memory': refused(319, 'battery', 0x10),
  'keyctl-session': refused(250, KEYCTL.getKeyringId, SESSION_KEYRING, 0),
  'keyctl-join': refusedInChild(250, KEYCTL.joinSession, 0),
  'keyctl-search': refused(250, KEYCTL.search, SESSION_KEYRING, 'user', 'sekisho-battery', 0),
  'keyctl-read': refused(250, KEYCTL.read, SESSION_KEYRING, room(64), 64),
  'add-key': refused(248, 'user', 'battery', 'x', 1, SESSION_KEYRING),
  'request-key': refused(249, 'user', 'sekisho-battery', 0, 0),
  'bpf-map': refused(321, 0, room(128), 128),
  'bpf-program': refused(321, 5, room(128), 128),
  perf: refused(298, room(120), 0, -1, -1, 0),
  userfaultfd: refused(323, 1),
  'io-uring-setup': refused(425, 8, room(120)),
  'io-uring-enter': refused(426, -1, 0, 0, 0, 0, 0),
  'io-uring-register': refused(427, -1, 0, 0, 0),
  'init-module': refused(175, room(64), 64, ''),
  'finit-module': refused(313, -1, '', 0),
  'delete-module': refused(176, 'none', 0),
  kexec: refused(246, 0, 0, 0, 0xff),
  'kexec-file': refused(320, -1, -1, 0, 0, 0),
  reboot: refused(169, 0, 0, 0, 0),
  syslog: refused(103, 10, 0, 0),
  iopl: refused(172, 3),
  ioperm: refused(173, 0x80, 1, 1),
  'clock-settime': refused(227, 99, room(16)),
  settimeofday: refused(164, 0, 0),
}

function unshares(): Probes {
  const single = Object.entries(NAMESPACES).map(
    ([name, flag]) => [`unshare-${name}`, refusedInChild(272, flag)] as const,
  )
  return Object.fromEntries([
    ...single,
    ['unshare-user-and-mount', refusedInChild(272, NAMESPACES.user | NAMESPACES.mount)],
  ])
}

/** A time namespace is made by `clone3` and `unshare` alone. */
function clones(): Probes {
  const { time: _time, ...flags } = NAMESPACES
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      `clone-${name}`,
      refusedInChild(56, flag | SIGCHLD, 0, 0, 0, 0),
    ]),
  )
}

function joins(): Probes {
  const join =
    (name: string): Probe =>
    (given) => {
      const path = `/proc/1/ns/${name}`
      const fd = existsSync(path) ? openSync(path, 'r') : -1
      return refusedInChild(308, fd, 0)(given)
    }
  return Object.fromEntries(
    ['mnt', 'net', 'pid', 'user'].map((name) => [`setns-${name}`, join(name)]),
  )
}

const AF = { unix: 1, inet: 2, netlink: 16, packet: 17, inet6: 10 } as const
const SOCK = { stream: 1, datagram: 2, raw: 3, closeOnExec: 0o2000000 } as const
const socket = (...args: [number | bigint, number, number]): Probe => refused(41, ...args)

/** Above netlink; the numbers are those of `linux/socket.h`. */
const FAMILIES = {
  rds: 21,
  can: 29,
  tipc: 30,
  bluetooth: 31,
  rxrpc: 33,
  alg: 38,
  nfc: 39,
  vsock: 40,
  kcm: 41,
  qipcrtr: 42,
  smc: 43,
  xdp: 44,
} as const

const NETLINK = {
  usersock: 2,
  'sock-diag': 4,
  xfrm: 6,
  audit: 9,
  connector: 11,
  netfilter: 12,
  uevent: 15,
  generic: 16,
  rdma: 20,
  crypto: 21,
} as const

export const refusedSockets: Probes = {
  'socket-raw': socket(AF.inet, SOCK.raw, 1),
  'socket-raw6': socket(AF.inet6, SOCK.raw | SOCK.closeOnExec, 58),
  'socket-packet': socket(AF.packet, SOCK.raw, 768),
  'socket-packet-datagram': socket(AF.packet, SOCK.datagram, 768),
  'socket-high-bits': socket(0x1_0000_0002n, SOCK.stream, 0),
  ...Object.fromEntries(
    Object.entries(FAMILIES).map(([name, family]) => [
      `socket-${name}`,
      allRefused(
        [SOCK.stream, SOCK.datagram, SOCK.raw, 5].map((type) => [41, family, type, 0] as const),
      ),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(NETLINK).map(([name, protocol]) => [
      `netlink-${name}`,
      socket(AF.netlink, SOCK.raw, protocol),
    ]),
  ),
  'netlink-each-other': allRefused(
    [1, 3, 5, 7, 8, 10, 13, 14, 17, 18, 19, 22, 31].map(
      (protocol) => [41, AF.netlink, SOCK.raw, protocol] as const,
    ),
  ),
}

const TERMINAL = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c } as const
/** CVE-2019-10063: the kernel reads 32 bits of the register, a filter that compares 64 is passed */
const HIGH = 0x7_0000_0000n

const ioctl = (request: number | bigint, argument: Argument): Probe =>
  refused(16, 0, request, argument)

export const refusedRequests: Probes = {
  tiocsti: ioctl(TERMINAL.TIOCSTI, 'x'),
  'tiocsti-high-bits': ioctl(HIGH | BigInt(TERMINAL.TIOCSTI), 'x'),
  'tiocsti-middle-bits': ioctl(0x10000 | TERMINAL.TIOCSTI, 'x'),
  tioclinux: ioctl(TERMINAL.TIOCLINUX, '\x03'),
  'tioclinux-high-bits': ioctl(HIGH | BigInt(TERMINAL.TIOCLINUX), '\x03'),
  'personality-no-randomize': refusedInChild(135, 0x40000),
  'personality-read-implies-exec': refusedInChild(135, 0x400000),
  'personality-mmap-page-zero': refusedInChild(135, 0x100000),
}
