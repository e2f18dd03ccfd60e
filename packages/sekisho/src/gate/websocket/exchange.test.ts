import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import http from 'node:http'
import type net from 'node:net'
import type tls from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import type { PolicyRule } from '../../wire/policy.ts'
import { closed } from '../testing/rig.ts'
import {
  CREDENTIAL,
  HOST,
  NOTHING_LEAKED,
  PLACEHOLDER,
  REAL,
  rule,
  Scene,
} from '../testing/scene.ts'
import { FrameReader, type Message, writeFrame } from './frames.ts'

const open: http.Server[] = []
let scene: Scene
afterEach(async () => {
  await scene.close()
  for (const server of open.splice(0)) server.closeAllConnections()
})

const KEY = Buffer.from('0123456789abcdef').toString('base64')
const WS = rule({ id: 'ws', scheme: 'http', port: 80, options: { websocket: true } })
/** made up, and only whole when it runs */
const TOKEN = ['glpat', '-A1b2C3d4E5f6G7h8J9k0'].join('')

type Upstream = { seen: Message[]; heads: http.IncomingHttpHeaders[]; port: number }

/** Answers each message with `echo ` and the same. */
async function startUpstream(): Promise<Upstream> {
  const upstream: Upstream = { seen: [], heads: [], port: 0 }
  const server = http.createServer((_request, response) => response.writeHead(404).end())
  open.push(server)
  server.on('upgrade', (request, socket) => {
    upstream.heads.push(request.headers)
    if (request.url === '/no') return void socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
    const key = request.headers['sec-websocket-key'] ?? ''
    socket.on('error', () => undefined)
    socket.write(
      `HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(key)}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`,
    )
    answer(socket, upstream, request.headers.authorization ?? '')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  upstream.port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return upstream
}

function answer(socket: Duplex, upstream: Upstream, authorization: string): void {
  const reader = new FrameReader('client', 1e6)
  socket.on('data', (piece: Buffer) => {
    for (const message of reader.push(piece)) {
      upstream.seen.push(message)
      if (message.type === 'close') return void socket.end(writeFrame(message, undefined))
      const payload = Buffer.concat([Buffer.from(`echo ${authorization} `), message.payload])
      if (message.type === 'text') socket.write(writeFrame({ type: 'text', payload }, undefined))
    }
  })
}

function accept(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

async function start(rules: PolicyRule[], upstream: Upstream): Promise<Scene> {
  scene = await Scene.start({
    rules,
    credentials: [{ ...CREDENTIAL, port: 80 }],
    hasUpstreams: false,
    more: [{ host: HOST, port: 80, address: '127.0.0.1', dialPort: upstream.port, caPem: null }],
  })
  return scene
}

type Client = { socket: net.Socket | tls.TLSSocket; head: string; next(): Promise<Message> }

async function connect(path = '/chat', ...fields: string[]): Promise<Client> {
  const { rig } = scene
  const socket = await rig.dial(await rig.resolve(HOST), 80)
  socket.write(
    `${[`GET ${path} HTTP/1.1`, `Host: ${HOST}`, 'Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${KEY}`, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Extensions: permessage-deflate', ...fields].join('\r\n')}\r\n\r\n`,
  )
  const [first] = await once(socket, 'data')
  const end = first.indexOf('\r\n\r\n')
  const reader = new FrameReader('server', 1e6)
  const isSwitched = first.subarray(0, 12).toString() === 'HTTP/1.1 101'
  const messages: Message[] = isSwitched ? reader.push(first.subarray(end + 4)) : []
  const waiting: (() => void)[] = []
  socket.on('data', (piece: Buffer) => {
    if (isSwitched) messages.push(...reader.push(piece))
    for (const wake of waiting.splice(0)) wake()
  })
  const next = async (): Promise<Message> => {
    for (;;) {
      const message = messages.shift()
      if (message !== undefined) return message
      await new Promise<void>((resolve) => void waiting.push(resolve))
    }
  }
  return { socket, head: first.subarray(0, end).toString('latin1'), next }
}

const text = (payload: string): Buffer =>
  writeFrame({ type: 'text', payload: Buffer.from(payload) }, randomBytes(4))

test('messages pass both ways, after a handshake that is recorded as a request', async () => {
  const upstream = await startUpstream()
  const { rig } = await start([WS], upstream)
  const client = await connect()
  expect(client.head).toMatch(/^HTTP\/1\.1 101 /)
  expect(client.head).toContain(`Sec-WebSocket-Accept: ${accept(KEY)}`)
  expect(client.head).toContain('Sec-WebSocket-Protocol: chat')
  client.socket.write(text('hello'))
  expect(await client.next()).toEqual({ type: 'text', payload: Buffer.from('echo  hello') })
  client.socket.write(writeFrame({ type: 'close', payload: Buffer.alloc(0) }, randomBytes(4)))
  expect((await client.next()).type).toBe('close')
  await closed(client.socket)
  expect(upstream.heads[0]?.['sec-websocket-extensions']).toBeUndefined()
  await rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(rig.keyholder.intents().at(-1)).toMatchObject({
    action: { kind: 'http.request', method: 'GET', path: '/chat', upgrade: 'websocket' },
    verdict: { kind: 'allow', rules: ['ws'] },
  })
  expect(rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({ kind: 'performed', status: 101 })
})

test('a credential goes with the handshake, and its echo in a message is scrubbed', async () => {
  const upstream = await startUpstream()
  const { rig } = await start([WS], upstream)
  const client = await connect('/chat', `Authorization: Bearer ${PLACEHOLDER}`)
  client.socket.write(text('hello'))
  const { payload } = await client.next()
  expect(upstream.heads[0]?.authorization).toBe(`Bearer ${REAL}`)
  expect(payload.toString()).toMatch(/^echo Bearer \[sekisho:scrubbed\]\*+ hello$/)
  expect(JSON.stringify(rig.keyholder.leaves)).not.toContain(REAL)
})

test.for([
  ['in a message', [text(`{"x":"${TOKEN}"}`)]],
  ['over two messages', [text(TOKEN.slice(0, 11)), text(TOKEN.slice(11))]],
  ['in a ping', [writeFrame({ type: 'ping', payload: Buffer.from(TOKEN) }, randomBytes(4))]],
  ['in binary', [writeFrame({ type: 'binary', payload: Buffer.from(TOKEN) }, randomBytes(4))]],
  [
    'over fragments',
    [
      Buffer.from([0x01, 0x85, 0, 0, 0, 0, ...Buffer.from(TOKEN.slice(0, 5))]),
      Buffer.from([0x80, 0x80 + TOKEN.length - 5, 0, 0, 0, 0, ...Buffer.from(TOKEN.slice(5))]),
    ],
  ],
] as const)('a secret %s is denied, recorded, and does not arrive', async ([, frames]) => {
  const upstream = await startUpstream()
  const { rig } = await start([WS], upstream)
  const client = await connect()
  for (const frame of frames) client.socket.write(frame)
  let message = await client.next()
  while (message.type !== 'close') message = await client.next()
  expect(message.payload.readUInt16BE(0)).toBe(1008)
  await closed(client.socket)
  await rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(rig.keyholder.deniedBy()).toEqual(['detect.secret.gitlab-pat'])
  expect(rig.keyholder.intents().at(-1)).toMatchObject({
    action: { kind: 'ws.message', host: HOST, port: 80, path: '/chat' },
    findings: [{ detector: 'secret.gitlab-pat', place: 'message', did: 'denied' }],
  })
  const arrived = upstream.seen.map(({ payload }) => payload.toString()).join('')
  expect(arrived).not.toContain(TOKEN)
  expect(JSON.stringify(rig.keyholder.leaves)).not.toContain(TOKEN)
})

test('a rule that does not name WebSockets opens none: 426, recorded, no byte outside', async () => {
  const upstream = await startUpstream()
  const { rig } = await start([rule({ scheme: 'http', port: 80 })], upstream)
  const { head } = await connect()
  expect(head).toMatch(/^HTTP\/1\.1 426 /)
  expect(rig.keyholder.deniedBy()).toEqual(['invariant.upgrade'])
  expect(upstream.heads).toEqual([])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('an upstream that speaks no WebSocket is told by its status', async () => {
  const upstream = await startUpstream()
  await start([WS], upstream)
  const { head } = await connect('/no')
  expect(head).toMatch(/^HTTP\/1\.1 404 /)
})

test.for([
  ['frames without a mask', Buffer.from([0x81, 1, 0x61])],
  ['a reserved bit', Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0x61])],
  ['text that is no UTF-8', Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff])],
  ['a continuation of nothing', Buffer.from([0x80, 0x81, 0, 0, 0, 0, 0x61])],
] as const)('%s: closed as a protocol error, nothing passed on', async ([, frame]) => {
  const upstream = await startUpstream()
  const { rig } = await start([WS], upstream)
  const client = await connect()
  client.socket.write(frame)
  const message = await client.next()
  expect([message.type, message.payload.readUInt16BE(0)]).toEqual(['close', 1002])
  await closed(client.socket)
  await rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(rig.keyholder.deniedBy()).toEqual(['invariant.websocket-malformed'])
  expect(rig.keyholder.outcomes().at(-1)?.outcome.kind).toBe('failed')
  expect(upstream.seen).toEqual([])
})
