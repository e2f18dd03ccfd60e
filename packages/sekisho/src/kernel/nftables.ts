import { libc } from './libc.ts'
import { attribute, readAnswer } from './netlink.ts'

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const NETLINK_NETFILTER = 12
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const MSG_DONTWAIT = 0x40
const IPPROTO_IPV6 = 41
const IPV6_TRANSPARENT = 75
const IPPROTO_TCP = 6

/** linux/netfilter/nfnetlink.h, nf_tables.h */
const BATCH = { begin: 0x10, end: 0x11 } as const
const SUBSYSTEM = 10
const NEW = { table: 0, chain: 3, rule: 6 } as const
const NFPROTO_UNSPEC = 0
const NFPROTO_INET = 1
const NLM_F_REQUEST = 0x1
const NLM_F_ACK = 0x4
/** behind what is there */
const NLM_F_CREATE_APPEND = 0x400 | 0x800
const NESTED = 0x8000
const HOOK = { prerouting: 0, priorityMangle: -150 } as const
const META_L4PROTO = 16
const REGISTER = { verdict: 0, first: 1 } as const
const ACCEPT = 1
const TCP_RESET = 1
/** What an operator reads in the output of nft. */
const NAME = text('sekisho')

/**
 * Steers every TCP connection that reaches a network namespace to one listener, as `sk_lookup` does,
 * for a process that may load no BPF program: one nftables rule with `tproxy` looks the listener up
 * in place of whatever was dialled. Nothing is rewritten and nothing tracked, so accepted sockets
 * keep the dialled address and port as their local ones.
 *
 * Without a listener the rule finds nothing and the next one refuses the connection (fail closed).
 * Both last as long as the namespace.
 *
 * @param listenerFd a bound, dual-stack TCP socket of the namespace; is made transparent
 * @param netfilterFd of {@link openNetfilter}, opened in that namespace
 * @throws SekishoError HOST_UNSUPPORTED, PERMISSION_REQUIRED
 */
export function redirectConnections(listenerFd: number, netfilterFd: number): void {
  const on = Buffer.from([1, 0, 0, 0])
  libc.setsockopt(listenerFd, IPPROTO_IPV6, IPV6_TRANSPARENT, on, on.length)
  apply(netfilterFd, [
    message('a table', NEW.table, [attribute(1, NAME)]),
    message('a chain', NEW.chain, [
      attribute(1, NAME),
      attribute(3, NAME),
      nest(4, [attribute(1, be32(HOOK.prerouting)), attribute(2, be32(HOOK.priorityMangle))]),
      attribute(7, text('filter')),
    ]),
    rule('tproxy', [...ifTcp(), ...steer(portOf(listenerFd))]),
    rule('reject', [...ifTcp(), expression('reject', [attribute(1, be32(TCP_RESET))])]),
  ])
}

function rule(what: string, expressions: readonly Buffer[]): Message {
  const place = [attribute(1, NAME), attribute(2, NAME)]
  return message(`a rule with ${what}`, NEW.rule, [...place, nest(4, expressions)])
}

/** A socket for rules of the network namespace that the thread is in now; the caller closes it. */
export function openNetfilter(): number {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER)
  // an answer need not repeat what was asked; without this it is only longer
  libc.setsockopt.attempt(fd, SOL_NETLINK, NETLINK_CAP_ACK, Buffer.from([1, 0, 0, 0]), 4)
  return fd
}

/** `meta l4proto tcp` */
function ifTcp(): Buffer[] {
  return [
    expression('meta', [attribute(1, be32(REGISTER.first)), attribute(2, be32(META_L4PROTO))]),
    expression('cmp', [
      attribute(1, be32(REGISTER.first)),
      attribute(2, be32(0)), // equal
      nest(3, [attribute(1, Buffer.from([IPPROTO_TCP]))]),
    ]),
  ]
}

/** `tproxy to :port accept` */
function steer(port: number): Buffer[] {
  const toPort = Buffer.alloc(2)
  toPort.writeUInt16BE(port)
  return [
    expression('immediate', [attribute(1, be32(REGISTER.first)), nest(2, [attribute(1, toPort)])]),
    expression('tproxy', [
      attribute(1, be32(NFPROTO_UNSPEC)), // IPv4 and IPv6
      attribute(3, be32(REGISTER.first)),
    ]),
    expression('immediate', [
      attribute(1, be32(REGISTER.verdict)),
      nest(2, [nest(2, [attribute(1, be32(ACCEPT))])]),
    ]),
  ]
}

type Message = { what: string; kind: number; flags: number; body: Buffer }

function message(what: string, kind: number, parts: readonly Buffer[]): Message {
  const body = Buffer.concat([Buffer.from([NFPROTO_INET, 0, 0, 0]), ...parts])
  return {
    what,
    kind: (SUBSYSTEM << 8) | kind,
    flags: NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE_APPEND,
    body,
  }
}

function bracket(kind: number): Message {
  const body = Buffer.from([0, 0, 0, SUBSYSTEM]) // struct nfgenmsg: which subsystem the batch is for
  return { what: 'a batch', kind, flags: NLM_F_REQUEST, body }
}

/** All of it, or nothing: the kernel commits a batch as one. */
function apply(fd: number, messages: readonly Message[]): void {
  const batch = [bracket(BATCH.begin), ...messages, bracket(BATCH.end)]
  const bytes = Buffer.concat(batch.map(frame))
  libc.send(fd, bytes, bytes.length, 0)
  const into = Buffer.alloc(2048)
  for (const [i, { what }] of messages.entries()) {
    const length = libc.recv(fd, into, into.length, MSG_DONTWAIT)
    const request = { what: `nftables, ${what}`, sequence: i + 1 }
    const refused = readAnswer(into.subarray(0, length), request)
    if (refused !== undefined) throw refused
  }
}

function frame({ kind, flags, body }: Message, sequence: number): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(header.length + body.length, 0)
  header.writeUInt16LE(kind, 4)
  header.writeUInt16LE(flags, 6)
  header.writeUInt32LE(sequence, 8)
  return Buffer.concat([header, body])
}

function expression(name: string, parts: readonly Buffer[]): Buffer {
  return nest(1, [attribute(1, text(name)), nest(2, parts)])
}

function nest(kind: number, parts: readonly Buffer[]): Buffer {
  return attribute(kind | NESTED, Buffer.concat(parts))
}

function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

function portOf(socketFd: number): number {
  const address = Buffer.alloc(28) // struct sockaddr_in6
  libc.getsockname(socketFd, address, Buffer.from([address.length, 0, 0, 0]))
  return address.readUInt16BE(2)
}
