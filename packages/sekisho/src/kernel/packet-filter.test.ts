import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assembleFilter, SNAP_BYTES, watchFilter } from './packet-filter.ts'

const RESOLVER = Buffer.from([198, 19, 255, 1])
const CODE = assembleFilter(watchFilter(RESOLVER))
const PACKET = { host: 0, broadcast: 1, multicast: 2, outgoing: 4 }
const KEPT = SNAP_BYTES
const IGNORED = 0

test('the bytes of the filter', () => {
  expect(CODE.toString('hex').match(/.{16}/g)).toEqual([
    '2000000004f0ffff', //  0 ld  packet type
    '15001d0004000000', //  1 jeq outgoing → 31
    '2000000000f0ffff', //  2 ld  protocol
    '15000b00dd860000', //  3 jeq IPv6 → 15
    '1500001a00080000', //  4 jne IPv4 → 31
    '3000000009000000', //  5 ldb protocol
    '1500180006000000', //  6 jeq TCP → 31
    '1500001611000000', //  7 jne UDP → 30
    '2000000010000000', //  8 ld  destination
    '1500001401ff13c6', //  9 jne 198.19.255.1 → 30
    '2800000006000000', // 10 ldh fragment offset
    '45001200ff1f0000', // 11 jset → 30
    'b100000000000000', // 12 ldx header length
    '4800000002000000', // 13 ldh destination port
    '1500100f35000000', // 14 jeq 53 → 31, else 30
    '3000000006000000', // 15 ldb next header
    '15000a0006000000', // 16 jeq TCP → 27
    '150005003a000000', // 17 jeq ICMPv6 → 23
    '1500000b00000000', // 18 jne hop-by-hop → 30
    '2800000028000000', // 19 ldh its next header and length
    '15000009003a0000', // 20 jne ICMPv6, 8 bytes → 30
    '3000000030000000', // 21 ldb ICMPv6 type
    '150008078f000000', // 22 jeq 143 → 31, else 30
    '3000000028000000', // 23 ldb ICMPv6 type
    '150006008f000000', // 24 jeq 143 → 31
    '3500000485000000', // 25 jlt 133 → 30
    '2500030489000000', // 26 jgt 137 → 30, else 31
    '2800000018000000', // 27 ldh destination
    '3500000280fe0000', // 28 jlt fe80 → 31
    '25000100bffe0000', // 29 jgt febf → 31, else 30
    '0600000060000000', // 30 ret 96
    '0600000000000000', // 31 ret 0
  ])
})

test('a jump back or to nowhere cannot be assembled', () => {
  const back = [
    { label: 'a', code: 6, k: 0 },
    { code: 0x15, k: 0, yes: 'a' },
  ]
  expect(() => assembleFilter(back)).toThrow('step 1 cannot jump to a')
  expect(() => assembleFilter([{ code: 0x15, k: 0, no: 'b' }])).toThrow('step 0 cannot jump to b')
})

test.for([
  ['a DNS question to the resolver', udp4(RESOLVER, 53), IGNORED],
  ['a DNS question with IP options', udp4(RESOLVER, 53, { optionBytes: 8 }), IGNORED],
  ['its later fragment', udp4(RESOLVER, 53, { fragment: 185 }), KEPT],
  ['a datagram to another port of the resolver', udp4(RESOLVER, 54), KEPT],
  ['a DNS question to another resolver', udp4(Buffer.from([8, 8, 8, 8]), 53), KEPT],
  ['a TCP segment', ipv4(6), IGNORED],
  ['ICMP', ipv4(1), KEPT],
  ['GRE', ipv4(47), KEPT],
  ['SCTP', ipv4(132), KEPT],
  ['a TCP segment over IPv6', ipv6(6), IGNORED],
  ['a TCP segment to a link-local address', ipv6(6, [], 0xfe80), KEPT],
  ['a TCP segment to the last link-local address', ipv6(6, [], 0xfebf), KEPT],
  ['a TCP segment to what was site-local', ipv6(6, [], 0xfec0), IGNORED],
  ['a datagram over IPv6', ipv6(17), KEPT],
  ['an ICMPv6 echo', ipv6(58, [128]), KEPT],
  ['the ICMPv6 type before neighbour discovery', ipv6(58, [132]), KEPT],
  ['a router solicitation', ipv6(58, [133]), IGNORED],
  ['a neighbour solicitation', ipv6(58, [135]), IGNORED],
  ['a redirect', ipv6(58, [137]), IGNORED],
  ['the ICMPv6 type after neighbour discovery', ipv6(58, [138]), KEPT],
  ['a multicast report', ipv6(58, [143]), IGNORED],
  ['a multicast report with a router alert', ipv6(0, [58, 0, 5, 2, 0, 0, 1, 0, 143]), IGNORED],
  ['an echo behind a hop-by-hop header', ipv6(0, [58, 0, 0, 0, 0, 0, 0, 0, 128]), KEPT],
  ['a long hop-by-hop header', ipv6(0, [58, 1, 5, 2, 0, 0, 1, 0, 143]), KEPT],
  ['TCP behind a hop-by-hop header', ipv6(0, [6, 0, 0, 0, 0, 0, 0, 0]), KEPT],
  ['a fragment over IPv6', ipv6(44, [6]), KEPT],
  ['a packet too short for its type', ipv6(58), IGNORED],
] as const)('%s', ([, packet, kept]) => {
  const protocol = (packet[0] ?? 0) >> 4 === 4 ? 0x0800 : 0x86dd
  for (const type of [PACKET.host, PACKET.broadcast, PACKET.multicast]) {
    expect(run(CODE, { packet, protocol, type })).toBe(kept)
  }
  expect(run(CODE, { packet, protocol, type: PACKET.outgoing })).toBe(IGNORED)
})

test('what is neither IPv4 nor IPv6 is ignored', () => {
  const arp = 0x0806
  expect(run(CODE, { packet: ipv4(1), protocol: arp, type: PACKET.host })).toBe(IGNORED)
})

test('of IPv4 without options, all is kept but TCP and questions to the resolver', () => {
  const header = fc.record({
    protocol: fc.oneof(fc.constantFrom(1, 6, 17), fc.nat(255)),
    to: fc.oneof(fc.constant(RESOLVER), fc.uint8Array({ minLength: 4, maxLength: 4 })),
    port: fc.oneof(fc.constant(53), fc.nat(65535)),
    fragment: fc.oneof(fc.constant(0), fc.nat(0xffff)),
  })
  fc.assert(
    fc.property(header, ({ protocol, to, port, fragment }) => {
      const packet = udp4(Buffer.from(to), port, { fragment })
      packet[9] = protocol
      const isQuestion =
        protocol === 17 && RESOLVER.equals(to) && port === 53 && (fragment & 0x1fff) === 0
      const want = protocol === 6 || isQuestion ? IGNORED : KEPT
      return run(CODE, { packet, protocol: 0x0800, type: PACKET.host }) === want
    }),
  )
})

test('whatever arrives, the filter ends with one of its two answers', () => {
  const input = fc.record({
    packet: fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
    protocol: fc.constantFrom(0x0800, 0x86dd, 0x0806),
    type: fc.nat(7),
  })
  fc.assert(fc.property(input, (seen) => [KEPT, IGNORED].includes(run(CODE, seen))))
})

function ipv4(protocol: number, bytes = 20): Buffer {
  const packet = Buffer.alloc(bytes)
  packet[0] = 0x40 | (bytes / 4)
  packet[9] = protocol
  return packet
}

function udp4(to: Buffer, port: number, { optionBytes = 0, fragment = 0 } = {}): Buffer {
  const header = ipv4(17, 20 + optionBytes)
  header.writeUInt16BE(fragment, 6)
  to.copy(header, 16)
  const datagram = Buffer.alloc(8)
  datagram.writeUInt16BE(port, 2)
  return Buffer.concat([header, datagram])
}

function ipv6(nextHeader: number, payload: readonly number[] = [], to = 0x2001): Buffer {
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header[6] = nextHeader
  header.writeUInt16BE(to, 24)
  return Buffer.concat([header, Buffer.from(payload)])
}

type Seen = { packet: Buffer; protocol: number; type: number }
type Machine = { a: number; x: number }

/** The kernel's machine, as far as the filter uses it (linux/filter.h). */
function run(code: Buffer, seen: Seen): number {
  const machine: Machine = { a: 0, x: 0 }
  for (let at = 0; at < code.length / 8; at++) {
    const [op, k] = [code.readUInt16LE(at * 8), code.readUInt32LE(at * 8 + 4)]
    if (op === 0x06) return k
    if ((op & 7) === 5) at += code.readUInt8(at * 8 + (holds(op, machine.a, k) ? 2 : 3))
    else if (!load(op, k, { machine, seen })) return 0
  }
  throw new Error('the filter fell off its end')
}

function holds(op: number, a: number, k: number): boolean {
  if (op === 0x15) return a === k
  if (op === 0x25) return a > k
  if (op === 0x35) return a >= k
  if (op === 0x45) return (a & k) !== 0
  throw new Error(`no such jump: ${op}`)
}

/** false beyond the packet's end, where the kernel ends the filter with 0 */
function load(op: number, k: number, { machine, seen }: { machine: Machine; seen: Seen }): boolean {
  if (k >= 0xfffff000) {
    machine.a = k === 0xfffff000 ? seen.protocol : seen.type
    return true
  }
  const bytes = { 0x30: 1, 0x28: 2, 0x20: 4, 0x48: 2, 0xb1: 1 }[op] ?? Number.NaN
  const offset = op === 0x48 ? machine.x + k : k
  if (offset + bytes > seen.packet.length) return false
  const value = seen.packet.readUIntBE(offset, bytes)
  if (op === 0xb1) machine.x = (value & 15) * 4
  else machine.a = value
  return true
}
