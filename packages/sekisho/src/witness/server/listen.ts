import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { MAX_REQUEST_BYTES } from '../request.ts'
import type { Reply, Witness } from './witness.ts'

export type Listening = {
  /** where it listens, as a client would write it */
  readonly url: string
  close(): Promise<void>
}

export type ListenAt = { host: string; port: number } | { path: string }

type Options = {
  at: ListenAt
  witness: Witness
  /** PEM; absent: plain HTTP */
  tls?: { cert: string; key: string }
  /** one line for the witness's operator */
  alarm: (line: string) => void
  timeouts?: Timeouts
}

/** ms */
export type Timeouts = {
  /** of a request's head, and of the whole of it: a client sends at most a few kilobytes */
  headersTimeout: number
  requestTimeout: number
  keepAliveTimeout: number
  /** how often they are looked at */
  connectionsCheckingInterval: number
}

const TIMEOUTS: Timeouts = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 1000,
}
const MAX_HEAD_BYTES = 8192
const MAX_CONNECTIONS = 256

/** Serves a witness. @throws Error when it cannot listen there */
export async function listen(options: Options): Promise<Listening> {
  const { at, tls, timeouts = TIMEOUTS } = options
  const limits = { ...timeouts, maxHeaderSize: MAX_HEAD_BYTES }
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    void reply(request, options).then((given) => send(response, given))
  }
  const server: Server =
    tls === undefined
      ? createHttpServer(limits, answer)
      : createHttpsServer({ ...limits, ...tls, minVersion: 'TLSv1.2' }, answer)
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, resolve)
  })
  server.on('error', (error) => options.alarm(`the listener: ${error.message}`))
  return {
    url: urlOf(server, tls === undefined ? 'http' : 'https'),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

async function reply(request: IncomingMessage, { witness, alarm }: Options): Promise<Reply> {
  const path = request.url ?? ''
  try {
    if (path.endsWith('/add-checkpoint')) {
      if (request.method !== 'POST') return refusal(405, 'POST only')
      const body = await readBody(request)
      return body === undefined ? refusal(413, 'too long') : witness.addCheckpoint(body)
    }
    const [, originHash] = /\/([0-9a-f]{64})\/checkpoint$/.exec(path) ?? []
    if (originHash === undefined) return refusal(404, 'no such thing here')
    return request.method === 'GET' ? witness.latest(originHash) : refusal(405, 'GET only')
  } catch (thrown) {
    if (!request.complete) return refusal(400, 'half a request')
    alarm(`a request could not be answered: ${String(thrown)}`)
    return refusal(500, 'the witness cannot answer')
  }
}

/** undefined beyond the limit, whatever length it announces */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAX_REQUEST_BYTES) chunks.push(chunk)
      else {
        request.pause() // the answer closes the connection
        resolve(undefined)
      }
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', reject)
    request.on('close', () => reject(new Error('the connection closed')))
  })
}

function send(response: ServerResponse, { status, type, body }: Reply): void {
  const bytes = Buffer.from(body)
  // what was not read to its end cannot be followed by another request
  const connection = status === 413 || status === 400 ? { connection: 'close' } : {}
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    ...connection,
  })
  response.end(bytes)
}

function refusal(status: number, line: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body: `${line}\n` }
}

function urlOf(server: Server, scheme: 'http' | 'https'): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return `unix:${address ?? ''}`
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `${scheme}://${host}:${address.port}`
}
