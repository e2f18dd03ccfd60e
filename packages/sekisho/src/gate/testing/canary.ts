import http from 'node:http'
import net from 'node:net'
import tls from 'node:tls'
import type { TestIdentity } from './certificates.ts'

export type Seen = { method: string; url: string; rawHeaders: string[]; body: string }

/**
 * A server outside. Counts connections and bytes below TLS: an attack that is stopped leaves zero
 * of both.
 */
export class Canary {
  readonly port: number
  /** requests that arrived whole */
  readonly requests: Seen[] = []
  /** requests whose head arrived */
  heads = 0
  connections = 0
  handler: (request: http.IncomingMessage, response: http.ServerResponse) => void
  /** in place of waiting for the body */
  onHead: typeof this.handler | undefined
  readonly #front: net.Server
  readonly #sockets = new Set<net.Socket>()
  #closedBytes = 0

  /** @param identity undefined speaks plain HTTP */
  static async start(identity?: TestIdentity): Promise<Canary> {
    const front = net.createServer()
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
    return new Canary(front, identity)
  }

  private constructor(front: net.Server, identity: TestIdentity | undefined) {
    this.#front = front
    const address = front.address()
    this.port = typeof address === 'object' && address !== null ? address.port : 0
    this.handler = (_request, response) => void response.end('hello')
    const web = http.createServer((request, response) => this.#take(request, response))
    const secure = tls.createServer(identity ?? {}, (socket) => void web.emit('connection', socket))
    secure.on('tlsClientError', () => undefined) // a client that refuses our name
    front.on('connection', (socket) => {
      this.#watch(socket)
      if (identity === undefined) web.emit('connection', socket)
      else secure.emit('connection', socket)
    })
  }

  get bytes(): number {
    const open = [...this.#sockets].reduce((sum, socket) => sum + socket.bytesRead, 0)
    return this.#closedBytes + open
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

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.heads += 1
    if (this.onHead !== undefined) return this.onHead(request, response)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => undefined) // cut off on purpose
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('latin1')
      const { method = '', url = '', rawHeaders } = request
      this.requests.push({ method, url, rawHeaders, body })
      this.handler(request, response)
    })
  }
}
