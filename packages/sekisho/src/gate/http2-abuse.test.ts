import { once } from 'node:events'
import type tls from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FRAME } from './http2-frames.ts'
import * as wire from './testing/http2-frames.ts'
import { ask, Http2Scene } from './testing/http2-scene.ts'
import { HOST } from './testing/scene.ts'

let scene: Http2Scene
beforeEach(async () => {
  scene = await Http2Scene.start()
})
afterEach(async () => scene.close())

async function begin(): Promise<tls.TLSSocket> {
  const socket = await scene.rig.dialTls(HOST, { ALPNProtocols: ['h2'] })
  socket.write(Buffer.concat([wire.PREFACE, wire.frame(FRAME.settings)]))
  return socket
}

const STREAM = (index: number): number => 2 * index + 1
const GET = wire.request(HOST)

type Flood = {
  name: string
  make: (index: number) => Buffer
  first?: Buffer
  /** what a request under way is denied for when its connection ends */
  alsoDenied?: string[]
}

const floods: Flood[] = [
  {
    name: 'rapid reset (CVE-2023-44487)',
    make: (index) =>
      Buffer.concat([
        wire.headers(STREAM(index), GET),
        wire.frame(FRAME.rstStream, { stream: STREAM(index), payload: wire.uint32(8) }),
      ]),
  },
  {
    name: 'a flood of SETTINGS (CVE-2019-9515)',
    make: () => wire.frame(FRAME.settings, { payload: Buffer.from([0, 4, 0, 1, 0, 0]) }),
  },
  {
    name: 'a flood of PING (CVE-2019-9512)',
    make: () => wire.frame(FRAME.ping, { payload: Buffer.alloc(8) }),
  },
  {
    name: 'a flood of empty DATA (CVE-2019-9518)',
    alsoDenied: ['invariant.body-incomplete'],
    first: wire.headers(
      1,
      wire.fields([':method', 'POST'], [':scheme', 'https'], [':authority', HOST], [':path', '/']),
      wire.END_HEADERS,
    ),
    make: () => wire.frame(FRAME.data, { stream: 1 }),
  },
  {
    name: 'a flood of PRIORITY (CVE-2019-9513)',
    make: (index) =>
      wire.frame(FRAME.priority, { stream: STREAM(index % 1000), payload: Buffer.alloc(5, 1) }),
  },
  {
    name: 'a flood of WINDOW_UPDATE',
    make: () => wire.frame(FRAME.windowUpdate, { payload: wire.uint32(1) }),
  },
  {
    name: 'a flood of CONTINUATION (CVE-2024-27316)',
    first: wire.headers(1, GET, 0),
    make: () => wire.frame(FRAME.continuation, { stream: 1, payload: wire.fields(['x-a', 'b']) }),
  },
  {
    name: 'a flood of frames of no known type',
    make: () => wire.frame(0xfa, { payload: Buffer.alloc(4) }),
  },
]

test.for(floods)(
  '$name ends the connection, with one record',
  async ({ make, first, alsoDenied = [] }) => {
    const socket = await begin()
    if (first !== undefined) socket.write(first)
    expect(await wire.flood(socket, make, { pieces: 200, perPiece: 100 })).toBe(true)
    const { keyholder } = scene.rig
    const denied = [...alsoDenied, 'invariant.http2-abuse']
    await keyholder.until(() => keyholder.deniedBy().length === denied.length)
    expect(keyholder.deniedBy().toSorted()).toEqual(denied)
    const other = await scene.connect()
    expect(await ask(other, { ':path': '/' })).toMatchObject({ status: 200, body: 'hello' })
    expect(keyholder.deniedBy()).toHaveLength(denied.length)
  },
)

const ends: { name: string; bytes: Buffer }[] = [
  {
    name: 'a frame above the size that was agreed',
    bytes: wire.frame(FRAME.data, { stream: 1, payload: Buffer.alloc(20_000) }),
  },
  {
    name: 'a window of more than 2^31-1',
    bytes: wire.frame(FRAME.windowUpdate, { payload: wire.uint32(0x7fff_ffff) }),
  },
  {
    name: 'a header block that is no HPACK',
    bytes: wire.headers(1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
  },
  {
    name: 'a header that names 16 MB',
    bytes: wire.headers(1, Buffer.from([0x00, 0x7f, 0x81, 0xff, 0xff, 0x07, 0x41])),
  },
  { name: 'DATA on no stream', bytes: wire.frame(FRAME.data, { payload: Buffer.alloc(3) }) },
  { name: 'a request on an even stream', bytes: wire.headers(2, GET) },
  {
    name: 'SETTINGS of a broken length',
    bytes: wire.frame(FRAME.settings, { payload: Buffer.alloc(5) }),
  },
  {
    name: 'a push by the client',
    bytes: wire.frame(FRAME.pushPromise, { stream: 1, flags: 4, payload: Buffer.alloc(8) }),
  },
]

test.for(ends)('$name ends the connection, with one record', async ({ bytes }) => {
  const socket = await begin()
  socket.resume()
  const closed = once(socket, 'close')
  socket.write(bytes)
  await closed
  const { keyholder } = scene.rig
  await keyholder.until(() => keyholder.deniedBy().length > 0)
  expect(keyholder.deniedBy()).toEqual(['invariant.http2-abuse'])
  expect(scene.outside.leaked).toEqual({ connections: 0, bytes: 0 })
})

test('bytes that are no HTTP/2 end the connection, with one record', async () => {
  const socket = await scene.rig.dialTls(HOST, { ALPNProtocols: ['h2'] })
  socket.resume()
  const closed = once(socket, 'close')
  socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
  await closed
  const { keyholder } = scene.rig
  await keyholder.until(() => keyholder.deniedBy().length > 0)
  expect(scene.rig.keyholder.deniedBy()).toEqual(['invariant.http2-abuse'])
})

const streams: { name: string; block: Buffer }[] = [
  {
    name: 'a bomb of a thousand fields',
    block: Buffer.concat([GET, ...Array.from({ length: 1000 }, () => wire.fields(['a', 'b']))]),
  },
  { name: 'a field of 60 KB by reference', block: bomb() },
  { name: 'two paths', block: Buffer.concat([GET, wire.fields([':path', '/b'])]) },
  {
    name: 'a pseudo-header field after others',
    block: wire.fields(
      [':method', 'GET'],
      [':scheme', 'https'],
      ['x', 'y'],
      [':authority', HOST],
      [':path', '/'],
    ),
  },
  {
    name: 'no path',
    block: wire.fields([':method', 'GET'], [':scheme', 'https'], [':authority', HOST]),
  },
  { name: 'an unknown pseudo-header field', block: Buffer.concat([GET, wire.fields([':x', '1'])]) },
  { name: 'a connection field', block: Buffer.concat([GET, wire.fields(['connection', 'close'])]) },
  { name: 'an upgrade', block: Buffer.concat([GET, wire.fields(['upgrade', 'h2c'])]) },
  {
    name: 'a transfer coding',
    block: Buffer.concat([GET, wire.fields(['transfer-encoding', 'chunked'])]),
  },
  { name: 'te besides trailers', block: Buffer.concat([GET, wire.fields(['te', 'gzip'])]) },
  {
    name: 'a length without a body',
    block: wire.fields(
      [':method', 'POST'],
      [':scheme', 'https'],
      [':authority', HOST],
      [':path', '/'],
      ['content-length', '5'],
    ),
  },
  {
    name: 'extended CONNECT',
    block: wire.fields(
      [':method', 'CONNECT'],
      [':protocol', 'websocket'],
      [':scheme', 'https'],
      [':authority', HOST],
      [':path', '/'],
    ),
  },
  {
    name: 'CONNECT',
    block: wire.fields([':method', 'CONNECT'], [':authority', 'evil.example:443']),
  },
  {
    name: 'TRACE',
    block: wire.fields(
      [':method', 'TRACE'],
      [':scheme', 'https'],
      [':authority', HOST],
      [':path', '/'],
    ),
  },
  {
    name: 'a Host beside another authority',
    block: Buffer.concat([GET, wire.fields(['host', 'evil.example'])]),
  },
  {
    name: 'two Hosts',
    block: Buffer.concat([GET, wire.fields(['host', HOST], ['host', 'evil.example'])]),
  },
  { name: 'another authority', block: wire.request('evil.example') },
  { name: 'userinfo in the authority', block: wire.request(`${HOST}@evil.example`) },
  {
    name: 'another scheme',
    block: wire.fields(
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', HOST],
      [':path', '/'],
    ),
  },
  { name: 'a path in absolute form', block: wire.request(HOST, 'https://evil.example/') },
  { name: 'dot segments', block: wire.request(HOST, '/a/%2e%2e/b') },
  {
    name: 'a method by a header',
    block: Buffer.concat([GET, wire.fields(['x-http-method-override', 'DELETE'])]),
  },
]

/** One long value in the table of the decoder, and then named again and again (HPACK bomb). */
function bomb(): Buffer {
  const value = 'v'.repeat(3000)
  const literal = wire.fields(['x', value])
  const indexed = Buffer.from(literal)
  indexed[0] = 0x40 // with indexing: entry 62 from here on
  return Buffer.concat([GET, indexed, Buffer.alloc(100, 0x80 + 62)])
}

test.for(streams)('$name: denied, recorded, nothing leaves', async ({ block }) => {
  const socket = await begin()
  socket.resume()
  socket.write(inPieces(1, block))
  const { keyholder } = scene.rig
  await keyholder.until(() => keyholder.deniedBy().length > 0)
  expect(keyholder.deniedBy()).toHaveLength(1)
  expect(keyholder.deniedBy()[0]).toMatch(/^invariant\./)
  expect(scene.outside.leaked).toEqual({ connections: 0, bytes: 0 })
})

function inPieces(stream: number, block: Buffer): Buffer {
  if (block.length < 16_000) return wire.headers(stream, block)
  const rest = block.subarray(16_000)
  return Buffer.concat([
    wire.headers(stream, block.subarray(0, 16_000), wire.END_STREAM),
    wire.frame(FRAME.continuation, { stream, flags: wire.END_HEADERS, payload: rest }),
  ])
}
