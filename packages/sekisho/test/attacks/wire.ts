import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { makeQuery, readReply } from '../../src/gate/testing/dns-client.ts'
import { PLAIN_BUNDLE, plainDecision } from '../../src/gate/testing/decision.ts'
import { FakeKeyholder } from '../../src/gate/testing/keyholder.ts'
import { NO_PRINTS, PLAIN_EGRESS, talk, transportPair } from '../../src/gate/testing/rig.ts'
import { serveGate } from '../../src/gate/service.ts'
import { libc } from '../../src/kernel/libc.ts'
import {
  createNetwork,
  GATE_ADDRESSES,
  inNamespace,
  readPackets,
} from '../../src/kernel/network.ts'
import type { SessionNetwork } from '../../src/kernel/network.ts'
import { ipv4, ipv6, openSocket, SOCK } from '../../src/kernel/testing/network.ts'
import { type GateSession, supervisorToGate } from '../../src/wire/gate.ts'
import type { DecisionBundle, SessionDecision } from '../../src/wire/decision.ts'
import { Peer } from '../../src/wire/peer.ts'
import type { PolicyRule } from '../../src/wire/policy.ts'
import { RESOLVER } from './outside.ts'
import { parseIpv6 } from '../../src/core/address.ts'

const SESSION = 's-0123456789abcdefghij'
const NETWORK = 1
const AF_INET = 2
const STREAM = 1
const DATAGRAM_CLOEXEC = 2 | 0o2000000
const MAX_PACKETS = 100
/** An attack that is not refused by then is left open, which fails its test. */
export const PATIENCE_MS = Number(process.env['ATTACK_PATIENCE_MS'] ?? 60_000)

export type WireOptions = Partial<Omit<GateSession, 'session' | 'decision'>> & {
  rules?: PolicyRule[]
  bundle?: DecisionBundle
  decision?: Partial<SessionDecision>
}

/** A gate process's whole inside, and a session's network in front of it, as the daemon makes it. */
export class Wire {
  readonly keyholder = new FakeKeyholder()
  readonly #network: SessionNetwork
  readonly #gate: Peer<typeof supervisorToGate>
  readonly #stop: () => Promise<void>
  readonly #clients = new Set<{ destroy(): unknown }>()

  static async open({ rules = [], bundle, decision, ...options }: WireOptions): Promise<Wire> {
    const [supervisorEnd, gateEnd] = transportPair()
    const service = await serveGate({
      supervisor: gateEnd,
      now: () => Date.now(),
      dnsServers: [RESOLVER],
    })
    const gate = new Peer('gate', supervisorEnd, { out: supervisorToGate, in: {}, handlers: {} })
    const network = createNetwork()
    const wire = new Wire({ gate, network, stop: () => service.stop() })
    await wire.#handOver()
    await gate.call('policy.install', bundle ?? PLAIN_BUNDLE)
    const config: GateSession = {
      session: SESSION,
      decision: { ...plainDecision(rules), ...decision },
      egress: PLAIN_EGRESS,
      prints: NO_PRINTS,
      credentials: [],
      platformCredentials: [],
      upstreams: [],
      limits: { egressBytes: 2 ** 40, egressRequests: 1e6 },
      egressUsed: { bytes: 0, requests: 0 },
      isResumed: false,
      ...options,
    }
    await gate.call('session.bind', { network: NETWORK, config })
    return wire
  }

  /** Puts another generation in force, as the supervisor does. */
  async decideBy(bundle: DecisionBundle, rules: PolicyRule[]): Promise<void> {
    const { generation } = bundle
    await this.#gate.call('policy.install', bundle)
    const decision = { ...plainDecision(rules), generation }
    await this.#gate.call('session.policy', { network: NETWORK, decision })
  }

  private constructor(parts: {
    gate: Peer<typeof supervisorToGate>
    network: SessionNetwork
    stop: () => Promise<void>
  }) {
    this.#gate = parts.gate
    this.#network = parts.network
    this.#stop = parts.stop
  }

  async #handOver(): Promise<void> {
    const network = this.#network
    const listener = net.createServer().listen({ fd: network.release(network.tcpFd) })
    await once(listener, 'listening')
    const dns = dgram.createSocket('udp4')
    dns.bind({ fd: network.release(network.dnsFd) })
    await this.#gate.call('network.tcp', { network: NETWORK }, { handle: listener })
    await this.#gate.call('network.dns', { network: NETWORK }, { handle: dns })
    const link = await this.keyholder.connect()
    await this.#gate.call('keyholder.attach', {}, { handle: link })
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await this.#stop()
    await this.#network.close()
  }

  /** A TCP connection as a process of the session opens it. @param address IPv4 or IPv6 */
  dial(address: string, port: number): net.Socket {
    const fd = openSocket(this.#network.agentNsFd, bytesOf(address), { type: STREAM, port })
    const socket = new net.Socket({ fd, readable: true, writable: true })
    socket.setNoDelay(true)
    socket.on('error', () => undefined) // resets are what attacks get
    this.#clients.add(socket)
    return socket
  }

  /** One datagram to the session's resolver; resolves to its reply. */
  async query(message: Buffer): Promise<Buffer> {
    const fd = inNamespace(this.#network.agentNsFd, () => libc.socket(AF_INET, DATAGRAM_CLOEXEC, 0))
    const client = dgram.createSocket('udp4')
    client.bind({ fd })
    const reply = once(client, 'message')
    client.send(message, 53, GATE_ADDRESSES.ipv4)
    const [answer]: Buffer[] = await reply
    client.close()
    return answer ?? Buffer.alloc(0)
  }

  /** The address that the session has for a name. */
  async lookUp(name: string): Promise<string> {
    const [address] = readReply(await this.query(makeQuery({ id: 7, name, type: 1 }))).addresses
    if (address === undefined) throw new Error(`${name} got no address`)
    return address
  }

  /** One packet to anywhere, of which no reply is expected. */
  throwPacket(to: { address: string; port?: number }, bytes: Buffer, raw?: number): void {
    const kind = raw === undefined ? { type: SOCK.datagram } : { type: SOCK.raw, protocol: raw }
    const fd = openSocket(this.#network.agentNsFd, bytesOf(to.address), {
      ...kind,
      port: to.port ?? 0,
    })
    libc.send.attempt(fd, bytes, bytes.length, 0)
    libc.close(fd)
  }

  /** As the daemon does: what no listener took goes to the gate to be recorded. */
  async reportPackets(): Promise<void> {
    for (const packet of readPackets(this.#network.packetFd, MAX_PACKETS)) {
      const params = { network: NETWORK, packet: packet.toString('base64'), repeated: 0 }
      await this.#gate.call('packet.denied', params)
    }
  }

  /** A TLS connection, trusting the session's CA. @throws what the handshake fails with */
  async secure(socket: net.Socket, options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
    const secure = tls.connect({ socket, ca: this.keyholder.ca.pem, ...options })
    this.#clients.delete(socket) // destroying the socket below a TLS socket can crash Node 26.10
    this.#clients.add(secure)
    await once(secure, 'secureConnect')
    secure.on('error', () => undefined)
    return secure
  }

  /** Writes the parts one after the other; resolves to all that came back until the end, or late. */
  async talk(socket: net.Socket, parts: readonly (string | Buffer)[]): Promise<string> {
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS)
    const reply = await talk(socket, [...parts])
    clearTimeout(timer)
    return reply
  }
}

function bytesOf(address: string): Buffer {
  if (!address.includes(':')) return ipv4(address)
  const hex = (parseIpv6(address) ?? 0n).toString(16).padStart(32, '0')
  return ipv6(hex.replace(/(.{4})(?!$)/g, '$1:'))
}
