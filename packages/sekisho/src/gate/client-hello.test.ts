import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readClientHello } from './client-hello.ts'

async function realHello(options: tls.ConnectionOptions): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = tls.connect({ ...options, host: '127.0.0.1', port })
  client.on('error', () => undefined) // the server hangs up without a word
  const [socket] = await once(server, 'connection')
  const [bytes] = await once(socket, 'data')
  socket.destroy()
  server.close()
  client.destroy()
  return bytes
}

const extension = (type: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(data.length, 2)
  return Buffer.concat([head, data])
}

const sized = (length: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(length)
  head.writeUIntBE(data.length, 0, length)
  return Buffer.concat([head, data])
}

const nameList = (...names: string[]): Buffer =>
  sized(
    2,
    Buffer.concat(
      names.map((name) => Buffer.concat([Buffer.from([0]), sized(2, Buffer.from(name))])),
    ),
  )

function helloWith(...extensions: Buffer[]): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    sized(1, Buffer.alloc(0)),
    sized(2, Buffer.from([0x13, 1])),
    sized(1, Buffer.from([0])),
    sized(2, Buffer.concat(extensions)),
  ])
  return record(Buffer.concat([Buffer.from([1]), sized(3, body)]))
}

const record = (data: Buffer): Buffer => Buffer.concat([Buffer.from([22, 3, 1]), sized(2, data)])

test('reads what OpenSSL sends', async () => {
  const bytes = await realHello({
    servername: 'API.example.com',
    ALPNProtocols: ['h2', 'http/1.1'],
  })
  expect(readClientHello(bytes)).toEqual({
    kind: 'hello',
    hello: { serverName: 'API.example.com', hasEch: false, protocols: ['h2', 'http/1.1'] },
  })
})

test('a client without a name or protocols has neither', async () => {
  expect(readClientHello(await realHello({ servername: '' }))).toEqual({
    kind: 'hello',
    hello: { serverName: undefined, hasEch: false, protocols: [] },
  })
})

test('every beginning of a hello asks for more', () => {
  const bytes = helloWith(extension(0, nameList('a.example')))
  for (let length = 0; length < bytes.length; length++) {
    expect(readClientHello(bytes.subarray(0, length))).toEqual({ kind: 'more' })
  }
})

test('a hello in several records is put together', () => {
  const whole = helloWith(extension(0, nameList('a.example'))).subarray(5)
  const split = Buffer.concat([record(whole.subarray(0, 3)), record(whole.subarray(3))])
  expect(readClientHello(split)).toEqual({
    kind: 'hello',
    hello: { serverName: 'a.example', hasEch: false, protocols: [] },
  })
})

test('an encrypted hello is noticed', () => {
  const read = readClientHello(helloWith(extension(0xfe0d, Buffer.from([1]))))
  expect(read).toEqual({
    kind: 'hello',
    hello: { serverName: undefined, hasEch: true, protocols: [] },
  })
})

test.for([
  ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
  ['SSL 2', Buffer.from([0x80, 0x2e, 1, 3, 1])],
  ['another handshake message', record(Buffer.from([2, 0, 0, 0]))],
  ['an empty record', record(Buffer.alloc(0))],
  ['two server names', helloWith(extension(0, nameList('a.example', 'b.example')))],
  [
    'two server name extensions',
    helloWith(extension(0, nameList('a')), extension(0, nameList('b'))),
  ],
  ['a name longer than its list', helloWith(extension(0, Buffer.from([0, 4, 0, 0, 9, 97])))],
  ['a length of megabytes', record(Buffer.from([1, 0xff, 0xff, 0xff]))],
] as const)('%s is malformed', ([, bytes]) => {
  expect(readClientHello(bytes).kind).toBe('malformed')
})

test('no bytes make it throw', () => {
  const good = helloWith(
    extension(0, nameList('a.example')),
    extension(16, sized(2, sized(1, Buffer.from('h2')))),
  )
  const bent = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
    const copy = Buffer.from(good)
    copy[at] = byte
    return copy
  })
  fc.assert(
    fc.property(
      fc.oneof(
        bent,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        expect(['hello', 'more', 'malformed']).toContain(readClientHello(bytes).kind)
      },
    ),
    { numRuns: 2000 },
  )
})
