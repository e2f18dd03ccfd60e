/**
 * A model server that says the same thing to everybody, at once. Arguments: CERT KEY. A reply is
 * 2 KiB of JSON or, where the request has `"stream":true`, 200 deltas in twenty writes.
 */
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'

const TEXT = 'It reads the file, runs the tests and says what it found. '
const REPLY_BYTES = 2048
const DELTAS = 200
const DELTAS_PER_WRITE = 10

const usage = { input_tokens: 12_000, output_tokens: 200 }
const message = {
  id: 'msg_01',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-4-5',
  stop_sequence: null,
}
const content = [{ type: 'text', text: TEXT.repeat(REPLY_BYTES / TEXT.length) }]
const json = Buffer.from(JSON.stringify({ ...message, content, stop_reason: 'end_turn', usage }))
const jsonHead = { 'content-type': 'application/json', 'content-length': json.length }
const streamHead = { 'content-type': 'text/event-stream; charset=utf-8' }

const event = (data: { type: string }): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
const writes = streamWrites()

function streamWrites(): Buffer[] {
  const index = 0
  const started = { ...message, content: [], stop_reason: null, usage }
  const block = { type: 'text', text: '' }
  const words = TEXT.split(' ')
  const deltas = Array.from({ length: DELTAS }, (_, at) => {
    const delta = { type: 'text_delta', text: `${words[at % words.length]} ` }
    return event(Object.assign({ type: 'content_block_delta' }, { index, delta }))
  })
  const groups = Array.from({ length: DELTAS / DELTAS_PER_WRITE }, (_, at) =>
    deltas.slice(at * DELTAS_PER_WRITE, (at + 1) * DELTAS_PER_WRITE).join(''),
  )
  const delta = { stop_reason: 'end_turn', stop_sequence: null }
  const opened = [
    event(Object.assign({ type: 'message_start' }, { message: started })),
    event(Object.assign({ type: 'content_block_start' }, { index, content_block: block })),
  ]
  const closed = [
    event(Object.assign({ type: 'content_block_stop' }, { index })),
    event(Object.assign({ type: 'message_delta' }, { delta, usage: { output_tokens: 200 } })),
    event({ type: 'message_stop' }),
  ]
  return [opened.join(''), ...groups, closed.join('')].map((text) => Buffer.from(text))
}

function stream(response: ServerResponse, at = 0): void {
  const piece = writes[at]
  if (piece === undefined) return void response.end()
  response.write(piece)
  setImmediate(stream, response, at + 1)
}

const [certFile = '', keyFile = ''] = process.argv.slice(2)
const server = createServer(
  { cert: readFileSync(certFile), key: readFileSync(keyFile), keepAliveTimeout: 60_000 },
  (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      // a gateway may have written the fields in another order
      const isStream = Buffer.concat(chunks).includes('"stream":true')
      if (!isStream) return void response.writeHead(200, jsonHead).end(json)
      response.writeHead(200, streamHead)
      stream(response)
    })
  },
)
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready ${JSON.stringify(server.address())}\n`)
})
// gone with its parent, however that ends
process.stdin.on('close', () => process.exit(0)).resume()
