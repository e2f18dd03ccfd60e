import { once } from 'node:events'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { deciding } from '../flow/testing/deciding.ts'
import { deny } from '../core/verdict.ts'
import type { CheckpointPorts } from '../flow/ports.ts'
import { BudgetLedger } from '../policy/provenance/budget-ledger.ts'
import { Counters } from './counters.ts'
import { makeDialer } from './dialer.ts'
import { EgressMeter } from './egress-meter.ts'
import { HttpFront } from './http-front.ts'
import { HeldBytes } from './inspection/held-bytes.ts'
import { Inspector } from './inspection/inspector.ts'
import { peekClientHello } from './peek.ts'
import { Placeholders } from './placeholders.ts'
import { SyntheticNames } from './synthetic-names.ts'
import { closed } from './testing/rig.ts'
import { Turns } from './turns.ts'
import { Upstreams } from './upstream.ts'

const servers: net.Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function connected(take: (socket: net.Socket) => void): Promise<net.Socket> {
  const server = net.createServer(take).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  const client = net.connect(
    typeof address === 'object' && address !== null ? address.port : 0,
    '127.0.0.1',
  )
  await once(client, 'connect')
  client.on('error', () => undefined) // a reset is an end too
  return client
}

const ports: CheckpointPorts = {
  ...deciding(() => deny('default', 'nothing is allowed here')),
  recorder: { intent: () => Promise.resolve(new Map()), outcome: () => Promise.resolve() },
  resolver: { pin: () => Promise.reject(new Error('not asked')) },
  newId: () => 'id',
  outcomeLost: (error) => {
    throw error
  },
}

const NO_DETECTION = {
  scanBody: () => ({ push: () => [], end: () => [] }),
  scanText: () => [],
  foundIn: () => undefined,
}

type Made = { headersMs?: number; idleMs?: number; intent?: CheckpointPorts['recorder']['intent'] }

function makeFront({ headersMs = 60_000, idleMs = 60_000, intent }: Made): HttpFront {
  const recorder = intent === undefined ? ports.recorder : { ...ports.recorder, intent }
  const policy = {
    decide: ports.decide,
    mayReach: () => true,
    isPort: () => 'http' as const,
    optionsFor: () => ({}),
    openingOptions: () => ({}),
  }
  const context = {
    policy,
    names: new SyntheticNames(),
    counters: new Counters(),
    ports: { ...ports, recorder },
    now: Date.now,
  }
  const performer = {
    placeholders: new Placeholders([]),
    upstreams: new Upstreams(makeDialer(null)),
    turns: new Turns(() => true),
    inspector: new Inspector({ maxBodyBytes: 1e6, treatments: {} }, NO_DETECTION),
    heldBytes: new HeldBytes(1e6),
    dialer: makeDialer(null),
    budgets: new BudgetLedger([]),
    provenance: null,
    learnerFor: () => undefined,
    meter: new EgressMeter(
      {
        limits: { egressBytes: 1e6, egressRequests: 1e6 },
        used: { bytes: 0, requests: 0 },
      },
      () => undefined,
    ),
    onUnreachable: () => undefined,
  }
  const timeouts = {
    headersMs,
    requestMs: 60_000,
    keepAliveMs: 60_000,
    idleMs,
    checkMs: 10,
  }
  return new HttpFront(context, performer, timeouts)
}

const ROUTE = { scheme: 'http', host: 'a.example', port: 80 } as const
const DIALLED = {
  kind: 'net.connect',
  transport: 'tcp',
  address: '198.18.0.1',
  port: 80,
  host: 'a.example',
} as const

test('a head that never ends is cut off', async () => {
  const front = makeFront({ headersMs: 30 })
  const client = await connected((socket) => front.accept(socket, ROUTE, DIALLED))
  client.write('GET / HTTP/1.1\r\nHost: a.exam')
  client.resume()
  await closed(client)
  front.close()
})

test.for<readonly [string, string]>([
  ['has asked', 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'],
  ['asks for a WebSocket', webSocketHead()],
])('a client that %s is waited with, however long the answer takes', async ([, head]) => {
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<ReadonlyMap<string, string>>()
  const intent = (): Promise<ReadonlyMap<string, string>> => {
    asked.resolve()
    return answered.promise
  }
  const front = makeFront({ idleMs: 20, intent })
  // taken over once it has asked: nothing moves before that, for as long as a busy machine takes
  const client = await connected((socket) =>
    socket.once('readable', () => front.accept(socket, ROUTE, DIALLED)),
  )
  client.write(head)
  await asked.promise
  // of these, each lasts as long as a connection on which nothing moves may
  for (let other = 0; other < 3; other += 1) {
    const silent = await connected((socket) => front.accept(socket, ROUTE, DIALLED))
    silent.resume()
    await closed(silent)
  }
  answered.resolve(new Map())
  const [reply] = await once(client, 'data')
  expect(String(reply)).toContain('403')
  client.destroy()
  front.close()
})

test('a client whose request stops in the middle is given up', async () => {
  const front = makeFront({ idleMs: 20, intent: () => new Promise(() => undefined) })
  const client = await connected((socket) => front.accept(socket, ROUTE, DIALLED))
  client.write('POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nhalf')
  client.resume()
  await closed(client)
  front.close()
})

function webSocketHead(): string {
  const fields = [
    'Host: a.example',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
  ]
  return `GET / HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`
}

test('a client that says nothing is given up', async () => {
  const peeked: unknown[] = []
  const client = await connected((socket) => {
    void peekClientHello(socket, 20).then((result) => {
      peeked.push(result)
      socket.destroy()
    })
  })
  client.resume()
  await closed(client)
  expect(peeked).toEqual([{ kind: 'gone' }])
})

test('a client that says too much before its hello is whole is given up', async () => {
  const peeked: unknown[] = []
  const client = await connected((socket) => {
    void peekClientHello(socket, 10_000).then((result) => {
      peeked.push(result)
      socket.destroy()
    })
  })
  client.resume()
  client.write(Buffer.concat(Array.from({ length: 7000 }, () => Buffer.from([22, 3, 1, 0, 1, 1]))))
  await closed(client)
  expect(peeked).toEqual([{ kind: 'malformed', reason: expect.any(String) }])
})
