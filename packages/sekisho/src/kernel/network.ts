import { libc } from './libc.ts'
import * as netlink from './netlink.ts'
import { inNewNamespace, type Sysctl, writeSysctls } from './network-namespace.ts'
import { openNetfilter, redirectConnections } from './nftables.ts'
import { closePacketWatch, openPacketWatch, watchLink } from './packet-watch.ts'
import { steerConnections } from './sk-lookup.ts'

export { inNamespace } from './network-namespace.ts'
export { probeNetwork } from './network-probe.ts'
export { packetsLost, readPackets } from './packet-watch.ts'

const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26
const LISTEN_BACKLOG = 512
const DNS_PORT = 53

/** 198.18.0.0/15 is for benchmarks (RFC 2544), and fd53… is a ULA: neither is in use elsewhere. */
export const GATE_ADDRESSES = { ipv4: '198.19.255.1', ipv6: 'fd53:656b:6973:686f::1' } as const
export const AGENT_ADDRESSES = { ipv4: '198.19.255.2', ipv6: 'fd53:656b:6973:686f::2' } as const
const IPV4_PREFIX_BITS = 30
const IPV6_PREFIX_BITS = 64
/** Chosen, not asked for; above what the kernel gives to tunnels that it adds by itself. */
const LINK_INDEX = 100
/** Locally administered, the same in every session: each pair is a link of its own. */
const GATE_LINK = { name: 'gw0', index: LINK_INDEX, mac: Buffer.from('025365690001', 'hex') }
const AGENT_LINK = { name: 'eth0', index: LINK_INDEX, mac: Buffer.from('025365690002', 'hex') }

/** A new namespace starts with the host's IPv4 settings, so what matters is always written. */
const BOTH_SIDES: readonly Sysctl[] = [
  ['ipv6/conf/default/accept_ra', '0'],
  ['ipv6/conf/default/autoconf', '0'],
  ['ipv6/conf/default/addr_gen_mode', '1'], // no link-local address
]
const AGENT_SIDE: readonly Sysctl[] = [
  ...BOTH_SIDES,
  ['ipv4/ping_group_range', '1 0'],
  ['ipv4/ip_unprivileged_port_start', '0'],
]
const GATE_SIDE: readonly Sysctl[] = [
  ...BOTH_SIDES,
  ['ipv4/ip_forward', '0'],
  ['ipv6/conf/all/forwarding', '0'],
  ['ipv4/conf/all/rp_filter', '0'],
  ['ipv4/conf/default/rp_filter', '0'],
  ['ipv4/icmp_echo_ignore_all', '1'],
  ['ipv6/icmp/echo_ignore_all', '1'],
  // ms between refusals of UDP: a client that tries many servers hears about each at once
  ['ipv4/icmp_ratelimit', '10'],
  ['ipv6/icmp/ratelimit', '10'],
]

/** One session's two namespaces, joined by a veth pair; nothing else leads out of either. */
export type SessionNetwork = {
  /** where the agent runs */
  readonly agentNsFd: number
  /** where the listeners are; it has no uplink */
  readonly gateNsFd: number
  /** hears every TCP connection; an accepted socket's local address and port are those dialled */
  readonly tcpFd: number
  /** UDP, bound to the gate's IPv4 address, port 53 */
  readonly dnsFd: number
  /** whatever no listener takes, for `readPackets` */
  readonly packetFd: number
  /**
   * Gives a descriptor away, to a `net.Server` or `dgram.Socket` that will close it: `close`
   * then leaves it alone. Answers its argument.
   */
  release(fd: number): number
  /**
   * Closes what was not given away, most of it before it returns; for the packet socket the kernel
   * waits some 10 ms, off this thread. The namespaces end with their last descriptor and process.
   * Again: the same promise.
   */
  close(): Promise<void>
}

/**
 * How connections get to the one listener: by a BPF program, which only the host's root may load, or
 * by a rule of nftables, for which a user namespace's root is enough. Nobody behind it can tell.
 */
export type Steering = 'sk-lookup' | 'tproxy'

/** Descriptors of a session's network, all of them the caller's. */
export type NetworkDescriptors = Pick<SessionNetwork, 'agentNsFd' | keyof Listeners> & {
  /** what keeps the steering in place */
  more: readonly number[]
}
type Listeners = Pick<SessionNetwork, 'gateNsFd' | 'tcpFd' | 'dnsFd' | 'packetFd'>

/**
 * Makes a session's network. Blocks the thread for a millisecond or two.
 *
 * @throws SekishoError HOST_UNSUPPORTED, PERMISSION_REQUIRED or SANDBOX_FAILED; nothing is left
 */
export function createNetwork(steering: Steering = 'sk-lookup'): SessionNetwork {
  return asNetwork(openNetwork(steering))
}

/** As {@link createNetwork}, for a caller that hands the descriptors to another thread. */
export function openNetwork(steering: Steering): NetworkDescriptors {
  const open = new Set<number>()
  const keep = (fd: number): number => {
    open.add(fd)
    return fd
  }
  try {
    const agent = openAgentSide(keep)
    const gate = openGateSide(keep)
    joinSides(agent, gate)
    listenOnGateSide(gate)
    const more = steering === 'tproxy' ? [] : [keep(steerConnections(gate.tcpFd, gate.gateNsFd))]
    if (steering === 'tproxy') redirectConnections(gate.tcpFd, gate.netfilterFd)
    for (const fd of [agent.netlinkFd, gate.netlinkFd, gate.netfilterFd]) {
      open.delete(fd)
      libc.close(fd)
    }
    const { gateNsFd, tcpFd, dnsFd, packetFd } = gate
    return { agentNsFd: agent.agentNsFd, gateNsFd, tcpFd, dnsFd, packetFd, more }
  } catch (error) {
    for (const fd of open) libc.close.attempt(fd)
    throw error
  }
}

/** Takes the descriptors over. */
export function asNetwork(descriptors: NetworkDescriptors): SessionNetwork {
  const { agentNsFd, gateNsFd, tcpFd, dnsFd, packetFd, more } = descriptors
  const open = new Set([agentNsFd, gateNsFd, tcpFd, dnsFd, packetFd, ...more])
  const release = (fd: number): number => {
    open.delete(fd)
    return fd
  }
  const closeAll = async (): Promise<void> => {
    const isWatched = open.delete(packetFd)
    for (const fd of open) libc.close.attempt(release(fd))
    if (isWatched) await closePacketWatch(packetFd)
  }
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    closed ??= closeAll()
    return closed
  }
  return { agentNsFd, gateNsFd, tcpFd, dnsFd, packetFd, release, close }
}

type Keep = (fd: number) => number
type AgentSide = { agentNsFd: number; netlinkFd: number }
type GateSide = Listeners & Record<'netlinkFd' | 'netfilterFd', number>

/** Sockets stay in the namespace that they were opened in, so only opening happens inside. */
function openAgentSide(keep: Keep): AgentSide {
  return inNewNamespace((fd) => {
    const agentNsFd = keep(fd)
    writeSysctls(AGENT_SIDE)
    return { agentNsFd, netlinkFd: keep(netlink.openNetlink()) }
  })
}

function openGateSide(keep: Keep): GateSide {
  return inNewNamespace((fd) => {
    const gateNsFd = keep(fd)
    writeSysctls(GATE_SIDE)
    return {
      gateNsFd,
      netlinkFd: keep(netlink.openNetlink()),
      netfilterFd: keep(openNetfilter()),
      tcpFd: keep(libc.socket(AF_INET6, SOCK_STREAM_CLOEXEC, 0)),
      dnsFd: keep(libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0)),
      packetFd: openPacketWatch(keep, bytesOf(GATE_ADDRESSES.ipv4)),
    }
  })
}

function joinSides(agent: AgentSide, gate: GateSide): void {
  netlink.applyRequests(gate.netlinkFd, [
    netlink.setLink(netlink.LOOPBACK_INDEX, { up: true }),
    netlink.createVeth(GATE_LINK, AGENT_LINK, agent.agentNsFd),
    netlink.setLink(LINK_INDEX, { up: true }),
    ...addressesOf(GATE_ADDRESSES),
    ...neighbourOf(AGENT_ADDRESSES, AGENT_LINK.mac),
    netlink.addAnyIpRoute(4),
    netlink.addAnyIpRoute(6),
  ])
  watchLink(gate.packetFd, LINK_INDEX) // before the other end is up, so that nothing is missed
  netlink.applyRequests(agent.netlinkFd, [
    netlink.setLink(netlink.LOOPBACK_INDEX, { up: true }),
    netlink.setLink(LINK_INDEX, { up: true }),
    ...addressesOf(AGENT_ADDRESSES),
    ...neighbourOf(GATE_ADDRESSES, GATE_LINK.mac),
    netlink.addDefaultRoute(LINK_INDEX, GATE_ADDRESSES.ipv4),
    netlink.addDefaultRoute(LINK_INDEX, GATE_ADDRESSES.ipv6),
  ])
  netlink.settleLink(gate.netlinkFd, GATE_LINK.name)
  netlink.settleLink(agent.netlinkFd, AGENT_LINK.name)
}

type Addresses = { ipv4: string; ipv6: string }

function addressesOf({ ipv4, ipv6 }: Addresses): readonly netlink.Request[] {
  return [
    netlink.addAddress(LINK_INDEX, ipv4, IPV4_PREFIX_BITS),
    netlink.addAddress(LINK_INDEX, ipv6, IPV6_PREFIX_BITS),
    netlink.addLocalRoute(LINK_INDEX, ipv6),
  ]
}

/** Both ends are known, so neither ARP nor neighbour discovery delays the first packet. */
function neighbourOf({ ipv4, ipv6 }: Addresses, mac: Buffer): readonly netlink.Request[] {
  return [
    netlink.addNeighbourRoute(LINK_INDEX, ipv6),
    netlink.addNeighbour(LINK_INDEX, ipv4, mac),
    netlink.addNeighbour(LINK_INDEX, ipv6, mac),
  ]
}

function listenOnGateSide({ tcpFd, dnsFd }: GateSide): void {
  const off = Buffer.alloc(4)
  libc.setsockopt(tcpFd, IPPROTO_IPV6, IPV6_V6ONLY, off, off.length)
  const anywhere = Buffer.alloc(28) // struct sockaddr_in6: any address, any free port
  anywhere.writeUInt16LE(AF_INET6, 0)
  libc.bind(tcpFd, anywhere, anywhere.length)
  libc.listen(tcpFd, LISTEN_BACKLOG)
  const resolver = Buffer.alloc(16) // struct sockaddr_in
  resolver.writeUInt16LE(AF_INET, 0)
  resolver.writeUInt16BE(DNS_PORT, 2)
  bytesOf(GATE_ADDRESSES.ipv4).copy(resolver, 4)
  libc.bind(dnsFd, resolver, resolver.length)
}

function bytesOf(ipv4: string): Buffer {
  return Buffer.from(ipv4.split('.').map(Number))
}
