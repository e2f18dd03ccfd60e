import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toolResultsSeen } from './anthropic-script.ts'
import { type ModelServer, startModelServer } from './model-server.ts'
import type { ToolCall, Turn } from './turn.ts'

const TURNS: readonly Turn[] = [
  { kind: 'shell', command: 'date' },
  { kind: 'text', text: 'It is late.' },
]
const shell = (command: string): ToolCall => {
  return { name: 'Bash', input: { command, description: 'A scripted step' } }
}
const TOOLS = [{ name: 'Bash' }]
const RESULT = {
  role: 'user',
  content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'Sunday' }] }],
}

let directory: string
let server: ModelServer

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-model-'))
  server = await startModelServer({ directory, provider: 'anthropic', turns: TURNS, shell })
})

afterAll(async () => {
  await server?.close()
  await rm(directory, { recursive: true, force: true })
})

test('the first turn streams a tool call whose input comes in two pieces', async () => {
  const reply = await ask({ stream: true, tools: TOOLS, messages: [] })
  const events = eventsOf(reply.body)
  const pieces = events.flatMap((event) => event['delta'] ?? [])
  expect(pieces.map((delta) => Reflect.get(Object(delta), 'partial_json')).join('')).toBe(
    JSON.stringify({ command: 'date', description: 'A scripted step' }),
  )
  expect(events.map(({ type }) => type)).toEqual([
    'message_start',
    'ping',
    'content_block_start',
    'content_block_delta',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ])
})

test('a request with the result of the tool gets the next turn, however often it is sent', async () => {
  for (const _ of [1, 2]) {
    const { body } = await ask({ tools: TOOLS, messages: [RESULT] })
    expect(JSON.parse(body)).toMatchObject({
      stop_reason: 'end_turn',
      content: [{ type: 'text', text: 'It is late.' }],
    })
  }
  expect(toolResultsSeen(server.requests)).toEqual(['Sunday'])
})

test('a compressed request is read as it was before', async () => {
  const { status } = await ask({ tools: TOOLS, messages: [] }, 'gzip')
  expect(status).toBe(200)
  const last = server.requests.at(-1)
  expect(last?.headers['content-encoding']).toBe('gzip')
  expect(JSON.parse(last?.body ?? '')).toEqual({ model: 'm', tools: TOOLS, messages: [] })
})

test('a call without tools is not a turn of the script', async () => {
  const { body } = await ask({ messages: [] })
  expect(JSON.parse(body)).toMatchObject({ content: [{ type: 'text', text: 'Done.' }] })
})

test('what is no Messages request is refused', async () => {
  expect(await ask({ messages: 'none' })).toMatchObject({ status: 400 })
})

test('an unknown endpoint is a 404 that is on record', async () => {
  const { status } = await ask({}, undefined, '/v2/elsewhere')
  expect(status).toBe(404)
  expect(server.requests.at(-1)).toMatchObject({ target: '/v2/elsewhere', status: 404 })
})

test('a body that grows above the limit when inflated is cut off and not on record', async () => {
  const before = server.requests.length
  const bomb = { messages: [], padding: 'x'.repeat(9 * 1024 * 1024) }
  await expect(ask(bomb, 'gzip')).rejects.toThrow('socket hang up')
  expect(server.requests).toHaveLength(before)
})

async function ask(
  body: object,
  coding?: 'gzip',
  path = '/v1/messages?beta=true',
): Promise<{ status: number; body: string }> {
  const json = Buffer.from(JSON.stringify({ model: 'm', ...body }))
  const outgoing = request({
    host: '127.0.0.1',
    port: server.port,
    servername: 'api.anthropic.com',
    ca: await readFile(server.caFile),
    method: 'POST',
    path,
    agent: false,
    headers: coding === undefined ? {} : { 'content-encoding': coding },
  })
  outgoing.end(coding === undefined ? json : gzipSync(json))
  const [reply]: IncomingMessage[] = await once(outgoing, 'response')
  if (reply === undefined) throw new Error('no reply')
  return { status: reply.statusCode ?? 0, body: await text(reply) }
}

function eventsOf(stream: string): Record<string, unknown>[] {
  return [...stream.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data))
}
