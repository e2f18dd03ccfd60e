import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { promisify } from 'node:util'
import {
  type BrotliOptions,
  brotliDecompress,
  gunzip,
  type InputType,
  type ZlibOptions,
  type ZstdOptions,
  zstdDecompress,
} from 'node:zlib'
import type { IssuedCertificate } from './test-authority.ts'

/** Also the bound of a body after decompression: a small bomb must not become a large one. */
const MAX_BODY_BYTES = 8 * 1024 * 1024
/** A client that loops must not fill the memory of the test run. */
const MAX_REQUESTS = 500
const REQUEST_TIMEOUT_MS = 30_000

const inflateGzip = promisify<InputType, ZlibOptions, NonSharedBuffer>(gunzip)
const inflateBrotli = promisify<InputType, BrotliOptions, NonSharedBuffer>(brotliDecompress)
const inflateZstd = promisify<InputType, ZstdOptions, NonSharedBuffer>(zstdDecompress)
const BOUND = { maxOutputLength: MAX_BODY_BYTES }
const DECODERS: ReadonlyMap<string, (body: Buffer) => Promise<Buffer>> = new Map([
  ['gzip', async (body: Buffer) => inflateGzip(body, BOUND)],
  ['br', async (body: Buffer) => inflateBrotli(body, BOUND)],
  ['zstd', async (body: Buffer) => inflateZstd(body, BOUND)],
])

/** One request as it arrived, before anything judged it. */
export type RecordedRequest = {
  method: string
  /** path and query, as sent */
  target: string
  /** server name of the TLS handshake; empty when there was none */
  serverName: string
  /** lower-case names; several fields of one name are joined with `, ` */
  headers: Readonly<Record<string, string>>
  /** after its content coding was taken off (RFC 9110 §8.4): Claude Code compresses its prompts */
  body: string
  /** status that the script answered */
  status: number
}

/** What a script sends back: whole JSON, server-sent events one by one, or pieces as they stand. */
export type ScriptedReply =
  | { kind: 'json'; status: number; body: unknown }
  | { kind: 'events'; events: readonly ScriptedEvent[] }
  | { kind: 'pieces'; type: string; pieces: readonly Buffer[] }
  | { kind: 'empty'; status: number }

/** An event whose data is JSON, or text as it stands; some formats name their events. */
export type ScriptedEvent = { event?: string; data: unknown } | { raw: string }

export type Script = (request: Omit<RecordedRequest, 'status'>) => ScriptedReply

export type ScriptedServer = {
  port: number
  /** every request so far, in order of arrival of their last byte */
  requests: readonly RecordedRequest[]
  /** idempotent; ends open connections */
  close: () => Promise<void>
}

/** An HTTPS server whose every answer comes from `script`; records all that it was asked. */
export async function startScriptedServer(
  certificate: IssuedCertificate,
  script: Script,
  listen: { address?: string; port?: number } = {},
): Promise<ScriptedServer> {
  const requests: RecordedRequest[] = []
  const [cert, key] = await Promise.all([
    readFile(certificate.certFile),
    readFile(certificate.keyFile),
  ])
  const server = createServer({ cert, key, requestTimeout: REQUEST_TIMEOUT_MS })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    readRequest(request).then(
      (read) => {
        const reply = replyTo(read, requests.length, script)
        requests.push({ ...read, status: statusOf(reply) })
        send(response, reply)
      },
      () => response.destroy(), // cut or too long: the client sees a reset, the test no record
    )
  })
  server.listen(listen.port ?? 0, listen.address ?? '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP listener')
  return {
    port: address.port,
    requests,
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function replyTo(
  request: Omit<RecordedRequest, 'status'>,
  seen: number,
  script: Script,
): ScriptedReply {
  if (seen < MAX_REQUESTS) return script(request)
  return { kind: 'json', status: 400, body: { error: { message: 'the script is over' } } }
}

async function readRequest(request: IncomingMessage): Promise<Omit<RecordedRequest, 'status'>> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a body is bytes')
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new RangeError('a body above the limit')
    chunks.push(chunk)
  }
  const { socket } = request
  const serverName = 'servername' in socket ? socket.servername : ''
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    serverName: typeof serverName === 'string' ? serverName : '',
    headers: Object.fromEntries(
      Object.entries(request.headersDistinct).map(([k, v]) => [k, (v ?? []).join(', ')]),
    ),
    body: (await decode(Buffer.concat(chunks), request)).toString('utf8'),
  }
}

async function decode(body: Buffer, request: IncomingMessage): Promise<Buffer> {
  const coding = request.headers['content-encoding']
  if (coding === undefined || coding === 'identity') return body
  const decoder = DECODERS.get(coding)
  if (decoder === undefined) throw new RangeError(`content coding ${coding}`)
  return decoder(body)
}

function statusOf(reply: ScriptedReply): number {
  return 'status' in reply ? reply.status : 200
}

function send(response: ServerResponse, reply: ScriptedReply): void {
  if (reply.kind === 'empty') return void response.writeHead(reply.status).end()
  if (reply.kind === 'json') {
    response.writeHead(reply.status, { 'content-type': 'application/json' })
    return void response.end(JSON.stringify(reply.body))
  }
  const type = reply.kind === 'pieces' ? reply.type : 'text/event-stream'
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' })
  const pieces = reply.kind === 'pieces' ? reply.pieces : reply.events.map(eventText)
  for (const piece of pieces) response.write(piece)
  response.end()
}

function eventText(event: ScriptedEvent): string {
  if ('raw' in event) return `data: ${event.raw}\n\n`
  const name = event.event === undefined ? '' : `event: ${event.event}\n`
  return `${name}data: ${JSON.stringify(event.data)}\n\n`
}
