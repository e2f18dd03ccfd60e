import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import tls from 'node:tls'
import { unmapAddress } from '../../src/core/address.ts'
import { makeIdentity, makeTestCa } from '../../src/gate/testing/certificates.ts'
import { FrameReader, writeFrame } from '../../src/gate/websocket/frames.ts'
import { connectionsOpened, leaveForOutside } from './outside-network.ts'
import { Zone } from './zone.ts'

/** Where the gate asks for names: an address like any other outside. */
export const RESOLVER = '198.51.100.53'

const TLS_PORTS = [443, 8443]
const HTTP_PORTS = [80, 8080]
/** where nothing is understood, and everything is counted */
const SILENT_PORTS = [22, 25, 53, 853, 2375, 3128, 5432, 6379, 6443]

export type Request = {
  host: string
  /** the one that was dialled */
  address: string
  port: number
  method: string
  url: string
  headers: http.IncomingHttpHeaders
  body: string
}

/** What has left the gate, or tried to. */
export type Leaked = {
  /** TCP connections begun, at any address and any port, whether or not somebody listens there */
  opened: number
  connections: number
  /** below TLS */
  bytes: number
  /** names that the resolver outside was asked for */
  asked: readonly string[]
}

type Response = http.ServerResponse | http2.Http2ServerResponse
/** what the requests of both protocols have */
type Incoming = Readable &
  Pick<http.IncomingMessage, 'method' | 'url' | 'headers'> & {
    socket: Pick<net.Socket, 'localAddress' | 'localPort'>
  }
/** What a server outside answers: a body, or a status with fields. */
type Reply = (request: Request) => string | { status: number; headers: Record<string, string> }

/** Everything that is not the session: servers at every address, and the world's DNS. */
export class Outside {
  readonly zone: Zone
  /** requests that arrived whole */
  readonly requests: Request[] = []
  /** what came where no HTTP is spoken, and in messages of WebSockets, latin1 */
  heard = ''
  reply: Reply = () => 'hello'
  readonly #servers: net.Server[] = []
  readonly #sockets = new Set<net.Socket>()
  #connections = 0
  #closedBytes = 0

  /** From here on this process has no network but this one. */
  static async open(): Promise<Outside> {
    leaveForOutside()
    const outside = new Outside(await Zone.open())
    const ca = makeTestCa()
    tls.setDefaultCACertificates([ca.pem]) // what the gate verifies upstreams with
    const secure = outside.#secureServer(ca)
    const plain = http.createServer((request, response) => outside.#take(request, response))
    plain.on('upgrade', (request, socket) => outside.#switch(request, socket))
    await Promise.all([
      ...TLS_PORTS.map((port) => outside.#listen(port, (s) => void secure.emit('connection', s))),
      ...HTTP_PORTS.map((port) => outside.#listen(port, (s) => void plain.emit('connection', s))),
      ...SILENT_PORTS.map((port) => outside.#listen(port, (socket) => outside.#hear(socket))),
    ])
    return outside
  }

  private constructor(zone: Zone) {
    this.zone = zone
  }

  get leaked(): Leaked {
    const open = [...this.#sockets].reduce((sum, socket) => sum + socket.bytesRead, 0)
    return {
      opened: connectionsOpened(),
      connections: this.#connections,
      bytes: this.#closedBytes + open,
      asked: [...this.zone.asked],
    }
  }

  close(): void {
    this.zone.close()
    for (const server of this.#servers) server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #listen(port: number, serve: (socket: net.Socket) => void): Promise<void> {
    const server = net.createServer({ noDelay: true }, (socket) => {
      this.#watch(socket)
      serve(socket)
    })
    this.#servers.push(server)
    await once(server.listen({ port, host: '::' }), 'listening')
  }

  #watch(socket: net.Socket): void {
    this.#connections += 1
    this.#sockets.add(socket)
    socket.on('error', () => undefined) // resets are what some attacks want
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#closedBytes += socket.bytesRead
    })
  }

  #secureServer(ca: ReturnType<typeof makeTestCa>): tls.Server {
    const contexts = new Map<string, tls.SecureContext>()
    const contextFor = (name: string): tls.SecureContext => {
      const known = contexts.get(name)
      if (known !== undefined) return known
      const made = tls.createSecureContext(makeIdentity(ca, name))
      contexts.set(name, made)
      return made
    }
    const options = {
      ...makeIdentity(ca, 'nobody.invalid'),
      allowHTTP1: true,
      SNICallback: (name: string, done: (error: null, context: tls.SecureContext) => void) =>
        done(null, contextFor(name)),
    }
    const server = http2.createSecureServer(options, (request, response) => {
      this.#take(request, response)
    })
    server.on('tlsClientError', () => undefined) // a client that refuses our name
    server.on('sessionError', () => undefined) // one that broke off
    return server
  }

  #hear(socket: net.Socket): void {
    socket.on('data', (piece: Buffer) => {
      this.heard += piece.toString('latin1')
    })
  }

  /** A WebSocket in which nothing is said back (RFC 6455 §4.2.2). */
  #switch({ headers }: http.IncomingMessage, socket: Duplex): void {
    const key = `${headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(key).digest('base64')
    const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`]
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\n\r\n`)
    const reader = new FrameReader('client', 2 ** 20)
    socket.on('data', (piece: Buffer) => {
      for (const { type, payload } of reader.push(piece)) {
        this.heard += payload.toString('latin1')
        if (type === 'close') socket.end(writeFrame({ type, payload }, undefined))
      }
    })
    socket.on('error', () => undefined) // broken off on purpose
  }

  #take(request: Incoming, response: Response): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => undefined) // cut off on purpose
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const body = Buffer.concat(chunks).toString('latin1')
      const host = String(headers[':authority'] ?? headers.host ?? '')
      const { localAddress = '', localPort: port = 0 } = request.socket
      const seen = { host, address: unmapAddress(localAddress), port, method, url, headers, body }
      this.requests.push(seen)
      const reply = this.reply(seen)
      if (typeof reply === 'string') return void response.end(reply)
      response.statusCode = reply.status
      for (const [field, value] of Object.entries(reply.headers)) response.setHeader(field, value)
      response.end()
    })
  }
}
