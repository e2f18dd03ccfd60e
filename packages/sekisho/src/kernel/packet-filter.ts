/** One instruction of classic BPF; a jump names the labels it goes to, or falls through. */
export type FilterStep = {
  label?: string
  code: number
  k: number
  yes?: string
  no?: string
}

/** linux/bpf_common.h */
const LOAD_BYTE = 0x30
const LOAD_HALF = 0x28
const LOAD_WORD = 0x20
const LOAD_HALF_INDEXED = 0x48
/** X = 4 · (packet[k] & 15): the length of an IPv4 header */
const LOAD_HEADER_LENGTH = 0xb1
const JUMP_EQUAL = 0x15
const JUMP_GREATER = 0x25
const JUMP_AT_LEAST = 0x35
const JUMP_BITS = 0x45
const RETURN = 0x06

/** Negative offsets read what the kernel knows about a packet (linux/filter.h, SKF_AD_*). */
const ANCILLARY = 0xfffff000
const PROTOCOL = ANCILLARY
const PACKET_TYPE = ANCILLARY + 4
const PACKET_OUTGOING = 4
const ETH_P_IP = 0x0800
const ETH_P_IPV6 = 0x86dd
const IP = { HOP_BY_HOP: 0, TCP: 6, UDP: 17, ICMPV6: 58 }
const DNS_PORT = 53
/** neighbour discovery, RFC 4861 §4: router solicitation … redirect */
const ND = { first: 133, last: 137 }
/** fe80::/10, the first two bytes */
const LINK_LOCAL = { first: 0xfe80, last: 0xfebf }
/** RFC 3810 §5.2, sent by a kernel whenever an address is added */
const MLD_REPORT = 143

/** Bytes kept of a packet: enough for the addresses, ports and the start of what was said. */
export const SNAP_BYTES = 96

/**
 * What no listener takes: anything that came in over IPv4 or IPv6 but TCP (unless to a
 * link-local address), the resolver's own datagrams and the housekeeping of IPv6. Offset 0 is the network header (SOCK_DGRAM).
 *
 * A packet too short to hold a field that is looked at is not kept: every kernel drops it as
 * malformed.
 *
 * @param resolver IPv4 address, four bytes
 */
export function watchFilter(resolver: Buffer): readonly FilterStep[] {
  return [
    { code: LOAD_WORD, k: PACKET_TYPE },
    { code: JUMP_EQUAL, k: PACKET_OUTGOING, yes: 'ignore' },
    { code: LOAD_WORD, k: PROTOCOL },
    { code: JUMP_EQUAL, k: ETH_P_IPV6, yes: 'ipv6' },
    { code: JUMP_EQUAL, k: ETH_P_IP, no: 'ignore' },
    ...watchIpv4(resolver),
    ...WATCH_IPV6,
    { label: 'keep', code: RETURN, k: SNAP_BYTES },
    { label: 'ignore', code: RETURN, k: 0 },
  ]
}

/** RFC 791 §3.1 */
function watchIpv4(resolver: Buffer): readonly FilterStep[] {
  return [
    { code: LOAD_BYTE, k: 9 },
    { code: JUMP_EQUAL, k: IP.TCP, yes: 'ignore' },
    { code: JUMP_EQUAL, k: IP.UDP, no: 'keep' },
    { code: LOAD_WORD, k: 16 },
    { code: JUMP_EQUAL, k: resolver.readUInt32BE(0), no: 'keep' },
    // a later fragment has no ports, and what stands in their place is the sender's choice
    { code: LOAD_HALF, k: 6 },
    { code: JUMP_BITS, k: 0x1fff, yes: 'keep' },
    { code: LOAD_HEADER_LENGTH, k: 0 },
    { code: LOAD_HALF_INDEXED, k: 2 },
    { code: JUMP_EQUAL, k: DNS_PORT, yes: 'ignore', no: 'keep' },
  ]
}

/** RFC 8200 §3 and, for the router alert that MLD carries, §4.3 */
const WATCH_IPV6: readonly FilterStep[] = [
  { label: 'ipv6', code: LOAD_BYTE, k: 6 },
  { code: JUMP_EQUAL, k: IP.TCP, yes: 'tcpv6' },
  { code: JUMP_EQUAL, k: IP.ICMPV6, yes: 'icmpv6' },
  { code: JUMP_EQUAL, k: IP.HOP_BY_HOP, no: 'keep' },
  { code: LOAD_HALF, k: 40 },
  { code: JUMP_EQUAL, k: IP.ICMPV6 << 8, no: 'keep' },
  { code: LOAD_BYTE, k: 48 },
  { code: JUMP_EQUAL, k: MLD_REPORT, yes: 'ignore', no: 'keep' },
  { label: 'icmpv6', code: LOAD_BYTE, k: 40 },
  { code: JUMP_EQUAL, k: MLD_REPORT, yes: 'ignore' },
  { code: JUMP_AT_LEAST, k: ND.first, no: 'keep' },
  { code: JUMP_GREATER, k: ND.last, yes: 'keep', no: 'ignore' },
  // an AnyIP route does not reach link-local addresses, so no listener takes these
  { label: 'tcpv6', code: LOAD_HALF, k: 24 },
  { code: JUMP_AT_LEAST, k: LINK_LOCAL.first, no: 'ignore' },
  { code: JUMP_GREATER, k: LINK_LOCAL.last, yes: 'ignore', no: 'keep' },
]

/**
 * Encodes as an array of struct sock_filter.
 *
 * @throws RangeError for a label that is missing, behind the jump or more than 255 steps ahead:
 * classic BPF only jumps forward
 */
export function assembleFilter(steps: readonly FilterStep[]): Buffer {
  const labels = new Map(steps.flatMap(({ label }, i) => (label === undefined ? [] : [[label, i]])))
  const distance = (from: number, label: string | undefined): number => {
    if (label === undefined) return 0
    const to = labels.get(label) ?? -1
    const steps = to - from - 1
    if (steps < 0 || steps > 255) throw new RangeError(`step ${from} cannot jump to ${label}`)
    return steps
  }
  const code = Buffer.alloc(steps.length * 8)
  for (const [i, step] of steps.entries()) {
    code.writeUInt16LE(step.code, i * 8)
    code.writeUInt8(distance(i, step.yes), i * 8 + 2)
    code.writeUInt8(distance(i, step.no), i * 8 + 3)
    code.writeUInt32LE(step.k, i * 8 + 4)
  }
  return code
}
