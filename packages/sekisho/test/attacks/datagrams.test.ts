import { type Attack, arrives, HOST, testFamily } from './harness.ts'

const ICMP = 1
const ICMP_V6 = 58
const SCTP = 132
const GRE = 47

/** The long header of a first QUIC packet, padded as RFC 9000 §14.1 wants it. */
const QUIC = Buffer.concat([Buffer.from('c300000001088394c8f03e515708', 'hex'), Buffer.alloc(1186)])
const DNS = Buffer.from('001d01000001000000000000046576696c076578616d706c650000010001', 'hex')
const ECHO = Buffer.from('0800f7fe00000000', 'hex')
const ECHO_V6 = Buffer.from('8000000000000000', 'hex')

type Throw = { to: string; port?: number; bytes: Buffer; raw?: number }

const thrown =
  ({ to, port = 0, bytes, raw }: Throw): Attack['run'] =>
  async (world) => {
    const address = to === HOST ? await world.wire.lookUp(HOST) : to
    world.wire.throwPacket({ address, port }, bytes, raw)
    await world.wire.reportPackets()
    return 'nothing'
  }

const THROWS: Readonly<Record<string, Throw>> = {
  'QUIC to an allowed name, which wants HTTP/3': { to: HOST, port: 443, bytes: QUIC },
  'QUIC to a public address': { to: '93.184.216.34', port: 443, bytes: QUIC },
  'QUIC to a public IPv6 address': { to: '2606:2800:220:1::1', port: 443, bytes: QUIC },
  'DNS to a resolver of the world': { to: '8.8.8.8', port: 53, bytes: DNS },
  'DNS to a resolver of the world over IPv6': { to: '2001:4860:4860::8888', port: 53, bytes: DNS },
  'DNS over QUIC': { to: '1.1.1.1', port: 853, bytes: QUIC },
  'multicast DNS': { to: '224.0.0.251', port: 5353, bytes: DNS },
  'time, with data in it': { to: '162.159.200.1', port: 123, bytes: Buffer.alloc(48, 0x1b) },
  'a log line to somewhere': { to: '93.184.216.34', port: 514, bytes: Buffer.from('<14>data') },
  'a WireGuard handshake': { to: '93.184.216.34', port: 51_820, bytes: Buffer.alloc(148, 1) },
  'a datagram to the metadata service': { to: '169.254.169.254', port: 80, bytes: QUIC },
  'a datagram to another port of the resolver': { to: '198.19.255.1', port: 443, bytes: QUIC },
  'an echo request with data': { to: '93.184.216.34', bytes: ECHO, raw: ICMP },
  'an echo request with data over IPv6': { to: '2606:2800:220:1::1', bytes: ECHO_V6, raw: ICMP_V6 },
  'an SCTP packet': { to: '93.184.216.34', bytes: Buffer.alloc(16), raw: SCTP },
  'a tunnel in GRE': { to: '93.184.216.34', bytes: Buffer.alloc(24), raw: GRE },
}

testFamily({
  controls: [arrives('TCP to an allowed name')],
  attacks: Object.entries(THROWS).map(([name, packet]) => ({
    name,
    run: thrown(packet),
    told: 'nothing',
    rule: 'invariant.transport',
  })),
})
