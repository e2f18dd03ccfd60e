import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import type { EgressPlan } from '../../wire/egress.ts'
import type { DecisionBundle, SessionDecision } from '../../wire/decision.ts'
import type { SecretPrintSet } from '../../wire/secret-prints.ts'
import {
  type EgressLimits,
  type EgressUse,
  type GateCredential,
  supervisorToGate,
  type Upstream,
} from '../../wire/gate.ts'
import type { CredentialBinding } from '../../wire/keyholder.ts'
import { Peer, type Transport } from '../../wire/peer.ts'
import type { PolicyRule } from '../../wire/policy.ts'
import type { Destination } from '../connection-router.ts'
import type { Lookup } from '../resolver.ts'
import { serveGate } from '../service.ts'
import { makeQuery, type ReplySeen, readReply } from './dns-client.ts'
import { PLAIN_BUNDLE, plainDecision } from './decision.ts'
import { FakeControl } from './control.ts'
import { FakeKeyholder } from './keyholder.ts'

export const SESSION = 's-0123456789abcdefghij'
const NETWORK = 1

export const NO_PRINTS: SecretPrintSet = { key: Buffer.alloc(32).toString('base64'), secrets: [] }

/** Nothing that an agent file could ask for beside its rules. */
export const PLAIN_EGRESS: EgressPlan = {
  inspection: { maxBodyBytes: 8 * 1024 * 1024, treatments: {} },
  privateRanges: [],
  proxy: null,
  provenance: null,
  budgets: [],
  packages: {
    actions: {
      unknown: 'allow',
      young: 'allow',
      ageUnknown: 'allow',
      typo: 'allow',
      installScripts: 'allow',
    },
    youngMs: 0,
    establishedMs: null,
    exceptions: [],
  },
}

export type RigOptions = {
  rules: PolicyRule[]
  egress?: Partial<EgressPlan>
  prints?: SecretPrintSet
  credentials?: GateCredential[]
  platformCredentials?: CredentialBinding[]
  upstreams?: Upstream[]
  lookup?: Lookup
  limits?: Partial<EgressLimits>
  egressUsed?: EgressUse
  maxTlsConnections?: number
  bundle?: DecisionBundle
  decision?: Partial<SessionDecision>
  isResumed?: boolean
}

/**
 * A gate behind its real protocol and real sockets. What the kernel does in a session's network
 * is played by 127/8: `127.P.x.y` stands for 198.18.x.y, where P picks the port that was dialled.
 */
export class Rig {
  readonly keyholder = new FakeKeyholder()
  readonly control = new FakeControl(() => ({ kind: 'expired' }))
  readonly gate: Peer<typeof supervisorToGate>
  readonly #listener: net.Server
  readonly #dns: dgram.Socket
  readonly #stop: () => Promise<void>
  readonly #clients = new Set<net.Socket>()

  static async start(options: RigOptions): Promise<Rig> {
    const [supervisorEnd, gateEnd] = transportPair()
    const unknown: Lookup = (host) => Promise.reject(new Error(`${host} is not known here`))
    const service = await serveGate({
      supervisor: gateEnd,
      now: () => Date.now(),
      lookup: options.lookup ?? unknown,
      destinationOf: playedDestination,
      maxTlsConnections: options.maxTlsConnections,
    })
    const gate = new Peer('gate', supervisorEnd, { out: supervisorToGate, in: {}, handlers: {} })
    const listener = net.createServer().listen(0, '0.0.0.0')
    await once(listener, 'listening')
    const dns = dgram.createSocket('udp4').bind(0, '127.0.0.1')
    await once(dns, 'listening')
    const rig = new Rig({ gate, listener, dns, stop: () => service.stop() })
    await gate.call('network.tcp', { network: NETWORK }, { handle: listener })
    await gate.call('network.dns', { network: NETWORK }, { handle: dns })
    await rig.attachKeyholder()
    await rig.attachControl()
    await gate.call('policy.install', options.bundle ?? PLAIN_BUNDLE)
    const { rules, credentials = [], upstreams = [] } = options
    const config = {
      session: SESSION,
      decision: { ...plainDecision(rules), ...options.decision },
      egress: { ...PLAIN_EGRESS, ...options.egress },
      prints: options.prints ?? NO_PRINTS,
      credentials,
      platformCredentials: options.platformCredentials ?? [],
      upstreams,
      limits: { egressBytes: 2 ** 40, egressRequests: 1e6, ...options.limits },
      egressUsed: options.egressUsed ?? { bytes: 0, requests: 0 },
      isResumed: options.isResumed ?? false,
    }
    await gate.call('session.bind', { network: NETWORK, config })
    return rig
  }

  private constructor(parts: {
    gate: Peer<typeof supervisorToGate>
    listener: net.Server
    dns: dgram.Socket
    stop: () => Promise<void>
  }) {
    this.gate = parts.gate
    this.#listener = parts.listener
    this.#dns = parts.dns
    this.#stop = parts.stop
  }

  /** where `127.P.x.y` is listened to */
  get port(): number {
    const server = this.#listener.address()
    if (typeof server !== 'object' || server === null) throw new Error('not listening')
    return server.port
  }

  /** where datagrams to the session's resolver go */
  get dnsPort(): number {
    return this.#dns.address().port
  }

  async attachKeyholder(): Promise<void> {
    const handle = await this.keyholder.connect()
    await this.gate.call('keyholder.attach', {}, { handle })
  }

  /** Unless the test says otherwise, nobody answers, and its time is over as soon as it is asked. */
  async attachControl(): Promise<void> {
    const handle = await this.control.connect()
    await this.gate.call('control.attach', {}, { handle })
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await this.#stop()
  }

  async counters(): Promise<Record<string, number>> {
    return (await this.gate.call('network.close', { network: NETWORK })).counters
  }

  denyPacket(packet: Buffer, repeated = 0): Promise<unknown> {
    const params = { network: NETWORK, packet: packet.toString('base64'), repeated }
    return this.gate.call('packet.denied', params)
  }

  /** One question over UDP. */
  async ask(name: string, { type = 1, udpBytes = 1232 } = {}): Promise<ReplySeen> {
    const client = dgram.createSocket('udp4')
    const reply = once(client, 'message')
    client.send(makeQuery({ id: 7, name, type, udpBytes }), this.dnsPort, '127.0.0.1')
    const [message] = await reply
    client.close()
    return readReply(message)
  }

  /** The address that the session has for a name, resolved first as an agent would. */
  async resolve(name: string): Promise<string> {
    const [address] = (await this.ask(name)).addresses
    if (address === undefined) throw new Error(`${name} got no address`)
    return address
  }

  /** Where a client that opens its own connections finds a name's port. */
  async whereIs(name: string, port: number): Promise<{ host: string; port: number }> {
    return { host: played(await this.resolve(name), port), port: this.port }
  }

  /** A connection as the agent opens it. */
  async dial(address: string, port: number): Promise<net.Socket> {
    const socket = net.connect({ host: played(address, port), port: this.port, noDelay: true })
    this.#clients.add(socket)
    socket.on('error', () => undefined) // resets are what some tests want
    await once(socket, 'connect')
    return socket
  }

  /** The same through TLS, trusting the session's CA. @throws what the handshake fails with */
  async dialTls(
    name: string,
    options: tls.ConnectionOptions & { port?: number } = {},
  ): Promise<tls.TLSSocket> {
    const { port = 443, ...over } = options
    const socket = await this.dial(await this.resolve(name), port)
    const secure = tls.connect({ socket, servername: name, ca: this.keyholder.ca.pem, ...over })
    this.#clients.delete(socket) // destroying the socket below a TLS socket can crash Node 26.10
    this.#clients.add(secure)
    await once(secure, 'secureConnect')
    secure.on('error', () => undefined) // as above
    return secure
  }

  /** Sends bytes as they are over TLS; resolves to everything that came back until the end. */
  async send(name: string, ...parts: (string | Buffer)[]): Promise<string> {
    return talk(await this.dialTls(name), parts)
  }
}

/** Writes the parts one after the other, each in a segment of its own, and reads to the end. */
export async function talk(socket: net.Socket, parts: (string | Buffer)[]): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = closed(socket)
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'latin1') : part
    if (socket.writable)
      await new Promise<void>((resolve) => void socket.write(bytes, () => resolve()))
  }
  await ended
  return Buffer.concat(chunks).toString('latin1')
}

/** Unlike `once`, content with a reset. */
export function closed(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}

const PLAYED_PORTS = [443, 80, 8443, 22, 53, 3128, 5432]

function played(address: string, port: number): string {
  const [a = '', , c = '', d = ''] = address.split('.')
  const index = PLAYED_PORTS.indexOf(port)
  if (index === -1) throw new Error(`port ${port} is not played`)
  const literal = a === '198' ? 0 : 100
  const link = address.startsWith('198.19.') ? 50 : 0
  return `127.${1 + index + literal + link}.${c}.${d}`
}

function playedDestination({ localAddress = '' }: net.Socket): Destination {
  const [, b = 0, c = 0, d = 0] = localAddress.split('.').map(Number)
  const port = PLAYED_PORTS[(b % 50) - 1] ?? 0
  if (b > 100) return { address: `93.184.${c}.${d}`, port }
  return { address: `198.${b > 50 ? 19 : 18}.${c}.${d}`, port }
}

export function transportPair(): [Transport, Transport] {
  type Receive = (message: unknown, handle: unknown) => void
  const makeEnd = (): { receive: Receive[]; closed: (() => void)[] } => ({
    receive: [],
    closed: [],
  })
  const ends = [makeEnd(), makeEnd()] as const
  const transport = (own: 0 | 1, other: 0 | 1): Transport => ({
    send: (message, handle) => {
      const copy: unknown = structuredClone(message)
      queueMicrotask(() => ends[other].receive.forEach((receive) => receive(copy, handle)))
    },
    onMessage: (receive) => void ends[own].receive.push(receive),
    onClose: (closed) => void ends[own].closed.push(() => closed(undefined)),
    close: () => ends.forEach((end) => end.closed.splice(0).forEach((closed) => closed())),
  })
  return [transport(0, 1), transport(1, 0)]
}
