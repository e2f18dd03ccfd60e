import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { NetConnectAction } from '../core/action.ts'
import { unmapAddress } from '../core/address.ts'
import { canonicalHost } from '../core/host.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { RuleOptions, Scheme } from '../wire/policy.ts'
import type { Certificates } from './certificates.ts'
import type { ClientHello } from './client-hello.ts'
import { serveDnsStream } from './dns-sockets.ts'
import type { IdleConnections } from './idle-connections.ts'
import type { HttpFront } from './http-front.ts'
import type { Http2Front } from './http2-front.ts'
import type { Route } from './http-head.ts'
import type { NameServer } from './name-server.ts'
import { peekClientHello } from './peek.ts'
import { PROXY_PORT } from './proxy-target.ts'
import type { DenialLog, SessionContext } from './session-context.ts'
import { RESOLVER_ADDRESS } from './synthetic-names.ts'
import { relayTcp, type TcpAction, type TcpPerformer } from './tcp-relay.ts'

/** Open connections of one session; above, new ones are refused. */
const MAX_CONNECTIONS = 1_024
const HANDSHAKE_TIMEOUT_MS = 10_000
/** What is spoken behind TLS that ends here (RFC 7301). */
const PROTOCOLS: readonly string[] = ['h2', 'http/1.1']

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
  http2: Http2Front
  tcp: TcpPerformer
  /** of all sessions */
  idle: IdleConnections
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
    if (address === RESOLVER_ADDRESS && port === PROXY_PORT) {
      return this.#parts.front.acceptProxied(socket, action, (tunnel, to) => {
        void this.#enter(tunnel, to)
      })
    }
    return this.#enter(socket, action)
  }

  /** Takes a connection to where its name and port lead, however it came to be known. */
  async #enter(socket: Socket, action: NetConnectAction): Promise<void> {
    const { host, port } = action
    const scheme = host === null || port === null ? undefined : this.#schemeAt(host, port)
    if (host === null || port === null || scheme === undefined) {
      return this.#refuse(socket, action, this.#whyNot(action))
    }
    socket.setNoDelay(true)
    const named = { ...action, host, port }
    if (scheme === 'https') return this.#intercept(socket, { scheme, host, port }, action)
    if (scheme === 'http') return this.#parts.front.accept(socket, { scheme, host, port }, action)
    return this.#relay(socket, scheme, named)
  }

  /** Of TLS that is passed through, no more than the hello is read. */
  async #relay(socket: Socket, scheme: 'tcp' | 'tls', action: TcpAction): Promise<void> {
    const options = this.#parts.context.policy.openingOptions(action.host, action.port)
    if (scheme === 'tls' && !(await this.#isHelloFor(socket, action, []))) return
    const { context, tcp: performer } = this.#parts
    await relayTcp(socket, { action, options, scheme }, { context, performer })
  }

  #track(socket: Socket): void {
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
  }

  destroyAll(): void {
    for (const socket of this.#open) socket.destroy()
  }

  /** Ports 80 and 443 of a resolved name always get an answer; others need a rule for them. */
  #schemeAt(host: string, port: number): Scheme | undefined {
    const usual = port === 443 ? 'https' : port === 80 ? 'http' : undefined
    return this.#parts.context.policy.isPort(host, port) ?? usual
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

  /** Whether the connection begins with a hello for the name it leads to; else it is refused. */
  async #isHelloFor(
    socket: Socket,
    action: TcpAction,
    protocols: readonly string[],
  ): Promise<boolean> {
    const { context } = this.#parts
    const peeked = await peekClientHello(socket, HANDSHAKE_TIMEOUT_MS)
    if (peeked.kind === 'gone' || socket.destroyed) {
      context.counters.tlsFailed += 1
      socket.destroy()
      return false
    }
    const options = context.policy.openingOptions(action.host, action.port)
    const problem =
      peeked.kind === 'malformed'
        ? deny('invariant.tls-malformed', peeked.reason)
        : (helloProblem(peeked.hello, action.host, options) ??
          alpnProblem(peeked.hello, action.host, protocols))
    if (problem === undefined) return true
    await this.#refuse(socket, action, problem)
    return false
  }

  async #intercept(socket: Socket, route: Route, action: NetConnectAction): Promise<void> {
    const { context, certificates } = this.#parts
    const { host, port } = route
    if (!(await this.#isHelloFor(socket, { ...action, host, port }, PROTOCOLS))) return
    try {
      const secureContext = await certificates.contextFor(route.host)
      if (!socket.destroyed) this.#terminate({ socket, route, action }, secureContext)
    } catch {
      context.counters.unavailable += 1 // no certificate without the keyholder
      if (!socket.destroyed) socket.resetAndDestroy()
    }
  }

  /** What the engine refuses, an old version for one; an alert is the agent's own refusal of us. */
  async #recordHandshake(error: Error, action: NetConnectAction): Promise<void> {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
    if (!code.startsWith('ERR_SSL_') || code.includes('ALERT')) return
    const by = deny('invariant.tls-handshake', code.slice(0, 128))
    await this.#parts.denials.record(action, by)
  }

  #terminate(
    taken: { socket: Socket; route: Route; action: NetConnectAction },
    secureContext: Awaited<ReturnType<Certificates['contextFor']>>,
  ): void {
    const { socket, route, action } = taken
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      ALPNProtocols: [...PROTOCOLS],
    })
    this.#open.delete(socket)
    this.#track(secure)
    const fail = (): void => {
      this.#parts.context.counters.tlsFailed += 1
      secure.destroy()
    }
    const failed = (error: Error): void => {
      fail()
      void this.#recordHandshake(error, action)
    }
    const timer = setTimeout(fail, HANDSHAKE_TIMEOUT_MS)
    let isIdle = (): boolean => true // until the handshake is over nothing can be asked
    secure.once('error', failed)
    const gone = this.#parts.idle.add(this, {
      isIdle: () => isIdle(),
      close: () => secure.destroySoon(),
    })
    secure.once('close', () => {
      clearTimeout(timer)
      gone()
    })
    secure.once('secure', () => {
      clearTimeout(timer)
      secure.off('error', failed)
      const { front, http2 } = this.#parts
      const taken = secure.alpnProtocol === 'h2' ? http2 : front
      isIdle = () => taken.isIdle(secure)
      taken.accept(secure, route, action)
    })
  }
}

/** The name in the hello must be the one that was resolved and dialled, in the clear. */
function helloProblem(hello: ClientHello, host: string, options: RuleOptions): Deny | undefined {
  const { serverName, hasEch } = hello
  if (hasEch) return deny('invariant.ech', `an encrypted ClientHello to ${host}`)
  if (serverName === undefined && options.withoutSni !== true) {
    return deny('invariant.no-sni', `no server name, to ${host}`)
  }
  if (serverName !== undefined && canonicalHost(serverName) !== host) {
    const shown = serverName.slice(0, 253).replace(/[^\x20-\x7e]/g, '?')
    return deny('invariant.sni-mismatch', `server name ${shown} on a connection to ${host}`)
  }
  return undefined
}

/** @param wanted protocols of which one is to be among those offered; none takes any offer */
function alpnProblem(
  { protocols }: ClientHello,
  host: string,
  wanted: readonly string[],
): Deny | undefined {
  if (protocols.length === 0 || wanted.length === 0) return undefined
  if (wanted.some((name) => protocols.includes(name))) return undefined
  return deny('invariant.alpn', `only ${protocols.join(', ').slice(0, 128)} offered, to ${host}`)
}
