import { once } from 'node:events'
import type http from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { ask, Http2Scene } from './testing/http2-scene.ts'
import { closed } from './testing/rig.ts'
import { HOST, rule, Scene } from './testing/scene.ts'

const MAX = 2
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
const UPGRADE = [
  'GET / HTTP/1.1',
  `Host: ${HOST}`,
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${Buffer.from('0123456789abcdef').toString('base64')}`,
  '',
  '',
].join('\r\n')

let scene: Scene | Http2Scene | undefined
afterEach(async () => scene?.close())

async function start(): Promise<Scene> {
  const rules = [rule({ options: { websocket: true } })]
  const started = await Scene.start({ rules, maxTlsConnections: MAX })
  scene = started
  return started
}

async function asked(socket: TLSSocket): Promise<string> {
  socket.write(GET)
  const data: unknown[] = await once(socket, 'data')
  return String(data[0]).slice(0, 15)
}

test('above the number the oldest connection without a request is closed', async () => {
  const { rig } = await start()
  const first = await rig.dialTls(HOST)
  expect(await asked(first)).toBe('HTTP/1.1 200 OK')
  const second = await rig.dialTls(HOST)
  const third = await rig.dialTls(HOST)
  await closed(first)
  for (const socket of [second, third]) expect(await asked(socket)).toBe('HTTP/1.1 200 OK')
})

test.for([
  ['a request', GET, '200 OK'],
  ['an upgrade', UPGRADE, '502 Not a WebSocket'],
] as const)('the one with %s on it stays', async ([, text, status]) => {
  const { rig, canary } = await start()
  const arrived = Promise.withResolvers<http.ServerResponse>()
  canary.handler = (_, response) => arrived.resolve(response)
  const busy = await rig.dialTls(HOST)
  busy.write(text)
  const response = await arrived.promise
  const idle = await rig.dialTls(HOST)
  await rig.dialTls(HOST)
  await closed(idle)
  const answered = once(busy, 'data')
  response.end('late')
  const data: unknown[] = await answered
  expect(String(data[0]).split('\r\n')[0]).toBe(`HTTP/1.1 ${status}`)
})

test('over HTTP/2 the one with a stream stays, and the one without goes', async () => {
  const http2 = await Http2Scene.start({ maxTlsConnections: MAX })
  scene = http2
  const arrived = Promise.withResolvers<ServerHttp2Stream>()
  http2.outside.handler = (stream) => arrived.resolve(stream)
  const answer = ask(await http2.connect(), { ':path': '/' })
  const stream = await arrived.promise
  const idle = await http2.connect()
  await http2.connect()
  await once(idle, 'close')
  stream.respond({ ':status': 200 })
  stream.end('late')
  expect(await answer).toMatchObject({ status: 200, body: 'late', reset: 0 })
})
