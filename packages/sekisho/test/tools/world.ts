import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { makeTestAuthority } from '../agents/test-authority.ts'
import { echoWebSocket } from './websocket-echo.ts'

/** What tools are meant to ask. */
export const APP = 'app.tools.test'
/** Allowed too; what is bound to {@link APP} is not for it. */
export const OTHER = 'other.tools.test'
/** Where a WebSocket may be opened. */
export const TALK = 'talk.tools.test'
const MAX_BODY_BYTES = 32 * 1024 * 1024

/** One request as it arrived outside. */
export type Arrived = {
  host: string
  method: string
  /** path and query */
  target: string
  httpVersion: string
  headers: Readonly<Record<string, string>>
  body: Buffer
}
export type Answer = (request: Arrived, response: Http2ServerResponse) => void | Promise<void>

/** Servers outside under several names, over HTTP/1.1, HTTP/2 and WebSocket, on one port. */
export type World = {
  port: number
  caFile: string
  /** key and certificate of all names, for servers that are none of HTTP */
  certificate: { cert: Buffer; key: Buffer }
  arrived: Arrived[]
  /** text messages over WebSocket, in order */
  messages: string[]
  close: () => Promise<void>
}

/** @param answers by host; a host that has none is not of this world */
export async function startWorld(
  directory: string,
  answers: Readonly<Record<string, Answer>>,
): Promise<World> {
  const at = join(directory, 'world')
  await mkdir(at, { recursive: true })
  const authority = await makeTestAuthority(at)
  const issued = await authority.issue('server', Object.keys(answers))
  const certificate = {
    cert: await readFile(issued.certFile),
    key: await readFile(issued.keyFile),
  }
  const arrived: Arrived[] = []
  const messages: string[] = []
  const server = createSecureServer({ ...certificate, allowHTTP1: true })
  server.on('request', (request, response) => {
    readRequest(request)
      .then(async (read) => {
        arrived.push(read)
        const answer = answers[read.host]
        if (answer === undefined) return void response.writeHead(421).end()
        return answer(read, response)
      })
      .catch(() => response.stream?.destroy()) // broken off: the tool sees a reset
  })
  server.on('upgrade', (request: { headers: { 'sec-websocket-key'?: string } }, socket: Duplex) =>
    echoWebSocket(socket, request.headers['sec-websocket-key'] ?? '', messages),
  )
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  const { caFile, port } = { caFile: authority.certFile, port: portOf(server.address()) }
  return { port, caFile, certificate, arrived, messages, close }
}

export function portOf(address: { port: number } | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not a TCP listener')
  return address.port
}

async function readRequest(request: Http2ServerRequest): Promise<Arrived> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a body is bytes')
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new RangeError('a body above the limit')
    chunks.push(chunk)
  }
  const headers = Object.entries(request.headers)
  return {
    host: request.authority ?? request.headers.host ?? '',
    method: request.method,
    target: request.url,
    httpVersion: request.httpVersion,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, [value].flat().join(', ')])),
    body: Buffer.concat(chunks),
  }
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}
