import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { NetConnectAction } from '../core/action.ts'
import { type Deny, deny } from '../core/verdict.ts'
import { recordDenial } from '../flow/checkpoint.ts'
import { deniedReply, rawAgentReply, UNAVAILABLE } from './denial.ts'
import type { HttpPerformer } from './http-exchange.ts'
import { type HeadRead, type RawHead, type Route, readHead } from './http-head.ts'
import { PROXY_PORT, readProxyTarget, readTunnel } from './proxy-target.ts'
import { Http1Sink } from './reply-sink.ts'
import { RequestPath } from './request-path.ts'
import type { SessionContext } from './session-context.ts'
import { RESOLVER_ADDRESS } from './synthetic-names.ts'
import { asksForWebSocket, readWebSocketHead } from './websocket/head.ts'

export type HttpTimeouts = {
  headersMs: number
  /** a whole request, body included */
  requestMs: number
  keepAliveMs: number
  /** a connection on which nothing moves, while it is the agent's turn to move */
  idleMs: number
  /** how often the two first are looked at */
  checkMs: number
}

const TIMEOUTS: HttpTimeouts = {
  headersMs: 20_000,
  requestMs: 60 * 60_000,
  keepAliveMs: 75_000,
  idleMs: 20 * 60_000,
  checkMs: 5_000,
}
const MAX_HEADER_BYTES = 32 * 1024
/** Pipelined requests that wait for the one before them. */
const MAX_WAITING = 16

/** What a request to a proxy that names no other host is about: nothing that any rule opens. */
const PROXY_ITSELF: Route = { scheme: 'http', host: RESOLVER_ADDRESS, port: PROXY_PORT }

type Arrival = { request: IncomingMessage; response: ServerResponse; expectsContinue: boolean }

type Tunnelled = NetConnectAction & { host: string; port: number }
export type OpenTunnel = (socket: Socket, action: Tunnelled) => void

/** One connection of the agent: what it leads to, and its requests in order. */
type Channel = {
  /** null for a client that takes the gate for a proxy: each request says where it leads */
  route: Route | null
  /** takes over a connection on which CONNECT was allowed */
  openTunnel: OpenTunnel | undefined
  connect: NetConnectAction
  waiting: Arrival[]
  /** the one that is being answered */
  served: Arrival | undefined
  isBusy: boolean
  /** a refusal ends the connection: what is pipelined behind it is dropped */
  isEnding: boolean
}

/** HTTP/1.1 towards the agent for one session. llhttp parses, strictly; every request is decided. */
export class HttpFront {
  readonly #server: http.Server
  readonly #channels = new WeakMap<Duplex, Channel>()
  readonly #context: SessionContext
  readonly #path: RequestPath

  constructor(context: SessionContext, performer: HttpPerformer, timeouts = TIMEOUTS) {
    this.#context = context
    this.#path = new RequestPath(context, performer)
    this.#server = makeServer(timeouts)
    this.#server
      .on('request', (request, response) => this.#arrive(request, response, false))
      .on('checkContinue', (request, response) => this.#arrive(request, response, true))
      // any other expectation: refused when its head is read
      .on('checkExpectation', (request, response) => this.#arrive(request, response, false))
      .on('upgrade', (request, socket, first) => void this.#upgrade(request, socket, first))
      .on('connect', (request, socket, first) => void this.#connect(request, socket, first))
      .on('clientError', (error, socket) => void this.#refuseUnparsed(error, socket))
      .on('timeout', (socket) => this.#giveUp(socket, timeouts.idleMs))
    // Node checks head and request time-outs from this event on; this server listens to nothing
    this.#server.emit('listening')
  }

  /** Takes a connection over, TLS done. @param connect how the agent dialled it, for the record */
  accept(socket: Duplex, route: Route, connect: NetConnectAction): void {
    this.#open(socket, { route, connect, openTunnel: undefined })
  }

  /** Takes over a connection on which the agent speaks to a proxy (RFC 9110 §7.6). */
  acceptProxied(socket: Socket, connect: NetConnectAction, openTunnel: OpenTunnel): void {
    this.#open(socket, { route: null, connect, openTunnel })
  }

  /** Whether nothing is asked on it, nor has it become something else than HTTP. */
  isIdle(socket: Duplex): boolean {
    return this.#channels.get(socket)?.isBusy === false
  }

  #open(socket: Duplex, leads: Pick<Channel, 'route' | 'connect' | 'openTunnel'>): void {
    const served = undefined
    this.#channels.set(socket, { ...leads, waiting: [], served, isBusy: false, isEnding: false })
    this.#server.emit('connection', socket)
  }

  /** Nothing has moved for long. Who has asked and not been answered waits for us: people may take hours. */
  #giveUp(socket: Socket, idleMs: number): void {
    const { served } = this.#channels.get(socket) ?? {}
    const isOurTurn = served?.request.complete === true && !served.response.headersSent
    if (isOurTurn) socket.setTimeout(idleMs)
    else socket.destroy()
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close(() => undefined) // says that it was not listening, which it never is
  }

  #arrive(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const channel = this.#channels.get(request.socket)
    if (channel === undefined) return void request.socket.destroy()
    const arrival = { request, response, expectsContinue }
    if (!channel.isBusy) return this.#serve(channel, arrival)
    if (channel.waiting.length < MAX_WAITING) return void channel.waiting.push(arrival)
    void this.#breakOff(channel, request.socket, `more than ${MAX_WAITING} requests wait`)
  }

  /** One request of a connection at a time: their effects keep the order they were asked in. */
  #serve(channel: Channel, arrival: Arrival): void {
    channel.isBusy = true
    channel.served = arrival
    arrival.response.on('close', () => {
      channel.isBusy = false
      channel.served = undefined
      const next = channel.isEnding ? undefined : channel.waiting.shift()
      if (next !== undefined && !next.response.destroyed) this.#serve(channel, next)
    })
    void this.#handle(channel, arrival)
  }

  #handle(channel: Channel, { request, response, expectsContinue }: Arrival): Promise<void> {
    const head = headOf(request, channel)
    // what the parser may say of the same bytes afterwards is no second refusal
    channel.isEnding ||= head.kind === 'refused'
    return this.#path.handle({
      head,
      fields: request.rawHeaders,
      body: request,
      expectsContinue,
      sink: new Http1Sink(response),
      endAfter: () => {
        channel.isEnding = true
      },
    })
  }

  async #connect(request: IncomingMessage, socket: Duplex, first: Buffer): Promise<void> {
    const channel = this.#channels.get(socket)
    socket.on('error', () => undefined) // the parser has let go of it; it ends below
    if (channel === undefined) return void socket.destroy()
    if (channel.isBusy) return this.#breakOff(channel, socket, 'CONNECT behind a request')
    if (channel.openTunnel !== undefined && socket instanceof Socket) {
      return this.#tunnel(rawHead(request), { socket, first, channel })
    }
    const head = headOf(request, channel)
    if (head.kind !== 'refused') return void socket.destroy()
    await this.#refuseRaw(socket, () => this.#path.deny(head), head.status)
  }

  /** Only what asks for a WebSocket comes here; other upgrades are refused as requests. */
  async #upgrade(request: IncomingMessage, socket: Duplex, first: Buffer): Promise<void> {
    const channel = this.#channels.get(socket)
    socket.on('error', () => undefined) // the parser has let go of it; it ends below
    if (channel === undefined) return void socket.destroy()
    if (channel.isBusy) return this.#breakOff(channel, socket, 'an upgrade behind a request')
    channel.isBusy = true
    if (first.length > 0) socket.unshift(first)
    const raw = rawHead(request)
    const route = channel.route ?? readProxyTarget(raw.target) ?? PROXY_ITSELF
    await this.#path.switchTo({
      head: readWebSocketHead(raw, route),
      fields: request.rawHeaders,
      socket,
    })
  }

  /** A tunnel is no way around: what comes through it is read as if it had been dialled. */
  async #tunnel(
    head: RawHead,
    { socket, first, channel }: { socket: Socket; first: Buffer; channel: Channel },
  ): Promise<void> {
    const read = readTunnel(head, channel.connect)
    const verdict = read.kind === 'read' ? this.#context.ports.decide(read.action) : read.by
    if (verdict.kind !== 'deny') {
      // what is to be held is held where the tunnel leads
      if (read.kind !== 'read') return void socket.destroy()
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      if (first.length > 0) socket.unshift(first)
      return channel.openTunnel?.(socket, read.action)
    }
    const record = async (): Promise<Deny> => {
      await recordDenial({ action: read.action, by: verdict }, this.#context.ports)
      return verdict
    }
    await this.#refuseRaw(socket, record, read.kind === 'refused' ? read.status : 403)
  }

  /** What the parser would not read. Nothing of it has been acted upon. */
  async #refuseUnparsed(error: NodeJS.ErrnoException, socket: Duplex): Promise<void> {
    const channel = this.#channels.get(socket)
    const code = error.code ?? ''
    // the rest are connections that ended or timed out
    const isMalformed = code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE'
    if (channel === undefined || !isMalformed) return void socket.destroy()
    if (channel.isBusy && channel.isEnding) return // refused already; its answer ends the connection
    const by = deny('invariant.http-malformed', code)
    const record = async (): Promise<Deny> => {
      await recordDenial({ action: channel.connect, by }, this.#context.ports)
      return by
    }
    this.#context.counters.requests += 1
    if (!channel.isBusy) {
      return this.#refuseRaw(socket, record, code === 'HPE_HEADER_OVERFLOW' ? 431 : 400)
    }
    // An answer now would mix with the one that is being written. After `Connection: close` that
    // one may finish; a body that breaks off in the middle may not.
    if (code !== 'HPE_CLOSED_CONNECTION') socket.destroy()
    this.#context.counters.denied += 1
    await this.#recordQuietly(record)
  }

  /** Behind requests that are still being answered, an answer would come out of turn. */
  async #breakOff(channel: Channel, socket: Duplex, why: string): Promise<void> {
    socket.destroy()
    if (channel.isEnding) return // refused already
    channel.isEnding = true
    this.#context.counters.requests += 1
    this.#context.counters.denied += 1
    const by = deny('invariant.http-malformed', why)
    const denied = { action: channel.connect, by }
    await this.#recordQuietly(() => recordDenial(denied, this.#context.ports))
  }

  async #recordQuietly(record: () => Promise<unknown>): Promise<void> {
    try {
      await record()
    } catch {
      this.#context.counters.unavailable += 1 // it was stopped all the same
    }
  }

  async #refuseRaw(socket: Duplex, record: () => Promise<Deny>, status: number): Promise<void> {
    this.#context.counters.denied += 1
    try {
      const { rules } = await record()
      if (socket.writable) socket.end(rawAgentReply(deniedReply(rules, status)))
    } catch {
      this.#context.counters.unavailable += 1
      if (socket.writable) socket.end(rawAgentReply(UNAVAILABLE))
    }
  }
}

function makeServer(timeouts: HttpTimeouts): http.Server {
  const server = http.createServer({
    insecureHTTPParser: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    requireHostHeader: false, // its absence is refused, and recorded, when the head is read
    joinDuplicateHeaders: false,
    optimizeEmptyRequests: true,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: timeouts.checkMs,
    noDelay: true,
    shouldUpgradeCallback: ({ rawHeaders }) => asksForWebSocket(rawHeaders),
  })
  server.timeout = timeouts.idleMs
  // no silent cut: more fields than we take are refused when the head is read
  server.maxHeadersCount = 0
  return server
}

function headOf(request: IncomingMessage, { route }: Channel): HeadRead {
  const raw = rawHead(request)
  return readHead(raw, route ?? readProxyTarget(raw.target) ?? PROXY_ITSELF)
}

function rawHead(request: IncomingMessage): Parameters<typeof readHead>[0] {
  const { method = '', url = '', httpVersion, rawHeaders } = request
  return { method, target: url, httpVersion, rawHeaders }
}
