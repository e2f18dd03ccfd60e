import { readFileSync } from 'node:fs'
import { createServer, connect, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { ERRNO } from './errno.ts'
import { libc } from './libc.ts'
import * as inside from './testing/network.ts'
import {
  createNetwork,
  inNamespace,
  packetsLost,
  readPackets,
  type SessionNetwork,
} from './network.ts'

const { SOCK } = inside
const MSG_DONTWAIT = 0x40
const PUBLIC_V6 = inside.ipv6('2606:2800:220:1:248:1893:25c8:1946')
const ICMP = { protocol: 1, echo: 8, echoReply: 0, unreachable: 3 }
const ICMPV6 = { protocol: 58, echo: 128, echoReply: 129, unreachable: 1 }

let network: SessionNetwork
const sockets: number[] = []

beforeEach(() => {
  network = createNetwork()
})
afterEach(async () => {
  for (const fd of sockets.splice(0)) libc.close(fd)
  await network.close()
})

const openInside: typeof inside.openSocket = (namespaceFd, to, options) => {
  const fd = inside.openSocket(namespaceFd, to, options)
  sockets.push(fd)
  return fd
}
const seen = (): string[] => readPackets(network.packetFd, 100).map(inside.summarize)

test('a connection to any address and port arrives with its destination', async () => {
  await inside.hearConnections(network)
  const destinations = [
    '93.184.216.34 443',
    '169.254.169.254 80',
    '10.0.0.1 22',
    '198.18.0.1 1',
    '198.19.255.1 53',
    '1.1.1.1 65535',
    '2606:2800:220:1:248:1893:25c8:1946 443',
    'fd53:656b:6973:686f::1 22',
    'fd53:656b:6973:686f::77 8080',
    '64:ff9b::102:304 80',
    'fec0::1 80',
  ]
  const answers = await inside.runInside(
    network.agentNsFd,
    destinations.map((destination) => `dial ${destination}`).join('\n'),
  )
  expect(answers).toEqual(destinations.map((to) => (to.includes('.') ? `::ffff:${to}` : to)))
  expect(seen()).toEqual([])
})

test('hundreds of ports arrive, the listener’s own among them', async () => {
  const { server, dialled } = await inside.hearConnections(network)
  const ports = Array.from({ length: 300 }, (_, i) => 1 + i * 219)
  const { port: own } = addressOf(server)
  await inside.runInside(
    network.agentNsFd,
    `for port in ${ports.join(' ')} ${own}; do dial 192.0.2.7 $port; done`,
  )
  expect(dialled).toEqual([...ports, own].map((port) => ({ address: '::ffff:192.0.2.7', port })))
})

test('the agent’s loopback is its own', async () => {
  const { dialled } = await inside.hearConnections(network)
  const own = createServer((socket) => socket.end('inside\n'))
  onTestFinished(() => inside.stop(own))
  const listener = inNamespace(network.agentNsFd, () => libc.socket(2, 1 | 0o2000000, 0))
  own.listen({ fd: listener })
  await once(own, 'listening')
  const { port } = addressOf(own)
  const answers = await inside.runInside(
    network.agentNsFd,
    `dial 127.0.0.1 ${port}; dial 198.19.255.2 ${port}; dial 127.0.0.1 1 || echo refused`,
  )
  expect(answers).toEqual(['inside', 'inside', 'refused'])
  expect(dialled).toEqual([])
})

test('two networks with the same addresses hear only their own agent', async () => {
  const other = createNetwork()
  onTestFinished(() => other.close())
  const [ours, theirs] = [
    await inside.hearConnections(network),
    await inside.hearConnections(other),
  ]
  await Promise.all([
    inside.runInside(network.agentNsFd, 'dial 192.0.2.1 1'),
    inside.runInside(other.agentNsFd, 'dial 192.0.2.1 2'),
  ])
  expect(ours.dialled).toEqual([{ address: '::ffff:192.0.2.1', port: 1 }])
  expect(theirs.dialled).toEqual([{ address: '::ffff:192.0.2.1', port: 2 }])
})

test('with the listener gone, connections are refused and no other listener takes them', async () => {
  libc.close(network.release(network.tcpFd))
  const other = createServer((socket) => socket.end('taken\n'))
  onTestFinished(() => inside.stop(other))
  other.listen({ fd: inNamespace(network.gateNsFd, () => libc.socket(10, 1 | 0o2000000, 0)) })
  await once(other, 'listening')
  const { port } = addressOf(other)
  const dial = `dial 192.0.2.1 ${port} || echo refused`
  expect(await inside.runInside(network.gateNsFd, dial)).toEqual(['refused'])
  expect(await inside.runInside(network.agentNsFd, dial)).toEqual(['refused'])
})

test('nothing that listens on the host is reached, at any of its addresses', async () => {
  const { dialled } = await inside.hearConnections(network)
  let reached = 0
  const canary = createServer((socket) => {
    reached += 1
    socket.end()
  })
  onTestFinished(() => inside.stop(canary))
  canary.listen(0, '::')
  await once(canary, 'listening')
  const { port } = addressOf(canary)
  const addresses = Object.values(networkInterfaces()).flatMap((links = []) =>
    links.filter((link) => !link.scopeid).map(({ address }) => address),
  )
  const script = addresses.map((address) => `dial ${address} ${port}`).join('\n')
  await inside.runInside(network.agentNsFd, script)
  const beyond = addresses.filter((address) => address !== '127.0.0.1' && address !== '::1')
  expect(addresses).toContain('127.0.0.1')
  expect(dialled.map(({ address }) => address.replace('::ffff:', ''))).toEqual(beyond)
  expect(reached).toBe(0)
  await once(connect(port, '127.0.0.1').resume(), 'close')
  expect(reached).toBe(1) // the canary does sing
})

test('a question to the resolver arrives there and is not watched', () => {
  const agent = openInside(network.agentNsFd, inside.ipv4('198.19.255.1'), {
    type: SOCK.datagram,
    port: 53,
  })
  inside.sendBytes(agent, Buffer.from('question'))
  expect(inside.receive(network.dnsFd, MSG_DONTWAIT)).toEqual(Buffer.from('question'))
  expect(seen()).toEqual([])
})

test.for([
  ['8.8.8.8', 53],
  ['198.19.255.1', 54],
  ['203.0.113.9', 443],
] as const)('a datagram to %s:%i is refused at once and seen', ([address, port]) => {
  const to = inside.ipv4(address)
  const agent = openInside(network.agentNsFd, to, { type: SOCK.datagram, port })
  inside.sendBytes(agent, Buffer.from('secret'))
  expect(inside.receive(agent)).toBe(-ERRNO.ECONNREFUSED)
  const [packet, ...more] = readPackets(network.packetFd, 100)
  expect(more).toEqual([])
  expect(packet?.subarray(16, 20)).toEqual(to)
  expect(packet?.readUInt16BE(22)).toBe(port)
  expect(packet?.subarray(28).toString()).toBe('secret')
  expect(inside.receive(network.dnsFd, MSG_DONTWAIT)).toBe(-ERRNO.EAGAIN)
})

test('a datagram over IPv6 is refused at once and seen', () => {
  const agent = openInside(network.agentNsFd, PUBLIC_V6, { type: SOCK.datagram, port: 443 })
  inside.sendBytes(agent, Buffer.from('secret'))
  expect(inside.receive(agent)).toBe(-ERRNO.ECONNREFUSED)
  expect(seen()).toEqual([`17 ${PUBLIC_V6.toString('hex')}`])
})

test('the first IPv6 packet of a network is not lost', async () => {
  for (let i = 0; i < 20; i++) {
    const fresh = createNetwork()
    const agent = openInside(fresh.agentNsFd, PUBLIC_V6, { type: SOCK.datagram, port: 443 })
    inside.sendBytes(agent, Buffer.from('x'))
    expect(inside.receive(agent)).toBe(-ERRNO.ECONNREFUSED)
    // a question of where the neighbour is would be another one, sent again after a second if it is lost
    expect(sentBy(fresh.agentNsFd)).toBe(1)
    await fresh.close()
  }
})

/** IPv6 packets that have left a namespace. */
function sentBy(namespaceFd: number): number {
  const counters = inNamespace(namespaceFd, () =>
    readFileSync('/proc/thread-self/net/snmp6', 'utf8'),
  )
  return Number(/^Ip6OutRequests\s+(\d+)$/m.exec(counters)?.[1])
}

test('a client that tries many servers hears of each soon', () => {
  for (let i = 0; i < 20; i++) {
    const to = inside.ipv4(`192.0.2.${i}`)
    const options = { type: SOCK.datagram, port: 443, timeoutMs: 10 }
    const agent = openInside(network.agentNsFd, to, options)
    // by 10 ms each: what is answered once a second has not been by then, for the later of them
    const isAnswered = Array.from({ length: 50 }).some(() => {
      inside.sendBytes(agent, Buffer.from('x'))
      return inside.receive(agent) === -ERRNO.ECONNREFUSED
    })
    expect(isAnswered, `server ${i}`).toBe(true)
  }
})

test.for([
  ['any address', inside.ipv4('8.8.8.8'), ICMP],
  ['the gate', inside.ipv4('198.19.255.1'), ICMP],
  ['any IPv6 address', PUBLIC_V6, ICMPV6],
] as const)('an echo request to %s gets no reply and is seen', ([, to, icmp]) => {
  const family = to.length === 4 ? 2 : 10
  const raw = (): number => libc.socket(family, SOCK.raw | 0o2000000, icmp.protocol)
  const heard = inNamespace(network.agentNsFd, raw)
  sockets.push(heard)
  const agent = openInside(network.agentNsFd, to, { type: SOCK.raw, protocol: icmp.protocol })
  inside.sendBytes(agent, echoRequest(icmp))
  // a datagram goes the same way and is answered, so what an echo would get has come before it
  const fence = openInside(network.agentNsFd, to, { type: SOCK.datagram, port: 9 })
  inside.sendBytes(fence, Buffer.from('x'))
  expect(inside.receive(fence)).toBe(-ERRNO.ECONNREFUSED)
  const types = typesWaiting(heard, icmp)
  expect(types).toContain(icmp.unreachable)
  expect(types).not.toContain(icmp.echoReply)
  const where = to.length === 4 ? to.join('.') : to.toString('hex')
  expect(seen()).toEqual([`${icmp.protocol} ${where}`, `17 ${where}`])
})

test.for([2, 33, 47, 50, 132, 136, 253])(
  'IP protocol %i is seen and nothing answers',
  (protocol) => {
    const to = inside.ipv4('203.0.113.9')
    const agent = openInside(network.agentNsFd, to, { type: SOCK.raw, protocol })
    inside.sendBytes(agent, Buffer.alloc(16))
    expect(seen()).toEqual([`${protocol} 203.0.113.9`])
    expect(inside.receive(network.dnsFd, MSG_DONTWAIT)).toBe(-ERRNO.EAGAIN)
  },
)

test('a connection to a link-local address fails and is seen', async () => {
  const { dialled } = await inside.hearConnections(network)
  await inside.runInside(network.agentNsFd, 'timeout 0.2 bash -c "echo >/dev/tcp/fe80::1%eth0/80"')
  expect(new Set(seen())).toEqual(new Set(['6 fe800000000000000000000000000001']))
  expect(dialled).toEqual([])
})

test('of a flood of packets a bounded number is kept and the rest is counted', () => {
  const to = inside.ipv4('203.0.113.9')
  const agent = openInside(network.agentNsFd, to, { type: SOCK.raw, protocol: 253 })
  const sent = 2000
  for (let i = 0; i < sent; i++) inside.sendBytes(agent, Buffer.alloc(1200, i))
  const kept: Buffer[] = []
  for (let batch = readPackets(network.packetFd, 64); batch.length > 0; ) {
    expect(batch.length).toBeLessThanOrEqual(64)
    kept.push(...batch)
    batch = readPackets(network.packetFd, 64)
  }
  const lost = packetsLost(network.packetFd)
  expect(kept.length + lost).toBe(sent)
  expect(kept.length).toBeGreaterThan(10)
  expect(kept.length).toBeLessThan(1000)
  expect(new Set(kept.map(({ length }) => length))).toEqual(new Set([96]))
  expect(packetsLost(network.packetFd)).toBe(0)
})

test('each side has its loopback, one end of the pair and nothing else', () => {
  expect(inNamespace(network.agentNsFd, links)).toEqual(['lo', 'eth0'])
  expect(inNamespace(network.gateNsFd, links)).toEqual(['lo', 'gw0'])
})

test.for([
  ['gateNsFd', 'ipv4/ip_forward', '0'],
  ['gateNsFd', 'ipv6/conf/all/forwarding', '0'],
  ['gateNsFd', 'ipv4/conf/gw0/rp_filter', '0'],
  ['gateNsFd', 'ipv4/icmp_echo_ignore_all', '1'],
  ['gateNsFd', 'ipv6/icmp/echo_ignore_all', '1'],
  ['gateNsFd', 'ipv6/conf/gw0/accept_ra', '0'],
  ['agentNsFd', 'ipv6/conf/eth0/accept_ra', '0'],
  ['agentNsFd', 'ipv6/conf/eth0/autoconf', '0'],
  ['agentNsFd', 'ipv4/ping_group_range', '1\t0'],
  ['agentNsFd', 'ipv4/ip_unprivileged_port_start', '0'],
] as const)('in %s, net/%s is %s', ([side, path, value]) => {
  const read = (): string => readFileSync(`/proc/sys/net/${path}`, 'utf8').trim()
  expect(inNamespace(network[side], read)).toBe(value)
})

function links(): string[] {
  const table = readFileSync('/proc/thread-self/net/dev', 'utf8').split('\n')
  return table.flatMap((line) => /^\s*(\w+):/.exec(line)?.[1] ?? [])
}

function echoRequest({ echo }: { echo: number }): Buffer {
  const request = Buffer.from([echo, 0, 0, 0, 0, 1, 0, 1])
  request.writeUInt16BE(0xffff - ((echo << 8) + 2), 2) // for ICMPv6 the kernel computes it
  return request
}

/** ICMP types on a raw socket, whose IPv4 packets begin with the IP header. */
function typesWaiting(fd: number, { protocol }: { protocol: number }): number[] {
  const types: number[] = []
  const skip = protocol === ICMP.protocol ? 20 : 0
  let message = inside.receive(fd, MSG_DONTWAIT)
  while (typeof message !== 'number') {
    types.push(message.readUInt8(skip))
    message = inside.receive(fd, MSG_DONTWAIT)
  }
  return types
}

function addressOf(server: { address(): AddressInfo | string | null }): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address
}
