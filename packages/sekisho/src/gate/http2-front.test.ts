import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { deciding } from '../flow/testing/deciding.ts'
import type { Action } from '../core/action.ts'
import { deny } from '../core/verdict.ts'
import type { CheckpointPorts } from '../flow/ports.ts'
import { Counters } from './counters.ts'
import { Http2Front } from './http2-front.ts'
import { FRAME } from './http2-frames.ts'
import { RateBound } from './rate-bound.ts'
import type { Arrival } from './request-path.ts'
import { DenialLog } from './session-context.ts'
import { SyntheticNames } from './synthetic-names.ts'
import * as wire from './testing/http2-frames.ts'
import { Http2Scene } from './testing/http2-scene.ts'
import { closed } from './testing/rig.ts'
import { HOST } from './testing/scene.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanUp.splice(0)) await clean()
})

const ROUTE = { scheme: 'http', host: 'a.example', port: 80 } as const
const DIALLED = {
  kind: 'net.connect',
  transport: 'tcp',
  address: '198.18.0.1',
  port: 80,
  host: 'a.example',
} as const

/** A front whose requests are answered by the test, on a connection of its own. */
async function front(
  handle: (arrival: Arrival) => void,
  timeouts: { idleMs: number; quietMs: number; stallMs: number },
): Promise<{ client: net.Socket; denied: { action: Action; rules: readonly string[] }[] }> {
  const denied: { action: Action; rules: readonly string[] }[] = []
  const ports: CheckpointPorts = {
    ...deciding(() => deny('default', 'not asked')),
    recorder: {
      intent: ({ action, verdict }) => {
        denied.push({ action, rules: verdict.rules })
        return Promise.resolve(new Map())
      },
      outcome: () => Promise.resolve(),
    },
    resolver: { pin: () => Promise.reject(new Error('not asked')) },
    newId: () => 'id',
    outcomeLost: (error) => {
      throw error
    },
  }
  const policy = {
    decide: ports.decide,
    mayReach: () => true,
    isPort: () => 'http' as const,
    optionsFor: () => ({}),
    openingOptions: () => ({}),
  }
  const now = (): number => Date.now()
  const context = { policy, names: new SyntheticNames(), counters: new Counters(), ports, now }
  const denials = new DenialLog(context, new RateBound(200, now))
  const path = { handle: (arrival: Arrival) => Promise.resolve(handle(arrival)) }
  const made = new Http2Front(context, { path, denials }, timeouts)
  const server = net.createServer((socket) => made.accept(socket, ROUTE, DIALLED))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = net.connect(port, '127.0.0.1')
  client.on('error', () => undefined) // a reset is an end too
  await once(client, 'connect')
  cleanUp.push(
    () => client.destroy(),
    () => made.close(),
    () => server.close(),
  )
  return { client, denied }
}

const LONG = { idleMs: 60_000, quietMs: 60_000, stallMs: 60_000 }

test('an agent that asks and takes nothing is ended, with one record', async () => {
  const sinks: boolean[] = []
  const { client, denied } = await front(
    ({ sink }) => {
      sink.head(200, '', [])
      sinks.push(sink.write(Buffer.alloc(1_000_000)))
    },
    { ...LONG, stallMs: 30 },
  )
  client.resume()
  client.write(Buffer.concat([wire.PREFACE, wire.frame(FRAME.settings)]))
  const get = wire.fields(
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a.example'],
    [':path', '/'],
  )
  for (let stream = 1; stream < 100; stream += 2) client.write(wire.headers(stream, get))
  await closed(client)
  expect(sinks).toContain(false)
  expect(denied).toEqual([{ action: DIALLED, rules: ['invariant.http2-abuse'] }])
})

test('a connection on which nothing is asked is ended, and one that says nothing', async () => {
  for (const bytes of [
    '',
    wire.PREFACE,
    Buffer.concat([wire.PREFACE, wire.frame(FRAME.settings)]),
  ]) {
    const { client, denied } = await front(() => undefined, { ...LONG, idleMs: 20 })
    client.resume()
    client.write(bytes)
    await closed(client)
    expect(denied).toEqual([])
  }
})

test('a connection on which nothing moves is ended, whatever is under way', async () => {
  const { client } = await front(() => undefined, { ...LONG, idleMs: 10, quietMs: 40 })
  const session = http2.connect('http://a.example', { createConnection: () => client })
  session.on('error', () => undefined) // what is waited for
  session.request({ ':path': '/', ':method': 'POST' }).on('error', () => undefined)
  await closed(client)
})

test('who has asked and waits for an answer is waited with, however long that takes', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  cleanUp.push(() => vi.useRealTimers())
  const asked = Promise.withResolvers<Arrival>()
  const short = { ...LONG, idleMs: 10, quietMs: 40 }
  const { client } = await front((arrival) => asked.resolve(arrival), short)
  const session = http2.connect('http://a.example', { createConnection: () => client })
  const request = session.request({ ':path': '/', ':method': 'POST' })
  request.end('all that I say')
  const { sink, body } = await asked.promise
  body.resume()
  await once(body, 'end')
  vi.advanceTimersByTime(100 * short.quietMs)
  sink.head(200, '', [])
  sink.end('yes')
  const [head] = await once(request, 'response')
  expect(head[':status']).toBe(200)
  session.destroy()
})

test('a head that never ends is cut off', async () => {
  const { client } = await front(() => undefined, { ...LONG, idleMs: 20 })
  client.resume()
  client.write(
    Buffer.concat([
      wire.PREFACE,
      wire.frame(FRAME.settings),
      wire.headers(1, wire.fields([':method', 'GET']), 0),
    ]),
  )
  await closed(client)
})

test('of more requests than are agreed, a hundred are under way', async () => {
  const scene = await Http2Scene.start()
  cleanUp.push(() => scene.close())
  const socket = await scene.rig.dialTls(HOST, { ALPNProtocols: ['h2'] })
  socket.resume()
  scene.outside.onHead = () => undefined // never answers
  const requests = Array.from({ length: 300 }, (_, index) =>
    wire.headers(2 * index + 1, wire.request(HOST)),
  )
  socket.write(Buffer.concat([wire.PREFACE, wire.frame(FRAME.settings), ...requests]))
  await scene.rig.keyholder.until((keyholder) => keyholder.intents().length === 101)
  await expect.poll(() => scene.outside.heads).toBe(100)
})

test('a client that goes on sending malformed requests is ended', async () => {
  const scene = await Http2Scene.start()
  cleanUp.push(() => scene.close())
  const socket = await scene.rig.dialTls(HOST, { ALPNProtocols: ['h2'] })
  socket.resume()
  const requests = Array.from({ length: 60 }, (_, index) =>
    wire.headers(2 * index + 1, wire.request('evil.example')),
  )
  socket.write(Buffer.concat([wire.PREFACE, wire.frame(FRAME.settings), ...requests]))
  await closed(socket)
  const { keyholder } = scene.rig
  await keyholder.until(() => keyholder.deniedBy().includes('invariant.http2-abuse'))
  expect(scene.outside.leaked).toEqual({ connections: 0, bytes: 0 })
})

test('trailers of a request go nowhere, and are recorded', async () => {
  const scene = await Http2Scene.start()
  cleanUp.push(() => scene.close())
  const session = await scene.connect()
  const stream = session.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true })
  stream.on('error', () => undefined) // it is reset
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-secret': 'of the session' }))
  stream.end('body')
  const { keyholder } = scene.rig
  await keyholder.until(() => keyholder.deniedBy().includes('invariant.trailers'))
  expect(scene.outside.requests.flatMap(({ trailers }) => trailers)).toEqual([])
})

test('HTTP/2 without TLS is refused and recorded', async () => {
  const scene = await Http2Scene.start({
    rules: [
      {
        id: 'plain',
        effect: 'allow',
        scheme: 'http',
        host: HOST,
        port: 80,
        methods: [],
        paths: [],
      },
    ],
  })
  cleanUp.push(() => scene.close())
  const socket = await scene.rig.dial(await scene.rig.resolve(HOST), 80)
  socket.resume()
  socket.write(
    Buffer.concat([wire.PREFACE, wire.frame(FRAME.settings), wire.headers(1, wire.request(HOST))]),
  )
  await closed(socket)
  const { keyholder } = scene.rig
  await keyholder.until(() => keyholder.deniedBy().length > 0)
  expect(keyholder.deniedBy()).toEqual(['invariant.http-malformed'])
  expect(scene.outside.leaked).toEqual({ connections: 0, bytes: 0 })
})
