import { once } from 'node:events'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { EgressProxy } from '../wire/egress.ts'
import { makeDialer } from './dialer.ts'
import { get, HOST, NOTHING_LEAKED, Scene } from './testing/scene.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Played = { port: number; asked: string[] }

/** A forward proxy that connects to `to` whatever it is asked for, or answers as it is told. */
async function startProxy(answer: (socket: net.Socket) => void): Promise<Played> {
  const played: Played = { port: 0, asked: [] }
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (head: Buffer) => {
      played.asked.push(head.toString('latin1'))
      answer(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  played.port = portOf(server)
  return played
}

const portOf = (server: net.Server): number => {
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

const connectTo =
  (port: number) =>
  (socket: net.Socket): void => {
    const upstream = net.connect(port, '127.0.0.1')
    upstream.on('error', () => undefined)
    socket.write('HTTP/1.1 200 OK\r\nVia: proxy\r\n\r\n')
    socket.pipe(upstream).pipe(socket)
  }

const proxyAt = (port: number, over: Partial<EgressProxy> = {}): EgressProxy => ({
  host: '127.0.0.1',
  port,
  resolve: 'here',
  except: [],
  ...over,
})

const pinned = { kind: 'pinned', address: '93.184.215.14', port: 443, caPem: null } as const

test('a proxy is told the address that was checked, not the name', async () => {
  const server = net.createServer((socket) => void socket.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const proxy = await startProxy(connectTo(portOf(server)))
  const socket = await makeDialer(proxyAt(proxy.port)).dial({ host: HOST, pinned })
  const said = once(socket, 'data')
  socket.resume()
  expect(String(await said)).toBe('hello')
  expect(proxy.asked).toEqual([
    'CONNECT 93.184.215.14:443 HTTP/1.1\r\nHost: 93.184.215.14:443\r\n\r\n',
  ])
  socket.destroy()
})

test('an IPv6 address stands in brackets', async () => {
  const proxy = await startProxy((socket) => void socket.end('HTTP/1.1 403 No\r\n\r\n'))
  const to = { host: HOST, pinned: { ...pinned, address: '2606:2800:21f::1' } }
  await expect(makeDialer(proxyAt(proxy.port)).dial(to)).rejects.toThrow('403')
  expect(proxy.asked[0]).toMatch(/^CONNECT \[2606:2800:21f::1\]:443 /)
})

test.for([
  ['refuses', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', '407'],
  ['hangs up', '', 'hung up'],
  ['speaks something else', 'SSH-2.0-OpenSSH_9\r\n\r\n', 'refused'],
  ['talks without an end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`, 'without an end'],
] as const)('a proxy that %s is an upstream that failed', async ([, said, message]) => {
  const proxy = await startProxy((socket) => void socket.end(said))
  await expect(makeDialer(proxyAt(proxy.port)).dial({ host: HOST, pinned })).rejects.toMatchObject({
    code: 'UPSTREAM_FAILED',
    message: expect.stringContaining(message),
  })
})

test('a request goes through the proxy, and its upstream is verified by name', async () => {
  const outside = await Scene.start()
  closing.push(() => outside.close())
  const proxy = await startProxy(connectTo(outside.canary.port))
  const scene = await Scene.start({
    hasUpstreams: false,
    lookup: () => Promise.resolve(['93.184.215.14']),
    egress: { proxy: proxyAt(proxy.port) },
  })
  closing.push(() => scene.close())
  // the certificate is of the tests' own authority, which the system does not trust
  expect(await scene.rig.send(HOST, get('/x'))).toMatch(/^HTTP\/1\.1 502 /)
  expect(proxy.asked[0]).toMatch(/^CONNECT 93\.184\.215\.14:443 /)
  expect(outside.canary.requests).toEqual([])
})

test('a name that leads to a private address is not asked of the proxy', async () => {
  const proxy = await startProxy((socket) => void socket.end())
  const scene = await Scene.start({
    hasUpstreams: false,
    lookup: () => Promise.resolve(['10.0.0.1']),
    egress: { proxy: proxyAt(proxy.port) },
  })
  closing.push(() => scene.close())
  expect(await scene.rig.send(HOST, get('/x'))).toMatch(/^HTTP\/1\.1 403 /)
  expect(scene.rig.keyholder.intents().at(-1)?.verdict.kind).toBe('allow') // decided before it resolves
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(scene.rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({ kind: 'refused' })
  expect(proxy.asked).toEqual([])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('where the file lets the proxy resolve, it is told the name, and nobody here asks for it', async () => {
  const proxy = await startProxy((socket) => void socket.end('HTTP/1.1 403 No\r\n\r\n'))
  const asked: string[] = []
  const scene = await Scene.start({
    hasUpstreams: false,
    lookup: (host) => {
      asked.push(host)
      return Promise.resolve(['93.184.215.14'])
    },
    egress: { proxy: proxyAt(proxy.port, { resolve: 'proxy' }) },
  })
  closing.push(() => scene.close())
  expect(await scene.rig.send(HOST, get('/x'))).toMatch(/^HTTP\/1\.1 502 /)
  expect(proxy.asked[0]).toMatch(new RegExp(`^CONNECT ${HOST}:443 `))
  expect(asked).toEqual([])
})
