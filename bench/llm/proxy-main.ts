/**
 * Two proxies that a model gateway is measured against. Arguments: KIND CERT KEY CA PORT.
 *
 * `pipe`: node:http alone, bytes in and bytes out. `parse`: undici, and JSON.parse of the request
 * and of the reply, of each event where it is a stream. Neither decides or records anything.
 */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, request as requestUpstream } from 'node:https'
import { text } from 'node:stream/consumers'
import { Pool } from 'undici'

const [kind = '', certFile = '', keyFile = '', caFile = '', port = ''] = process.argv.slice(2)
const ca = readFileSync(caFile)
const agent = new Agent({ keepAlive: true, maxSockets: 64, ca })
const pool = new Pool(`https://localhost:${port}`, { connections: 64, connect: { ca } })

type Handle = (request: IncomingMessage, response: ServerResponse) => void
const HANDLERS: Readonly<Record<string, Handle>> = {
  pipe,
  parse: (request, response) => {
    parse(request, response).catch((error: unknown) => response.destroy(asError(error)))
  },
}

function headersOf({ headers }: IncomingMessage): IncomingMessage['headers'] {
  const { host: _host, connection: _connection, ...rest } = headers
  return rest
}

function pipe(request: IncomingMessage, response: ServerResponse): void {
  const { method, url: path } = request
  const outgoing = requestUpstream(
    { host: 'localhost', port, path, method, headers: headersOf(request), agent },
    (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(response)
    },
  )
  outgoing.on('error', (error) => response.destroy(error))
  request.pipe(outgoing)
}

async function parse(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  if (typeof JSON.parse(body) !== 'object') throw new TypeError('no JSON object')
  const reply = await pool.request({
    path: request.url ?? '/',
    method: 'POST',
    headers: headersOf(request),
    body,
  })
  response.writeHead(reply.statusCode, reply.headers)
  if (reply.headers['content-type'] === 'application/json') {
    const whole = await reply.body.text()
    if (typeof JSON.parse(whole) !== 'object') throw new TypeError('no JSON object')
    return void response.end(whole)
  }
  let held = ''
  for await (const chunk of reply.body) {
    held = parseEvents(held + String(chunk))
    response.write(chunk)
  }
  response.end()
}

/** Parses every whole event; what is left of the last one. */
function parseEvents(textSoFar: string): string {
  const events = textSoFar.split('\n\n')
  for (const event of events.slice(0, -1)) {
    const at = event.indexOf('data: ')
    if (at >= 0 && typeof JSON.parse(event.slice(at + 6)) !== 'object') throw new TypeError('event')
  }
  return events.at(-1) ?? ''
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

const handle = HANDLERS[kind]
if (handle === undefined) throw new RangeError(`no proxy ${kind}`)
const server = createServer(
  { cert: readFileSync(certFile), key: readFileSync(keyFile), keepAliveTimeout: 60_000 },
  handle,
)
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready ${JSON.stringify(server.address())}\n`)
})
process.stdin.on('close', () => process.exit(0)).resume()
