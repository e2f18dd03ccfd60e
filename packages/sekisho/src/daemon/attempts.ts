import type { InterceptedCall } from '../kernel/seccomp-notify.ts'
import { nameCall } from '../kernel/seccomp-notify.ts'

const FAMILIES: ReadonlyMap<number, string> = new Map([
  [17, 'packet'],
  [38, 'alg'],
  [40, 'vsock'],
  [44, 'xdp'],
])
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
/** netlink(7): what ordinary tools open, by name; the others by number */
const NETLINK: ReadonlyMap<number, string> = new Map([
  [4, 'diag'],
  [9, 'audit'],
  [12, 'netfilter'],
  [15, 'uevent'],
  [16, 'generic'],
])
const IOCTLS: ReadonlyMap<number, string> = new Map([
  [0x5412, 'tiocsti'],
  [0x541c, 'tioclinux'],
])

/**
 * The names by which an agent file can tolerate a refused call, the most telling one last: `ss`
 * asks for one kind of netlink socket, and who tolerates that means no raw packets.
 */
export function attemptNames(call: Pick<InterceptedCall, 'nr' | 'abi' | 'args'>): string[] {
  const name = nameCall(call)
  const kind = kindOf(name, call.args)
  return kind === undefined ? [name] : [name, `${name}:${kind}`]
}

function kindOf(name: string, args: readonly bigint[]): string | undefined {
  const [first = 0, second = 0, third = 0] = args.map((word) => Number(word & 0xffff_ffffn)) // 32 bits are read
  if (name === 'ioctl') return IOCTLS.get(second & 0xffff)
  return name === 'socket' ? socketKind(first, third) : undefined
}

function socketKind(family: number, protocol: number): string {
  if (family === AF_INET || family === AF_INET6) return 'raw'
  if (family === AF_NETLINK) return `netlink-${NETLINK.get(protocol) ?? protocol}`
  return FAMILIES.get(family) ?? String(family)
}
