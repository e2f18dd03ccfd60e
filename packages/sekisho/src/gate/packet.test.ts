import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describePacket } from './packet.ts'

const ipv4 = (protocol: number, payload: number[], fragment = 0): Buffer => {
  const packet = Buffer.from('450000000000000040000000c613ff0208080404', 'hex')
  packet.writeUInt16BE(fragment, 6)
  packet[9] = protocol
  return Buffer.concat([packet, Buffer.from(payload)])
}

const ipv6 = (next: number, payload: number[]): Buffer => {
  const addresses = `${'00'.repeat(16)}26064700000000000000000000001111`
  const packet = Buffer.from(`6000000000000040${addresses}`, 'hex')
  packet[6] = next
  return Buffer.concat([packet, Buffer.from(payload)])
}

const UDP_443 = [0xc0, 0, 1, 0xbb, 0, 8, 0, 0]

test.for([
  ['QUIC', ipv4(17, UDP_443), 'udp', '8.8.4.4', 443],
  ['a TCP segment', ipv4(6, [0, 1, 0, 22]), 'tcp', '8.8.4.4', 22],
  ['a ping', ipv4(1, [8, 0]), 'icmp', '8.8.4.4', null],
  ['SCTP', ipv4(132, UDP_443), 'other', '8.8.4.4', null],
  ['a later fragment', ipv4(17, UDP_443, 1), 'udp', '8.8.4.4', null],
  ['a cut UDP header', ipv4(17, [0, 1]), 'udp', '8.8.4.4', null],
  ['QUIC over IPv6', ipv6(17, UDP_443), 'udp', '2606:4700::1111', 443],
  ['a ping over IPv6', ipv6(58, [128, 0]), 'icmpv6', '2606:4700::1111', null],
  [
    'UDP behind hop-by-hop options',
    ipv6(0, [17, 0, 0, 0, 0, 0, 0, 0, ...UDP_443]),
    'udp',
    '2606:4700::1111',
    443,
  ],
  [
    'the first fragment over IPv6',
    ipv6(44, [17, 0, 0, 1, 0, 0, 0, 0, ...UDP_443]),
    'udp',
    '2606:4700::1111',
    443,
  ],
  [
    'a later fragment over IPv6',
    ipv6(44, [17, 0, 1, 0, 0, 0, 0, 0, ...UDP_443]),
    'udp',
    '2606:4700::1111',
    null,
  ],
  ['noise', Buffer.from([0x12, 0x34]), 'other', 'unreadable', null],
  ['nothing', Buffer.alloc(0), 'other', 'unreadable', null],
] as const)('%s', ([, packet, transport, address, port]) => {
  expect(describePacket(packet)).toEqual({
    kind: 'net.connect',
    transport,
    address,
    port,
    host: null,
  })
})

test('no packet makes it throw', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 96 }),
      fc.constantFrom(0x45, 0x4f, 0x60),
      (bytes, first) => {
        const packet = Buffer.from([first, ...bytes])
        expect(describePacket(packet).kind).toBe('net.connect')
      },
    ),
  )
})
