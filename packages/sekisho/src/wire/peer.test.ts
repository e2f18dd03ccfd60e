import { once } from 'node:events'
import net from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { SekishoError } from '../core/error.ts'
import { type Handle, Peer, type Transport } from './peer.ts'
import { socketTransport } from './transport.ts'

const protocol = {
  double: { params: z.strictObject({ n: z.int() }), result: z.strictObject({ n: z.int() }) },
  hang: { params: z.strictObject({}), result: z.strictObject({}) },
} as const

type Served = Peer<Record<never, never>, typeof protocol>
type Asking = Peer<typeof protocol>

afterEach(() => void vi.useRealTimers())

/** A client and what serves it, over two ends of a stream. */
function pair(double: (n: number) => number | Promise<number> = (n) => 2 * n): {
  client: Asking
  server: Served
} {
  const [near, far] = duplexPair()
  const client: Asking = new Peer('server', socketTransport(near), {
    out: protocol,
    in: {},
    handlers: {},
  })
  const server: Served = new Peer('client', socketTransport(far), {
    out: {},
    in: protocol,
    handlers: {
      double: async ({ n }) => ({ n: await double(n) }),
      hang: () => new Promise(() => undefined),
    },
  })
  return { client, server }
}

/** One end as a peer, the other to speak wrongly with. */
function served(): { raw: Transport; stream: Duplex; server: Served; closed: Promise<unknown> } {
  const [near, far] = duplexPair()
  const server: Served = new Peer('client', socketTransport(far), {
    out: {},
    in: protocol,
    handlers: { double: ({ n }) => ({ n: 2 * n }), hang: () => new Promise(() => undefined) },
  })
  const closed = new Promise((resolve) => server.onClose(resolve))
  return { raw: socketTransport(near), stream: near, server, closed }
}

test('calls at the same time each get their own answer, in any order', async () => {
  const gates = new Map<number, () => void>()
  const { client } = pair((n) => new Promise((resolve) => gates.set(n, () => resolve(2 * n))))
  const answers = [1, 2, 3].map((n) => client.call('double', { n }))
  await expect.poll(() => gates.size).toBe(3)
  for (const n of [3, 1, 2]) gates.get(n)?.()
  expect(await Promise.all(answers)).toEqual([{ n: 2 }, { n: 4 }, { n: 6 }])
})

test('an error of the other side arrives with its code and hint, and without its cause', async () => {
  const { client, server } = pair(() => {
    const cause = new Error('a secret detail')
    throw new SekishoError('LOG_UNWRITABLE', 'no space', { hint: 'make some', cause })
  })
  const error: unknown = await client.call('double', { n: 1 }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'LOG_UNWRITABLE', message: 'no space', hint: 'make some' })
  expect(error).not.toHaveProperty('cause')
  expect([client.closed, server.closed]).toEqual([false, false])
})

test('an error of an unknown kind arrives as INTERNAL', async () => {
  const { client } = pair(() => {
    throw new TypeError('a bug')
  })
  await expect(client.call('double', { n: 1 })).rejects.toMatchObject({
    code: 'INTERNAL',
    message: 'a bug',
    hint: undefined,
  })
})

test('no answer in time is TIMEOUT; one that comes later changes nothing', async () => {
  const question = Promise.withResolvers<number>()
  const { client } = pair(() => question.promise)
  vi.useFakeTimers()
  const refused = expect(client.call('double', { n: 1 }, { timeoutMs: 500 })).rejects.toMatchObject(
    {
      code: 'TIMEOUT',
      message: 'server: no answer to double in 500 ms',
    },
  )
  await vi.advanceTimersByTimeAsync(500)
  await refused
  vi.useRealTimers()
  question.resolve(2)
  expect(await client.call('double', { n: 1 })).toEqual({ n: 2 })
  expect(client.closed).toBe(false)
})

test('calls that wait have one timer, and each its own time', async () => {
  const { client } = pair()
  vi.useFakeTimers()
  const ended: string[] = []
  const asked = [900, 300, Number.POSITIVE_INFINITY, 600].map((timeoutMs) =>
    client.call('hang', {}, { timeoutMs }).catch((error: SekishoError) => {
      ended.push(`${error.code} ${timeoutMs}`)
    }),
  )
  expect(vi.getTimerCount()).toBe(1)
  await vi.advanceTimersByTimeAsync(299)
  expect(ended).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(ended).toEqual(['TIMEOUT 300'])
  await vi.advanceTimersByTimeAsync(600)
  expect(ended).toEqual(['TIMEOUT 300', 'TIMEOUT 600', 'TIMEOUT 900'])
  expect(vi.getTimerCount()).toBe(0)
  client.close()
  await Promise.all(asked)
  expect(ended.at(-1)).toBe('PEER_UNAVAILABLE Infinity')
})

test('a call that may take for ever has no timer', () => {
  const { client } = pair()
  vi.useFakeTimers()
  const call = client.call('hang', {}, { timeoutMs: Number.POSITIVE_INFINITY })
  expect(vi.getTimerCount()).toBe(0)
  const gone = expect(call).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' })
  client.close()
  return gone
})

test('the end of the other side rejects whatever waits, and every later call', async () => {
  const listener = net.createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has no other kind
  const { port } = listener.address() as net.AddressInfo
  const socket = net.connect(port, '127.0.0.1')
  const [other] = await once(listener, 'connection')
  const client: Asking = new Peer('server', socketTransport(socket), {
    out: protocol,
    in: {},
    handlers: {},
  })
  const waiting = Promise.allSettled([client.call('hang', {}), client.call('hang', {})])
  const closed = new Promise((resolve) => client.onClose(resolve))
  other.destroy()
  const gone = { code: 'PEER_UNAVAILABLE', message: 'server is not there' }
  expect(await waiting).toMatchObject([{ reason: gone }, { reason: gone }])
  await closed
  await expect(client.call('double', { n: 1 })).rejects.toMatchObject(gone)
  listener.close()
})

test('a peer that stops answering cannot fill memory: call 4,097 is refused', async () => {
  const { client } = pair()
  const waiting = Array.from({ length: 4096 }, () => client.call('hang', {}))
  await expect(client.call('double', { n: 1 })).rejects.toMatchObject({
    code: 'PEER_UNAVAILABLE',
    message: 'server: too many calls in flight',
  })
  client.close()
  const ends = await Promise.allSettled(waiting)
  expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
})

test('a reply of another shape fails its call and closes the channel', async () => {
  const [near, far] = duplexPair()
  const raw = socketTransport(far)
  const client: Asking = new Peer('server', socketTransport(near), {
    out: protocol,
    in: {},
    handlers: {},
  })
  const calls = [client.call('hang', {}), client.call('double', { n: 1 })]
  raw.send({ id: 2, result: { n: 'two' } })
  expect(await Promise.allSettled(calls)).toMatchObject([
    { reason: { code: 'PEER_UNAVAILABLE', cause: { code: 'PROTOCOL_VIOLATION' } } },
    { reason: { code: 'PROTOCOL_VIOLATION', message: 'server: bad reply to double' } },
  ])
  expect(client.closed).toBe(true)
})

test.for([
  ['a method that is not in the protocol', { id: 1, method: 'stop', params: {} }, 'method stop'],
  ['a method of every object', { id: 1, method: 'toString' }, 'method toString'],
  ['a method that is no text', { id: 1, method: ['double'] }, 'bad parameters of double'],
  ['parameters of another type', { id: 1, method: 'double', params: { n: '1' } }, 'bad parameters'],
  ['a parameter more', { id: 1, method: 'double', params: { n: 1, m: 2 } }, 'bad parameters'],
  ['no parameters', { id: 1, method: 'hang' }, 'bad parameters of hang'],
  ['no id', { method: 'double', params: { n: 1 } }, 'a message without an id'],
  ['an id that is no number', { id: '1', method: 'hang', params: {} }, 'an id that is no number'],
  ['null', null, 'a message without an id'],
  ['a number', 7, 'a message without an id'],
] as const)('%s closes the channel', async ([, message, what]) => {
  const { raw, server, closed } = served()
  raw.send(message)
  expect(await closed).toMatchObject({
    code: 'PROTOCOL_VIOLATION',
    message: expect.stringContaining(`client sent ${what}`),
  })
  expect(server.closed).toBe(true)
})

test('bytes that are no JSON close the channel', async () => {
  const { stream, closed } = served()
  stream.write(Buffer.from([0, 0, 0, 3, 0x7b, 0x7b, 0x7b]))
  expect(await closed).toMatchObject({
    code: 'PROTOCOL_VIOLATION',
    message: 'a frame that is not JSON',
  })
})

test('an answer to nothing is passed over', async () => {
  const { raw, stream, server } = served()
  const answers: unknown[] = []
  raw.onMessage((message) => void answers.push(message))
  raw.send({ id: 99, result: {} })
  raw.send({ id: 5, method: 'double', params: { n: 21 } })
  await once(stream, 'data')
  expect(answers).toEqual([{ id: 5, result: { n: 42 } }])
  expect(server.closed).toBe(false)
})

test('what is handed over beside a message reaches the handler, and a second close says nothing', async () => {
  let receive: (message: unknown, handle: Handle) => void = () => undefined
  let close: (cause: Error | undefined) => void = () => undefined
  const transport: Transport = {
    send: () => undefined,
    onMessage: (to) => {
      receive = to
    },
    onClose: (to) => {
      close = to
    },
    close: () => undefined,
  }
  const handed: Handle[] = []
  const peer: Served = new Peer('client', transport, {
    out: {},
    in: protocol,
    handlers: {
      double: ({ n }) => ({ n }),
      hang: (_params, handle) => {
        handed.push(handle)
        return {}
      },
    },
  })
  const causes: unknown[] = []
  peer.onClose((cause) => void causes.push(cause))
  const socket = { fake: 'socket' }
  receive({ id: 1, method: 'hang', params: {} }, socket)
  expect(handed).toEqual([socket])
  close(undefined)
  close(new Error('again'))
  expect(causes).toEqual([undefined])
})
