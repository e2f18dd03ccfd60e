import http, { type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'

export type RequestSeen = {
  method: string
  target: string
  httpVersion: string
  rawHeaders: string[]
  /** one byte a character */
  body: string
  /** the body came to its end */
  isWhole: boolean
}

export type BytesRead = {
  requests: RequestSeen[]
  /** llhttp's code; undefined when it read to the end */
  error: string | undefined
}

/** The settings with which `gate/http-front.ts` lets llhttp parse. */
const AS_IN_THE_GATE = {
  insecureHTTPParser: false,
  maxHeaderSize: 32 * 1024,
  requireHostHeader: false,
  joinDuplicateHeaders: false,
  headersTimeout: 0,
  requestTimeout: 0,
  keepAliveTimeout: 0,
}

/** Node's own HTTP/1 server, fed from memory: llhttp as the gate has it, at 30,000 connections/s. */
export class HttpReader {
  readonly #server = http.createServer(AS_IN_THE_GATE)
  readonly #reads = new WeakMap<Duplex, BytesRead>()

  constructor() {
    this.#server.timeout = 0
    this.#server.maxHeadersCount = 0
    const take = (request: IncomingMessage, response: http.ServerResponse): void => {
      this.#take(request)
      request.once('end', () => response.end())
    }
    this.#server
      .on('request', take)
      .on('checkContinue', take)
      .on('checkExpectation', take)
      .on('connect', (request, socket) => {
        this.#take(request)
        socket.destroy()
      })
      .on('clientError', (error: NodeJS.ErrnoException, socket) => {
        const read = this.#reads.get(socket)
        if (read !== undefined) read.error = error.code ?? error.message
        socket.destroy()
      })
  }

  /** One connection on which these bytes arrive, and then its end. */
  read(bytes: Buffer): Promise<BytesRead> {
    return new Promise((resolve) => {
      const wire = new Wire()
      const read: BytesRead = { requests: [], error: undefined }
      this.#reads.set(wire, read)
      wire.once('close', () => resolve(read))
      this.#server.emit('connection', wire)
      wire.push(bytes)
      wire.push(null)
    })
  }

  #take(request: IncomingMessage): void {
    const { method = '', url = '', httpVersion, rawHeaders } = request
    const seen = { method, target: url, httpVersion, rawHeaders, body: '', isWhole: false }
    this.#reads.get(request.socket)?.requests.push(seen)
    request
      .on('data', (chunk: Buffer) => (seen.body += chunk.toString('latin1')))
      .on('end', () => (seen.isWhole = true))
      .on('error', () => undefined) // the connection ended within the body
  }
}

/** A socket whose other end is this test; what is written to it is dropped. */
class Wire extends Duplex {
  constructor() {
    super({ allowHalfOpen: true })
    this.on('error', () => undefined) // an answer to a connection that has gone
  }

  override _read(): void {
    // bytes are pushed
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done()
  }
}
