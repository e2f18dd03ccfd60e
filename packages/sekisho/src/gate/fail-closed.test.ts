import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { PLAIN_BUNDLE, plainDecision } from './testing/decision.ts'
import { SekishoError } from '../core/error.ts'
import { NO_PRINTS, PLAIN_EGRESS, closed } from './testing/rig.ts'
import { get, HOST, NOTHING_LEAKED, Scene, type SceneOptions } from './testing/scene.ts'

let scene: Scene | undefined
afterEach(() => scene?.close())

type Started = Pick<Scene, 'rig' | 'canary'> & { outside: () => Scene['leaked'] }

async function start(options: SceneOptions = {}): Promise<Started> {
  const started = await Scene.start(options)
  scene = started
  return { rig: started.rig, canary: started.canary, outside: () => started.leaked }
}

test('a keyholder that is gone: 503, nothing leaves, and work goes on with the next one', async () => {
  const { rig, outside } = await start()
  const secure = await rig.dialTls(HOST)
  rig.keyholder.die()
  secure.write(get('/'))
  const reply = await new Promise<string>((resolve) =>
    secure.once('data', (chunk) => resolve(String(chunk))),
  )
  expect(reply).toMatch(/^HTTP\/1\.1 503 /)
  expect(reply).toContain('"type":"sekisho_unavailable"')
  expect(outside()).toEqual(NOTHING_LEAKED)
  await rig.attachKeyholder()
  expect(await rig.send(HOST, get('/'))).toContain('hello')
})

test('a keyholder that dies while a record is under way: nothing leaves', async () => {
  const { rig, outside } = await start()
  rig.keyholder.beforeRecord = (leaf) => {
    if (leaf.type !== 'action.intent' || leaf.action.kind !== 'http.request') return undefined
    rig.keyholder.die()
    return new Promise(() => undefined)
  }
  expect(await rig.send(HOST, get('/'))).toMatch(/^HTTP\/1\.1 503 /)
  expect(outside()).toEqual(NOTHING_LEAKED)
})

test('a log that cannot be written: 503, nothing leaves', async () => {
  const { rig, outside } = await start()
  rig.keyholder.beforeRecord = (leaf) => {
    if (leaf.type === 'action.intent' && leaf.action.kind === 'http.request') {
      throw new SekishoError('LOG_UNWRITABLE', 'disk full')
    }
  }
  expect(await rig.send(HOST, get('/'))).toMatch(/^HTTP\/1\.1 503 /)
  expect(outside()).toEqual(NOTHING_LEAKED)
  expect(await rig.counters()).toMatchObject({ unavailable: 1 })
})

test('nothing leaves before the record is durable', async () => {
  const { rig, canary } = await start()
  const bytesWhenRecorded: number[] = []
  rig.keyholder.beforeRecord = async (leaf) => {
    if (leaf.type !== 'action.intent' || leaf.action.kind !== 'http.request') return
    await new Promise((resolve) => setImmediate(resolve))
    bytesWhenRecorded.push(canary.bytes)
  }
  expect(await rig.send(HOST, get('/'))).toContain('hello')
  expect(bytesWhenRecorded).toEqual([0])
})

test('a second keyholder takes the place of the first, whose pending records fail', async () => {
  const { rig, outside } = await start()
  let isStuck = true
  const stuck = new Promise<void>((resolve) => {
    rig.keyholder.beforeRecord = (leaf) => {
      if (!isStuck || leaf.type !== 'action.intent' || leaf.action.kind !== 'http.request')
        return undefined
      resolve()
      return new Promise(() => undefined)
    }
  })
  const first = rig.send(HOST, get('/'))
  await stuck
  isStuck = false
  await rig.attachKeyholder()
  expect(await first).toMatch(/^HTTP\/1\.1 503 /)
  expect(outside()).toEqual(NOTHING_LEAKED)
  expect(await rig.send(HOST, get('/'))).toContain('hello')
})

test('no certificate without the keyholder', async () => {
  const { rig, outside } = await start()
  const address = await rig.resolve(HOST)
  rig.keyholder.die()
  await expect(rig.dialTls(HOST)).rejects.toThrow(/ECONNRESET|disconnected/)
  expect(address).toBe('198.18.0.1')
  expect(outside()).toEqual(NOTHING_LEAKED)
})

test.for([
  ['loopback', ['127.0.0.1']],
  ['a private network', ['10.1.2.3']],
  ['cloud metadata', ['169.254.169.254']],
  ['a mapped loopback', ['::ffff:127.0.0.1']],
  ['a NAT64 form of a private address', ['64:ff9b::a00:1']],
  ['the range of our own answers', ['198.18.0.1']],
  ['a public address beside a private one', ['93.184.216.34', '192.168.0.1']],
] as const)('a name that leads to %s: refused, recorded, nothing leaves', async ([, addresses]) => {
  const { rig, outside } = await start({
    hasUpstreams: false,
    lookup: () => Promise.resolve([...addresses]),
  })
  const reply = await rig.send(HOST, get('/'))
  expect(reply).toMatch(/^HTTP\/1\.1 403 /)
  expect(reply).toContain('x-sekisho-rule: invariant.private-address\r\n')
  expect(reply).not.toContain(addresses[0])
  await rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({
    kind: 'refused',
    rules: ['invariant.private-address'],
  })
  expect(outside()).toEqual(NOTHING_LEAKED)
})

test('a name that does not resolve is a 502 with an outcome', async () => {
  const { rig } = await start({ hasUpstreams: false })
  expect(await rig.send(HOST, get('/'))).toMatch(/^HTTP\/1\.1 502 /)
  await rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({
    kind: 'failed',
    code: 'UPSTREAM_FAILED',
  })
})

test('a network that closes ends its connections and tells its counters', async () => {
  const { rig } = await start()
  expect(await rig.send(HOST, get('/'))).toContain('hello')
  const kept = await rig.dialTls(HOST)
  const counters = await rig.counters()
  await closed(kept)
  expect(counters).toMatchObject({
    connections: 2,
    connectionsDenied: 0,
    dnsQueries: 2,
    requests: 1,
    denied: 0,
    unavailable: 0,
    unreported: 1, // the second question for the same name
  })
})

test('a network that closes has taken every connection that the kernel took for it', async () => {
  const { rig } = await start()
  const waiting = Array.from({ length: 200 }, () =>
    net.connect({ host: '127.151.216.34', port: rig.port }).on('error', () => undefined),
  )
  await new Promise<void>((resolve) => process.nextTick(resolve)) // the kernel shakes hands; nobody has accepted yet
  const counters = await rig.counters()
  for (const socket of waiting) socket.destroy()
  expect(counters).toMatchObject({ connections: 200 })
})

test('the supervisor is told how things stand', async () => {
  const { rig } = await start()
  expect(await rig.gate.call('status', {})).toEqual({
    policies: [PLAIN_BUNDLE.digest],
    networks: 1,
    connections: 0,
    degraded: [],
  })
  rig.keyholder.die()
  await expect(rig.dialTls(HOST)).rejects.toThrow(/no address|ECONNRESET|disconnected/)
  expect((await rig.gate.call('status', {})).degraded).toEqual([
    'the keyholder is not attached: everything is denied',
  ])
})

test('a network serves one session', async () => {
  const { rig } = await start()
  const config = {
    session: 's-0123456789abcdefghij',
    decision: plainDecision([]),
    egress: PLAIN_EGRESS,
    prints: NO_PRINTS,
    credentials: [],
    upstreams: [],
    limits: { egressBytes: 0, egressRequests: 0 },
    egressUsed: { bytes: 0, requests: 0 },
    platformCredentials: [],
    isResumed: false,
  }
  await expect(rig.gate.call('session.bind', { network: 1, config })).rejects.toThrow(
    'has its session',
  )
  await expect(rig.gate.call('session.bind', { network: 9, config })).rejects.toThrow('not here')
})
