import { readFileSync } from 'node:fs'
import { toSekishoError } from '../core/error.ts'
import { libc } from './libc.ts'
import * as netlink from './netlink.ts'
import { inNewNamespace, writeSysctls } from './network-namespace.ts'
import type { Steering } from './network.ts'
import { openNetfilter, redirectConnections } from './nftables.ts'
import { closePacketWatch, openPacketWatch } from './packet-watch.ts'
import { steerConnections } from './sk-lookup.ts'

/** linux/capability.h; what makes namespaces, links, programs and packet sockets */
const CAPABILITIES = {
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_ADMIN: 21,
}
const AF_INET6 = 10
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000

type Trial = { namespaceFd: number; keep: (fd: number) => number; drop: (fd: number) => void }

/** Each alone, so that start-up reports all that is missing and not just the first. */
type Part = readonly [part: string, run: (trial: Trial) => void]
const PARTS: readonly Part[] = [
  ['network settings', () => writeSysctls([['ipv4/ip_forward', '0']])],
  ['IPv6', () => writeSysctls([['ipv6/conf/all/forwarding', '0']])],
  ['virtual Ethernet (veth)', tryVeth],
  ['packet sockets', tryPacketWatch],
]
const STEERING: Readonly<Record<Steering, Part>> = {
  'sk-lookup': ['connection steering (BPF sk_lookup)', trySteering],
  tproxy: ['connection steering (nftables tproxy, CONFIG_NFT_TPROXY)', tryRedirection],
}

/**
 * What keeps this host from having session networks, each with what to do about it; empty when
 * they work. Tries every part for real, in namespaces of its own. Blocks for a few milliseconds.
 */
export function probeNetwork(steering: Steering = 'sk-lookup'): string[] {
  const lacking = missingCapabilities()
  // without them everything else fails too, for no reason of its own
  if (lacking.length > 0) return lacking
  const unshared = problemOf('network namespaces', () => inTrial(() => undefined))
  if (unshared.length > 0) return unshared
  return [...PARTS, STEERING[steering]].flatMap(([part, run]) =>
    problemOf(part, () => inTrial(run)),
  )
}

function missingCapabilities(): string[] {
  const status = readFileSync('/proc/thread-self/status', 'latin1')
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return Object.entries(CAPABILITIES).flatMap(([name, bit]) =>
    ((effective >> BigInt(bit)) & 1n) === 1n ? [] : [`${name}: run the daemon as root with it`],
  )
}

function problemOf(part: string, run: () => void): string[] {
  try {
    run()
    return []
  } catch (thrown) {
    const { message, hint } = toSekishoError(thrown)
    return [`${part}: ${message}. ${hint ?? 'Use a Linux kernel ≥ 5.9 that offers it.'}`]
  }
}

function inTrial(run: (trial: Trial) => void): void {
  const open = new Set<number>()
  const keep = (fd: number): number => {
    open.add(fd)
    return fd
  }
  const drop = (fd: number): void => void open.delete(fd)
  try {
    inNewNamespace((fd) => run({ namespaceFd: keep(fd), keep, drop }))
  } finally {
    for (const fd of open) libc.close(fd)
  }
}

function tryVeth({ namespaceFd, keep }: Trial): void {
  const ends = [
    { name: 'probe0', index: 100, mac: Buffer.from('020000000001', 'hex') },
    { name: 'probe1', index: 101, mac: Buffer.from('020000000002', 'hex') },
  ] as const
  const create = netlink.createVeth(ends[0], ends[1], namespaceFd)
  netlink.applyRequests(keep(netlink.openNetlink()), [create])
}

function trySteering({ namespaceFd, keep }: Trial): void {
  const listener = keep(libc.socket(AF_INET6, SOCK_STREAM_CLOEXEC, 0))
  libc.listen(listener, 1)
  keep(steerConnections(listener, namespaceFd))
}

function tryRedirection({ keep }: Trial): void {
  const listener = keep(libc.socket(AF_INET6, SOCK_STREAM_CLOEXEC, 0))
  libc.listen(listener, 1)
  redirectConnections(listener, keep(openNetfilter()))
}

function tryPacketWatch({ drop, keep }: Trial): void {
  const fd = openPacketWatch(keep, Buffer.alloc(4))
  drop(fd)
  void closePacketWatch(fd)
}
