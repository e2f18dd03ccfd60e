import { SocketAddress, isIPv6 } from 'node:net'
import { SekishoError } from '../core/error.ts'
import { addressOf, libc, systemCallFailed } from './libc.ts'

const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const NETLINK_ROUTE = 0
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const MSG_DONTWAIT = 0x40
const SIOCETHTOOL = 0x8946
const ETHTOOL_GLINK = 0xa

const NLMSG_ERROR = 2
const RTM_NEWLINK = 16
const RTM_NEWADDR = 20
const RTM_NEWROUTE = 24
const RTM_NEWNEIGH = 28
const NLM_F_REQUEST_ACK = 0x1 | 0x4
const NLM_F_CREATE_EXCLUSIVELY = 0x200 | 0x400
/** the reply carries attributes behind the header of our message */
const NLM_F_ACK_TLVS = 0x200
const NLMSGERR_ATTR_MSG = 1

const IFF_UP = 1
const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  LINKINFO: 18,
  NET_NS_FD: 28,
  NUM_TX_QUEUES: 31,
  NUM_RX_QUEUES: 32,
}
const IFLA_INFO = { KIND: 1, DATA: 2 }
const VETH_INFO_PEER = 1
const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 }
/** no duplicate address detection, so that the address is usable at once; no route of its own */
const IFA_F_NODAD_NOPREFIXROUTE = 0x02 | 0x200
const RTA = { DST: 1, OIF: 4, GATEWAY: 5 }
const NDA = { DST: 1, LLADDR: 2 }
const NUD_PERMANENT = 0x80
const RT_TABLE_MAIN = 254
const RTPROT_STATIC = 4
const SCOPE = { universe: 0, link: 253, host: 254 }
const RTN_UNICAST = 1
const RTN_LOCAL = 2

/** In every network namespace. */
export const LOOPBACK_INDEX = 1

/** One rtnetlink request without its sequence number, which {@link applyRequests} writes. */
export type Request = { what: string; bytes: Buffer }

/** `mac` has six bytes. */
export type VethEnd = { name: string; index: number; mac: Buffer }

/** A pair of joined interfaces: `here` in the socket's namespace, `there` in `namespaceFd`'s. */
export function createVeth(here: VethEnd, there: VethEnd, namespaceFd: number): Request {
  const peer = Buffer.concat([
    linkHeader(there.index, { up: false }),
    ...describeEnd(there),
    attribute(IFLA.NET_NS_FD, uint32(namespaceFd)),
  ])
  const info = Buffer.concat([
    attribute(IFLA_INFO.KIND, Buffer.from('veth')),
    attribute(IFLA_INFO.DATA, attribute(VETH_INFO_PEER, peer)),
  ])
  return makeNew(`create ${here.name}`, RTM_NEWLINK, [
    linkHeader(here.index, { up: false }),
    ...describeEnd(here),
    attribute(IFLA.LINKINFO, info),
  ])
}

function describeEnd({ name, mac }: VethEnd): Buffer[] {
  return [
    attribute(IFLA.ADDRESS, mac),
    attribute(IFLA.IFNAME, text(name)),
    // the kernel would otherwise make a queue for every processor, with memory for each
    attribute(IFLA.NUM_TX_QUEUES, uint32(1)),
    attribute(IFLA.NUM_RX_QUEUES, uint32(1)),
  ]
}

export function setLink(index: number, state: { up: boolean }): Request {
  const what = `set link ${index} ${state.up ? 'up' : 'down'}`
  return change(what, RTM_NEWLINK, [linkHeader(index, state, IFF_UP)])
}

/**
 * Adds an address. IPv6: without duplicate address detection and without the prefix' own route,
 * so that nothing but the peer, which {@link addNeighbourRoute} names, counts as on the link.
 *
 * @param address numeric
 */
export function addAddress(index: number, address: string, prefixBits: number): Request {
  const { family, bytes } = parseAddress(address)
  const header = Buffer.alloc(8)
  header[0] = family
  header[1] = prefixBits
  header.writeUInt32LE(index, 4)
  return makeNew(`add address ${address}`, RTM_NEWADDR, [
    header,
    attribute(IFA.LOCAL, bytes),
    attribute(IFA.ADDRESS, bytes),
    ...(family === AF_INET6 ? [attribute(IFA.FLAGS, uint32(IFA_F_NODAD_NOPREFIXROUTE))] : []),
  ])
}

/** The one address that is reached on the link itself. */
export function addNeighbourRoute(index: number, address: string): Request {
  const { family, bytes } = parseAddress(address)
  return makeNew(`add route to ${address}`, RTM_NEWROUTE, [
    routeHeader(family, { dstBits: bytes.length * 8, scope: SCOPE.link, kind: RTN_UNICAST }),
    attribute(RTA.DST, bytes),
    attribute(RTA.OIF, uint32(index)),
  ])
}

/**
 * Takes in what comes for an address. The kernel adds such a route for each address itself, but
 * for IPv6 from a work queue: until then an answer that is on its way already is dropped.
 */
export function addLocalRoute(index: number, address: string): Request {
  const { family, bytes } = parseAddress(address)
  return makeNew(`add local route to ${address}`, RTM_NEWROUTE, [
    routeHeader(family, { dstBits: bytes.length * 8, scope: SCOPE.host, kind: RTN_LOCAL }),
    attribute(RTA.DST, bytes),
    attribute(RTA.OIF, uint32(index)),
  ])
}

/** Makes asking for the neighbour's hardware address needless, once and for all. */
export function addNeighbour(index: number, address: string, mac: Buffer): Request {
  const { family, bytes } = parseAddress(address)
  const header = Buffer.alloc(12) // struct ndmsg
  header[0] = family
  header.writeInt32LE(index, 4)
  header.writeUInt16LE(NUD_PERMANENT, 8)
  return makeNew(`add neighbour ${address}`, RTM_NEWNEIGH, [
    header,
    attribute(NDA.DST, bytes),
    attribute(NDA.LLADDR, mac),
  ])
}

export function addDefaultRoute(index: number, gateway: string): Request {
  const { family, bytes } = parseAddress(gateway)
  return makeNew(`add default route via ${gateway}`, RTM_NEWROUTE, [
    routeHeader(family, { dstBits: 0, scope: SCOPE.universe, kind: RTN_UNICAST }),
    attribute(RTA.GATEWAY, bytes),
    attribute(RTA.OIF, uint32(index)),
  ])
}

/**
 * AnyIP: every address that no longer prefix covers is this namespace's own.
 *
 * In the main table, not the local one: the local table is looked up first, and there the route
 * would swallow the neighbour's address too, so that no reply could leave.
 */
export function addAnyIpRoute(version: 4 | 6): Request {
  const family = version === 4 ? AF_INET : AF_INET6
  const scope = version === 4 ? SCOPE.host : SCOPE.universe
  return makeNew(`add IPv${version} AnyIP route`, RTM_NEWROUTE, [
    routeHeader(family, { dstBits: 0, scope, kind: RTN_LOCAL }),
    attribute(RTA.OIF, uint32(LOOPBACK_INDEX)),
  ])
}

function makeNew(what: string, kind: number, parts: readonly Buffer[]): Request {
  return frame(what, [kind, NLM_F_REQUEST_ACK | NLM_F_CREATE_EXCLUSIVELY], parts)
}

function change(what: string, kind: number, parts: readonly Buffer[]): Request {
  return frame(what, [kind, NLM_F_REQUEST_ACK], parts)
}

/** struct nlmsghdr and what follows it */
function frame(
  what: string,
  [kind, flags]: readonly [kind: number, flags: number],
  parts: readonly Buffer[],
): Request {
  const body = Buffer.concat(parts)
  const header = Buffer.alloc(16)
  header.writeUInt32LE(header.length + body.length, 0)
  header.writeUInt16LE(kind, 4)
  header.writeUInt16LE(flags, 6)
  return { what, bytes: Buffer.concat([header, body]) }
}

/** struct ifinfomsg */
function linkHeader(index: number, { up }: { up: boolean }, mask = 0): Buffer {
  const header = Buffer.alloc(16)
  header.writeInt32LE(index, 4)
  header.writeUInt32LE(up ? IFF_UP : 0, 8)
  header.writeUInt32LE(mask, 12)
  return header
}

/** struct rtmsg */
function routeHeader(
  family: number,
  { dstBits, scope, kind }: { dstBits: number; scope: number; kind: number },
): Buffer {
  const [sourceBits, typeOfService] = [0, 0]
  const start = [family, dstBits, sourceBits, typeOfService, RT_TABLE_MAIN, RTPROT_STATIC, scope]
  return Buffer.from([...start, kind, 0, 0, 0, 0])
}

/** struct rtattr and its value, padded to four bytes as the next one's start wants it */
export function attribute(kind: number, value: Buffer): Buffer {
  const padded = Buffer.alloc((4 + value.length + 3) & ~3)
  padded.writeUInt16LE(4 + value.length, 0)
  padded.writeUInt16LE(kind, 2)
  value.copy(padded, 4)
  return padded
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

/** Network byte order. The few forms that our own constants use; nothing from outside comes here. */
function parseAddress(address: string): { family: number; bytes: Buffer } {
  if (!isIPv6(address))
    return { family: AF_INET, bytes: Buffer.from(address.split('.').map(Number)) }
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address
  const [head = '', tail] = canonical.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const gap = Array.from({ length: 8 - left.length - right.length }, () => '0')
  const bytes = Buffer.alloc(16)
  for (const [i, group] of [...left, ...gap, ...right].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2)
  }
  return { family: AF_INET6, bytes }
}

/**
 * Opens an rtnetlink socket, which stays in the namespace that the thread is in now.
 *
 * @returns a descriptor that the caller closes
 * @throws SekishoError when the kernel refuses
 */
export function openNetlink(): number {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE)
  for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) {
    // without them errors are only less clear
    libc.setsockopt.attempt(fd, SOL_NETLINK, option, uint32(1), 4)
  }
  return fd
}

/**
 * Sends all requests at once and checks every answer. The kernel answers before `send` returns.
 *
 * @throws SekishoError for the first request that was refused; those after it were still tried
 */
export function applyRequests(fd: number, requests: readonly Request[]): void {
  const batch = Buffer.concat(requests.map(({ bytes }) => bytes))
  let offset = 0
  for (const [sequence, { bytes }] of requests.entries()) {
    batch.writeUInt32LE(sequence, offset + 8)
    offset += bytes.length
  }
  libc.send(fd, batch, batch.length, 0)
  const into = Buffer.alloc(2048)
  const refused = requests.map(({ what }, sequence) => {
    const length = libc.recv(fd, into, into.length, MSG_DONTWAIT)
    return readAnswer(into.subarray(0, length), { what, sequence })
  })
  for (const error of refused) if (error !== undefined) throw error
}

/**
 * Makes the kernel act on the link's carrier now. It would otherwise do so from a work queue,
 * and until then the link drops what is sent: a lost first packet costs a client a second.
 *
 * @param fd any socket of the link's namespace
 */
export function settleLink(fd: number, name: string): void {
  const query = Buffer.alloc(48) // struct ifreq and, behind it, struct ethtool_value
  query.write(name, 0, 15, 'latin1')
  query.writeBigUInt64LE(addressOf(query) + 40n, 16)
  query.writeUInt32LE(ETHTOOL_GLINK, 40)
  libc.ioctl(fd, SIOCETHTOOL, query)
}

/** @throws SekishoError PROTOCOL_VIOLATION for anything but the answer to this very request */
export function readAnswer(
  answer: Buffer,
  { what, sequence }: { what: string; sequence: number },
): SekishoError | undefined {
  const isAnswer =
    answer.length >= 36 &&
    answer.readUInt16LE(4) === NLMSG_ERROR &&
    answer.readUInt32LE(8) === sequence
  if (!isAnswer) throw new SekishoError('PROTOCOL_VIOLATION', `netlink: no answer to ${what}`)
  const errno = -answer.readInt32LE(16)
  if (errno === 0) return undefined
  const explained = readExplanation(answer)
  const cause = explained === undefined ? undefined : new Error(explained)
  return systemCallFailed(`netlink: ${what}`, errno, { cause })
}

/** What the kernel says in words, beside the errno. */
function readExplanation(answer: Buffer): string | undefined {
  if ((answer.readUInt16LE(6) & NLM_F_ACK_TLVS) === 0) return undefined
  for (let offset = 36; offset + 4 <= answer.length; ) {
    const length = answer.readUInt16LE(offset)
    if (length < 4 || offset + length > answer.length) return undefined
    const value = answer.subarray(offset + 4, offset + length)
    if (answer.readUInt16LE(offset + 2) === NLMSGERR_ATTR_MSG) {
      return value.toString('utf8').replace(/\0+$/, '')
    }
    offset += (length + 3) & ~3
  }
  return undefined
}
