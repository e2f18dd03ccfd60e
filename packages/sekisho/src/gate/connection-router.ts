import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { NetConnectAction } from '../core/action.ts'
import { unmapAddress } from '../core/address.ts'
import { canonicalHost } from '../core/host.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { Certificates } from './certificates.ts'
import type { ClientHello } from './client-hello.ts'
import { serveDnsStream } from './dns-sockets.ts'
import type { HttpFront } from './http-front.ts'
import type { Route } from './http-head.ts'
import type { NameServer } from './name-server.ts'
import { peekClientHello } from './peek.ts'
import type { DenialLog, SessionContext } from './session-context.ts'
import { RESOLVER_ADDRESS } from './synthetic-names.ts'

/** Open connections of one session; above, new ones are refused. */
const MAX_CONNECTIONS = 1_024
const HANDSHAKE_TIMEOUT_MS = 10_000

export type Destination = { address: string; port: number }

/**
 * Where the agent dialled to. Every address of a session's network is local to its gate side, so
 * that is what the accepted socket calls its own.
 */
export function destinationOf(socket: Socket): Destination {
  const { localAddress = 'unknown', localPort = 0 } = socket
  return { address: unmapAddress(localAddress), port: localPort }
}

export type RouterParts = {
  context: SessionContext
  denials: DenialLog
  nameServer: NameServer
  certificates: Certificates
  front: HttpFront
  destinationOf: (socket: Socket) => Destination
}

/** Takes every TCP connection of one session to the reader it is for, or refuses it. */
export class ConnectionRouter {
  readonly #parts: RouterParts
  /** the outermost socket of each: destroying the one below a TLS socket can crash Node */
  readonly #open = new Set<Socket>()

  constructor(parts: RouterParts) {
    this.#parts = parts
  }

  get openCount(): number {
    return this.#open.size
  }

  /** Never rejects. */
  async accept(socket: Socket): Promise<void> {
    const { context, nameServer } = this.#parts
    context.counters.connections += 1
    socket.on('error', () => undefined) // the agent broke off; 'close' follows
    const { address, port } = this.#parts.destinationOf(socket)
    const host = context.names.nameOf(address) ?? null
    const action: NetConnectAction = { kind: 'net.connect', transport: 'tcp', address, port, host }
    if (this.#open.size >= MAX_CONNECTIONS) {
      const reason = `more than ${MAX_CONNECTIONS} connections at once`
      return this.#refuse(socket, action, deny('invariant.connection-limit', reason))
    }
    this.#track(socket)
    if (address === RESOLVER_ADDRESS && port === 53) return serveDnsStream(socket, nameServer)
    const route = host === null ? undefined : this.#routeTo(host, port)
    if (route === undefined) return this.#refuse(socket, action, this.#whyNot(action))
    socket.setNoDelay(true)
    if (route.scheme === 'https') return this.#intercept(socket, route, action)
    this.#parts.front.accept(socket, route, action)
  }

  #track(socket: Socket): void {
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
  }

  destroyAll(): void {
    for (const socket of this.#open) socket.destroy()
  }

  /** Ports 80 and 443 of a resolved name always get an answer; others need a rule for them. */
  #routeTo(host: string, port: number): Route | undefined {
    const usual = port === 443 ? 'https' : port === 80 ? 'http' : undefined
    const scheme = this.#parts.context.policy.isPort(host, port) ?? usual
    return scheme === 'http' || scheme === 'https' ? { scheme, host, port } : undefined
  }

  #whyNot(action: NetConnectAction): Deny {
    const verdict = this.#parts.context.ports.decide(action)
    if (verdict.kind === 'deny') return verdict
    return deny('invariant.unknown-destination', `nothing is spoken at ${action.address}`)
  }

  async #refuse(socket: Socket, action: NetConnectAction, by: Deny): Promise<void> {
    this.#parts.context.counters.connectionsDenied += 1
    await this.#parts.denials.record(action, by)
    if (!socket.destroyed) socket.resetAndDestroy()
  }

  async #intercept(socket: Socket, route: Route, action: NetConnectAction): Promise<void> {
    const { context, certificates } = this.#parts
    const peeked = await peekClientHello(socket, HANDSHAKE_TIMEOUT_MS)
    if (peeked.kind === 'gone' || socket.destroyed) {
      context.counters.tlsFailed += 1
      return void socket.destroy()
    }
    const problem =
      peeked.kind === 'malformed'
        ? deny('invariant.tls-malformed', peeked.reason)
        : helloProblem(peeked.hello, route.host)
    if (problem !== undefined) return this.#refuse(socket, action, problem)
    try {
      const secureContext = await certificates.contextFor(route.host)
      if (!socket.destroyed) this.#terminate({ socket, route, action }, secureContext)
    } catch {
      context.counters.unavailable += 1 // no certificate without the keyholder
      if (!socket.destroyed) socket.resetAndDestroy()
    }
  }

  #terminate(
    taken: { socket: Socket; route: Route; action: NetConnectAction },
    secureContext: Awaited<ReturnType<Certificates['contextFor']>>,
  ): void {
    const { socket, route, action } = taken
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      ALPNProtocols: ['http/1.1'],
    })
    this.#open.delete(socket)
    this.#track(secure)
    const fail = (): void => {
      this.#parts.context.counters.tlsFailed += 1
      secure.destroy()
    }
    const timer = setTimeout(fail, HANDSHAKE_TIMEOUT_MS)
    secure.once('error', fail)
    secure.once('close', () => clearTimeout(timer))
    secure.once('secure', () => {
      clearTimeout(timer)
      secure.off('error', fail)
      this.#parts.front.accept(secure, route, action)
    })
  }
}

/** The name in the hello must be the one that was resolved and dialled, in the clear. */
function helloProblem(hello: ClientHello, host: string): Deny | undefined {
  const { serverName, hasEch, protocols } = hello
  if (hasEch) return deny('invariant.ech', `an encrypted ClientHello to ${host}`)
  if (serverName === undefined) return deny('invariant.no-sni', `no server name, to ${host}`)
  if (canonicalHost(serverName) !== host) {
    const shown = serverName.slice(0, 253).replace(/[^\x20-\x7e]/g, '?')
    return deny('invariant.sni-mismatch', `server name ${shown} on a connection to ${host}`)
  }
  if (protocols.length > 0 && !protocols.includes('http/1.1')) {
    return deny('invariant.alpn', `only ${protocols.join(', ').slice(0, 128)} offered, to ${host}`)
  }
  return undefined
}
