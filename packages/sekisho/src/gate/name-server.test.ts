import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RCODE } from './dns-message.ts'
import { makeQuery, readReply } from './testing/dns-client.ts'
import { closed } from './testing/rig.ts'
import { HOST, rule, Scene } from './testing/scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.start({ rules: [rule(), rule({ id: 'wild', host: '*.wild.example' })] })
})
afterEach(() => scene.close())

const actions = (): unknown[] => scene.rig.keyholder.intents().map(({ action }) => action)

test('an allowed name gets a made-up address, recorded with its outcome', async () => {
  expect(await scene.rig.ask('API.Example.com')).toEqual({
    rcode: RCODE.noError,
    addresses: ['198.18.0.1'],
    extendedError: undefined,
  })
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 1)
  const [intent] = scene.rig.keyholder.intents()
  expect(intent?.action).toEqual({ kind: 'dns.resolve', name: HOST, type: 'A' })
  expect(intent?.verdict).toEqual({ kind: 'allow', rules: ['api'] })
  expect(scene.rig.keyholder.outcomes()[0]).toMatchObject({
    id: intent?.id,
    outcome: { kind: 'performed', address: '198.18.0.1' },
  })
})

test('names keep their addresses, each its own', async () => {
  expect(await scene.rig.resolve('a.wild.example')).toBe('198.18.0.1')
  expect(await scene.rig.resolve('b.c.wild.example')).toBe('198.18.0.2')
  expect(await scene.rig.resolve('a.wild.example')).toBe('198.18.0.1')
})

test.for([
  ['AAAA', 28],
  ['HTTPS', 65],
  ['SVCB', 64],
  ['TXT', 16],
] as const)('an allowed name has no %s record', async ([, type]) => {
  expect(await scene.rig.ask(HOST, { type })).toEqual({
    rcode: RCODE.noError,
    addresses: [],
    extendedError: undefined,
  })
})

test.for([
  ['a name outside the rules', 'secret-data.evil.example', 1],
  ['the parent of a wildcard', 'wild.example', 1],
  ['a text record outside the rules', 'secret-data.evil.example', 16],
  ['a reverse lookup', '8.8.8.8.in-addr.arpa', 12],
  ['a numeric name', '127.0.0.1', 1],
  ['a label with a dot inside it', 'x\\046wild', 1],
  ['an underscore under a wildcard', '_x.wild.example', 1],
  ['everything about a name outside the rules', 'evil.example', 255],
] as const)('%s is denied, said so and recorded', async ([, name, type]) => {
  expect(await scene.rig.ask(name, { type })).toEqual({
    rcode: RCODE.nxDomain,
    addresses: [],
    extendedError: 15,
  })
  expect(scene.rig.keyholder.intents()).toHaveLength(1)
  expect(scene.rig.keyholder.intents()[0]?.verdict.kind).toBe('deny')
})

test.for([
  ['too short for a header', Buffer.from('short')],
  ['a reply', Buffer.from('000181800001000000000000', 'hex')],
  ['an update', Buffer.from('000128000001000000000000', 'hex')],
  ['a name that runs out', Buffer.from('00010100000100000000000009', 'hex')],
] as const)('what is no question, %s, is recorded once and counted', async ([, bytes]) => {
  const client = dgram.createSocket('udp4')
  for (let time = 0; time < 3; time++) client.send(bytes, scene.rig.dnsPort, '127.0.0.1')
  await scene.rig.keyholder.until((keyholder) => keyholder.intents().length === 1)
  await scene.rig.ask('evil.example')
  client.close()
  const [first, second] = scene.rig.keyholder.intents()
  expect(first?.action).toEqual({ kind: 'dns.resolve', name: '?', type: '?' })
  expect(scene.rig.keyholder.deniedBy()).toEqual(['invariant.dns-malformed', 'default'])
  expect(second?.repeated).toBe(2)
})

test('a message over TCP that is longer than any question ends the connection, recorded', async () => {
  const socket = await scene.rig.dial('198.19.255.1', 53)
  socket.write(Buffer.from('ffff', 'hex'))
  await closed(socket)
  await scene.rig.keyholder.until((keyholder) => keyholder.intents().length === 1)
  expect(scene.rig.keyholder.deniedBy()).toEqual(['invariant.dns-malformed'])
})

test('a question is recorded once, and the next record says how often it came', async () => {
  await scene.rig.ask('evil.example')
  await scene.rig.ask('evil.example')
  await scene.rig.ask('EVIL.example')
  await scene.rig.ask('worse.example')
  expect(scene.rig.keyholder.intents().map(({ repeated }) => repeated)).toEqual([0, 2])
  expect(actions()).toEqual([
    { kind: 'dns.resolve', name: 'evil.example', type: 'A' },
    { kind: 'dns.resolve', name: 'worse.example', type: 'A' },
  ])
})

/** Asked at once; a socket's buffer holds as many. */
const BATCH = 150

test('a flood of names is refused above the bound and shows in the counters', async () => {
  let asked = 0
  let refused = 0
  // until the bound is met, however slow the machine: a second allows fewer than a batch has
  while (refused === 0 && asked < 20 * BATCH) {
    const names = Array.from({ length: BATCH }, (_, index) => `n${asked + index}.evil.example`)
    const replies = await Promise.all(names.map((name) => scene.rig.ask(name)))
    refused += replies.filter(({ rcode }) => rcode === RCODE.refused).length
    asked += BATCH
  }
  expect(refused).toBeGreaterThan(0)
  expect(scene.rig.keyholder.intents()).toHaveLength(asked - refused)
  const counters = await scene.rig.counters()
  const told = scene.rig.keyholder.intents().reduce((sum, { repeated }) => sum + repeated, 0)
  expect(counters).toMatchObject({ dnsQueries: asked, dnsDenied: asked })
  expect(told + (counters['unreported'] ?? 0)).toBe(refused)
})

test('no record, no answer', async () => {
  scene.rig.keyholder.die()
  expect((await scene.rig.ask(HOST)).rcode).toBe(RCODE.servFail)
  await scene.rig.attachKeyholder()
  expect((await scene.rig.ask(HOST)).addresses).toEqual(['198.18.0.1'])
})

test('answers over TCP too, several on one connection', async () => {
  const socket = await scene.rig.dial('198.19.255.1', 53)
  const framed = [HOST, 'evil.example'].map((name) => {
    const query = makeQuery({ id: 1, name, type: 1, udpBytes: 512 })
    return Buffer.concat([Buffer.from([0, query.length]), query])
  })
  socket.write(Buffer.concat(framed))
  let held = Buffer.alloc(0)
  const replies: number[] = []
  while (replies.length < 2) {
    const [chunk] = await once(socket, 'data')
    held = Buffer.concat([held, chunk])
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0)
      replies.push(readReply(held.subarray(2, end)).rcode)
      held = held.subarray(end)
    }
  }
  expect(replies).toEqual([RCODE.noError, RCODE.nxDomain])
})

test('a packet that no listener takes is recorded as what it asked for', async () => {
  const quic = Buffer.from('450000000000000040110000c613ff0208080808c00001bb00080000', 'hex')
  await scene.rig.denyPacket(quic, 4)
  expect(scene.rig.keyholder.intents()).toMatchObject([
    {
      action: {
        kind: 'net.connect',
        transport: 'udp',
        address: '8.8.8.8',
        port: 443,
        host: null,
      },
      verdict: { kind: 'deny', rules: ['invariant.transport'] },
      repeated: 4,
    },
  ])
  expect(await scene.rig.counters()).toMatchObject({ packetsDenied: 5 })
})
