import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import grpc from '@grpc/grpc-js'
import { afterEach, expect, test } from 'vitest'
import { GrpcScene } from './testing/grpc-scene.ts'
import { Http2Scene } from './testing/http2-scene.ts'
import { rule } from './testing/scene.ts'

let scene: GrpcScene
afterEach(async () => scene.close())

test('a unary call', async () => {
  scene = await GrpcScene.start()
  expect(await scene.unary('hello')).toEqual({ message: 'HELLO', trailer: '5' })
  expect(scene.rig.keyholder.intents().at(-1)?.action).toMatchObject({
    method: 'POST',
    path: '/sekisho.Echo/Unary',
  })
})

test('a stream of the client, and one of the server', async () => {
  scene = await GrpcScene.start()
  const words = Array.from({ length: 500 }, (_, index) => `word ${index}`)
  expect(await scene.gather(words)).toBe(words.join(','))
  const heard: string[] = []
  for await (const word of scene.spread(words.join(','))) heard.push(String(word))
  expect(heard).toEqual(words)
})

test('a conversation, in which either side waits for the other', async () => {
  scene = await GrpcScene.start()
  const call = scene.talk()
  await once(call, 'metadata') // the server speaks first
  for (const word of ['one', 'two', 'three']) {
    call.write(word)
    expect(await once(call, 'data')).toEqual([word.toUpperCase()])
  }
  const status = once(call, 'status')
  call.end()
  expect(await status).toMatchObject([{ code: grpc.status.OK }])
})

test('messages of megabytes, compressed ones too', async () => {
  scene = await GrpcScene.start({
    channel: { 'grpc.default_compression_algorithm': 2, 'grpc.max_send_message_length': -1 },
  })
  const text = 'quick brown foxes, '.repeat(200_000)
  expect((await scene.unary(text)).message === text.toUpperCase()).toBe(true)
})

test('an error of the server comes back as it is', async () => {
  scene = await GrpcScene.start()
  await expect(scene.unary('fail')).rejects.toMatchObject({
    code: grpc.status.NOT_FOUND,
    details: 'no such thing',
  })
})

test('a deadline and a cancellation reach the server', async () => {
  scene = await GrpcScene.start()
  await scene.unary('first') // a connection is there: what has its own deadline gets to the server
  // one that is too short for this machine is over before the server has heard the call
  for (let deadlineMs = 250; scene.server.cancelled === 0; deadlineMs *= 2) {
    const late = scene.unary('wait', { deadline: Date.now() + deadlineMs })
    await expect(late).rejects.toMatchObject({ code: grpc.status.DEADLINE_EXCEEDED })
    await scene.unary('next')
  }
  const { cancelled } = scene.server
  const call = scene.talk()
  await once(call, 'metadata')
  const ended = once(call, 'error')
  call.cancel()
  expect(await ended).toMatchObject([{ code: grpc.status.CANCELLED }])
  await expect.poll(() => scene.server.cancelled).toBeGreaterThan(cancelled)
})

test('a hundred conversations at once, with keepalive pings', async () => {
  scene = await GrpcScene.start({
    channel: { 'grpc.keepalive_time_ms': 50, 'grpc.keepalive_permit_without_calls': 1 },
  })
  const calls = Array.from({ length: 100 }, () => scene.talk())
  const answers = await Promise.all(
    calls.map(async (call, index) => {
      const data = once(call, 'data')
      call.write(`call ${index}`)
      const [answer] = await data
      const status = once(call, 'status')
      call.end()
      await status
      return answer
    }),
  )
  expect(answers).toEqual(calls.map((_, index) => `CALL ${index}`))
})

test('a method that no rule allows is refused as a server would', async () => {
  scene = await GrpcScene.start({
    rules: [rule({ methods: ['POST'], paths: ['/sekisho.Echo/Talk'] })],
  })
  await expect(scene.unary('hello')).rejects.toMatchObject({
    code: grpc.status.PERMISSION_DENIED,
    details: "sekisho_denied: this session's policy does not allow the request",
  })
  expect(scene.server.heard).toEqual([])
  const call = scene.talk()
  call.write('hello')
  expect(await once(call, 'data')).toEqual(['HELLO'])
  const status = once(call, 'status')
  call.end()
  await status
})

test('an upstream without HTTP/2 is said so', async () => {
  const other = await Http2Scene.start({ protocols: ['http/1.1'] })
  scene = await GrpcScene.start({
    upstreamPort: other.outside.port,
    upstreamCaPem: other.outside.caPem,
  })
  await expect(scene.unary('hello')).rejects.toMatchObject({
    code: grpc.status.UNAVAILABLE,
    details: expect.stringContaining('does not speak HTTP/2'),
  })
  expect(other.outside.heads).toBe(0)
  await other.close()
})

const TOKEN = `sk_live_${'4eC39HqLyjWDarjtT1zdp7dc'}`
const DENY = {
  inspection: { maxBodyBytes: 1024 * 1024, treatments: { 'secret-format': 'deny' } },
} as const

test.for([
  ['plain', 0],
  ['in gzip', 2],
  ['in deflate', 1],
] as const)(
  'a secret in the first message, %s: denied, recorded, nothing leaves',
  async ([, coding]) => {
    scene = await GrpcScene.start({
      egress: DENY,
      channel: { 'grpc.default_compression_algorithm': coding },
    })
    const before = scene.rig.keyholder.deniedBy().length
    await expect(scene.unary(`token ${TOKEN}`)).rejects.toMatchObject({
      code: grpc.status.PERMISSION_DENIED,
    })
    expect(scene.rig.keyholder.deniedBy().slice(before)).toEqual([
      expect.stringMatching(/^detect\./),
    ])
    expect(scene.server.heard).toEqual([])
  },
)

test('a secret in a later message: the call ends, its message does not leave, the cut is recorded', async () => {
  scene = await GrpcScene.start({ egress: DENY })
  const call = scene.talk()
  const ended = once(call, 'error')
  call.write('harmless')
  expect(await once(call, 'data')).toEqual(['HARMLESS'])
  call.write(`token ${TOKEN}`)
  expect(await ended).toMatchObject([{ code: grpc.status.PERMISSION_DENIED }])
  await scene.rig.keyholder.until((keyholder) => keyholder.deniedBy().length > 0)
  expect(scene.rig.keyholder.deniedBy()).toEqual([expect.stringMatching(/^detect\./)])
  expect(scene.server.heard).toEqual(['harmless'])
})

test.for([
  [
    'a message above the cap',
    'invariant.body-too-long',
    randomBytes(2 * 1024 * 1024).toString('hex'),
    0,
  ],
  ['a message that grows above the cap', 'invariant.body-bomb', 'a'.repeat(3 * 1024 * 1024), 2],
] as const)('%s is denied', async ([, by, text, coding]) => {
  scene = await GrpcScene.start({
    egress: DENY,
    channel: { 'grpc.default_compression_algorithm': coding, 'grpc.max_send_message_length': -1 },
  })
  await expect(scene.unary(text)).rejects.toMatchObject({ code: grpc.status.PERMISSION_DENIED })
  expect(scene.rig.keyholder.deniedBy()).toEqual([by])
  expect(scene.server.heard).toEqual([])
})

test('a secret cut over two messages: the second does not leave', async () => {
  scene = await GrpcScene.start({ egress: DENY })
  const call = scene.talk()
  const ended = once(call, 'error')
  call.write(`token ${TOKEN.slice(0, 16)}`)
  await once(call, 'data')
  call.write(TOKEN.slice(16))
  expect(await ended).toMatchObject([{ code: grpc.status.PERMISSION_DENIED }])
  expect(scene.server.heard).toEqual([`token ${TOKEN.slice(0, 16)}`])
})
