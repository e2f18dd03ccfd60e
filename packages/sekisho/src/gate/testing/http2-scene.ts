import http from 'node:http'
import http2 from 'node:http2'
import type net from 'node:net'
import tls from 'node:tls'
import type { EgressPlan } from '../../wire/egress.ts'
import type { EgressLimits, GateCredential } from '../../wire/gate.ts'
import type { PolicyRule } from '../../wire/policy.ts'
import { makeIdentity, makeTestCa } from './certificates.ts'
import { Rig } from './rig.ts'
import { HOST, rule } from './scene.ts'

const OUTSIDE = makeTestCa()
const IDENTITY = makeIdentity(OUTSIDE, HOST)

export type Http2SceneOptions = {
  rules?: PolicyRule[]
  credentials?: GateCredential[]
  egress?: Partial<EgressPlan>
  limits?: Partial<EgressLimits>
  maxTlsConnections?: number
  /** where the upstream's TLS ends, when it is not this scene's own server */
  upstreamPort?: number
  /** of the scene's own server */
  protocols?: string[]
}

/** A gate between an agent, played by the test, and a server outside that speaks HTTP/2. */
export class Http2Scene {
  readonly rig: Rig
  readonly outside: Http2Outside

  static async start(options: Http2SceneOptions = {}): Promise<Http2Scene> {
    const outside = await Http2Outside.start(options.protocols ?? ['h2', 'http/1.1'])
    const rig = await Rig.start({
      rules: options.rules ?? [rule()],
      credentials: options.credentials ?? [],
      limits: options.limits ?? {},
      upstreams: [
        {
          host: HOST,
          port: 443,
          address: '127.0.0.1',
          dialPort: options.upstreamPort ?? outside.port,
          caPem: OUTSIDE.pem,
        },
      ],
      ...(options.maxTlsConnections === undefined
        ? {}
        : { maxTlsConnections: options.maxTlsConnections }),
      ...(options.egress === undefined ? {} : { egress: options.egress }),
    })
    return new Http2Scene(rig, outside)
  }

  private constructor(rig: Rig, outside: Http2Outside) {
    this.rig = rig
    this.outside = outside
  }

  async close(): Promise<void> {
    await this.rig.close()
    this.outside.close()
  }

  /** A session as the agent opens it. */
  async connect(options: http2.ClientSessionOptions = {}): Promise<http2.ClientHttp2Session> {
    const socket = await this.rig.dialTls(HOST, { ALPNProtocols: ['h2'] })
    const session = http2.connect(`https://${HOST}`, { ...options, createConnection: () => socket })
    session.on('error', () => undefined) // ended is what some tests want
    return session
  }
}

export type Answer = {
  status: number
  /** name, value … pseudo-header fields left out */
  fields: string[]
  body: string
  trailers: string[]
  /** of RST_STREAM; 0 for none */
  reset: number
}

/** One request to its end, however it ends. */
export function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Answer> {
  const stream = session.request(headers, {
    endStream: body === undefined,
  })
  if (body !== undefined) stream.end(body)
  return answerOf(stream)
}

export function answerOf(stream: http2.ClientHttp2Stream): Promise<Answer> {
  const answer: Answer = { status: 0, fields: [], body: '', trailers: [], reset: 0 }
  stream.on('error', () => undefined) // told by `reset`
  stream.on('response', (headers, _flags, raw) => {
    answer.status = headers[':status'] ?? 0
    answer.fields = raw.slice(2)
  })
  stream.on('trailers', (_headers, _flags, raw) => (answer.trailers = raw))
  stream.on('data', (chunk: Buffer) => (answer.body += chunk.toString('latin1')))
  return new Promise((resolve) => {
    stream.once('close', () => resolve({ ...answer, reset: stream.rstCode ?? 0 }))
  })
}

export type RequestSeen = { raw: string[]; body: string; trailers: string[]; version: string }

/** Counts connections and bytes below TLS: an attack that is stopped leaves zero of both. */
export class Http2Outside {
  readonly port: number
  readonly caPem = OUTSIDE.pem
  readonly requests: RequestSeen[] = []
  heads = 0
  connections = 0
  handler: (stream: http2.ServerHttp2Stream, seen: RequestSeen) => void = (stream) => {
    stream.respond({ ':status': 200 })
    stream.end('hello')
  }
  /** in place of waiting for the body */
  onHead: ((stream: http2.ServerHttp2Stream, raw: string[]) => void) | undefined
  readonly #front: tls.Server
  readonly #sockets = new Set<net.Socket>()
  #closedBytes = 0

  static async start(protocols: string[]): Promise<Http2Outside> {
    const front = tls.createServer({ ...IDENTITY, ALPNProtocols: protocols })
    await new Promise<void>((resolve) => void front.listen(0, '127.0.0.1', () => resolve()))
    return new Http2Outside(front)
  }

  private constructor(front: tls.Server) {
    this.#front = front
    const address = front.address()
    this.port = typeof address === 'object' && address !== null ? address.port : 0
    const web = http.createServer((request, response) => {
      this.heads += 1
      this.requests.push({ raw: request.rawHeaders, body: '', trailers: [], version: '1.1' })
      response.end('hello by 1.1')
    })
    front.on('connection', (socket) => this.#watch(socket))
    front.on('tlsClientError', () => undefined) // a client that refuses our name
    front.on('secureConnection', (socket) => {
      if (socket.alpnProtocol !== 'h2') return void web.emit('connection', socket)
      const session = http2.performServerHandshake(socket)
      session.on('error', () => undefined) // cut off on purpose
      session.on('stream', (...[stream, , , raw]) => this.#take(stream, raw))
    })
  }

  get bytes(): number {
    const open = [...this.#sockets].reduce((sum, socket) => sum + socket.bytesRead, 0)
    return this.#closedBytes + open
  }

  get leaked(): { connections: number; bytes: number } {
    return { connections: this.connections, bytes: this.bytes }
  }

  close(): void {
    this.#front.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #watch(socket: net.Socket): void {
    this.connections += 1
    this.#sockets.add(socket)
    socket.on('error', () => undefined) // resets are what some tests want
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#closedBytes += socket.bytesRead
    })
  }

  #take(stream: http2.ServerHttp2Stream, raw: string[]): void {
    this.heads += 1
    stream.on('error', () => undefined) // cut off on purpose
    if (this.onHead !== undefined) return this.onHead(stream, raw)
    const seen: RequestSeen = { raw, body: '', trailers: [], version: '2' }
    stream.on('trailers', (_headers, _flags, trailers) => (seen.trailers = trailers))
    stream.on('data', (chunk: Buffer) => (seen.body += chunk.toString('latin1')))
    stream.on('end', () => {
      this.requests.push(seen)
      this.handler(stream, seen)
    })
  }
}
