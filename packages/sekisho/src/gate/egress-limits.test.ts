import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { talk } from './testing/rig.ts'
import {
  CREDENTIAL,
  get,
  head,
  HOST,
  NOTHING_LEAKED,
  OTHER,
  Scene,
  type SceneOptions,
  STREAMING_RULES,
} from './testing/scene.ts'

let scene: Scene | undefined
afterEach(() => scene?.close())

async function start(options: SceneOptions): Promise<Scene> {
  scene = await Scene.start(options)
  return scene
}

const breachesOf = ({ rig }: Scene): unknown[] =>
  rig.keyholder.leaves.filter(({ type }) => type === 'limit.breach')

test('requests above the limit are denied, recorded, told to the agent, and reach nobody', async () => {
  const { rig, canary, leaked } = await start({ limits: { egressRequests: 0 } })
  const reply = await rig.send(HOST, get('/a'))
  expect(reply).toMatch(/^HTTP\/1\.1 429 /)
  expect(reply).toContain('x-sekisho-rule: limit.egress-requests\r\n')
  expect(reply).toContain('x-should-retry: false\r\n')
  expect(reply).toContain('the session has made as many requests as it may')
  expect(leaked).toEqual(NOTHING_LEAKED)
  expect(canary.heads).toBe(0)
  expect(rig.keyholder.deniedBy()).toEqual(['limit.egress-requests'])
})

test('a breach is recorded once, however often the limit is met', async () => {
  const made = await start({ limits: { egressRequests: 2 } })
  const { rig, canary } = made
  const replies: string[] = []
  for (let index = 0; index < 5; index++) replies.push(await rig.send(HOST, get(`/${index}`)))
  expect(replies.map((reply) => reply.slice(9, 12))).toEqual(['200', '200', '429', '429', '429'])
  expect(canary.requests.map(({ url }) => url)).toEqual(['/0', '/1'])
  expect(rig.keyholder.deniedBy()).toEqual(Array(3).fill('limit.egress-requests'))
  const counters = await rig.counters()
  expect(breachesOf(made)).toEqual([
    {
      type: 'limit.breach',
      session: 's-0123456789abcdefghij',
      limit: 'egress-requests',
      configured: 2,
      observed: 2,
      did: 'refused',
    },
  ])
  expect(counters).toMatchObject({ egressRequests: 2, requests: 5, denied: 3 })
})

test('names that are asked for and requests that policy denies do not count', async () => {
  const { rig } = await start({ limits: { egressRequests: 1 } })
  for (let index = 0; index < 5; index++) await rig.ask(HOST)
  const wrong = head('GET /', `Host: ${OTHER}`)
  expect(await rig.send(HOST, wrong)).toMatch(/^HTTP\/1\.1 4/)
  expect(await rig.send(HOST, get('/'))).toMatch(/^HTTP\/1\.1 200 /)
  expect(await rig.counters()).toMatchObject({ egressRequests: 1 })
})

test('requests at the same time do not slip through together', async () => {
  const { rig, canary } = await start({ limits: { egressRequests: 3 } })
  const replies = await Promise.all(
    Array.from({ length: 12 }, (_, index) => rig.send(HOST, get(`/${index}`))),
  )
  expect(replies.filter((reply) => reply.startsWith('HTTP/1.1 200 '))).toHaveLength(3)
  expect(canary.heads).toBe(3)
})

test('an upload that says it is too long leaves no byte', async () => {
  const made = await start({ limits: { egressBytes: 4096 } })
  const upload = head('PUT /', `Host: ${HOST}`, 'Content-Length: 5000')
  expect(await made.rig.send(HOST, upload)).toMatch(/^HTTP\/1\.1 429 /)
  expect(made.leaked).toEqual(NOTHING_LEAKED)
  expect(made.rig.keyholder.deniedBy()).toEqual(['limit.egress-bytes'])
  expect(breachesOf(made)).toMatchObject([{ limit: 'egress-bytes', configured: 4096 }])
})

test('a body is not even asked for above the limit', async () => {
  const { rig } = await start({ limits: { egressBytes: 1000 }, credentials: [CREDENTIAL] })
  const upload = head('PUT /', `Host: ${OTHER}`, 'Content-Length: 5000', 'Expect: 100-continue')
  expect(await rig.send(OTHER, upload)).toMatch(/^HTTP\/1\.1 429 /)
})

test('an upload without a length is cut off at the limit, and the outcome says so', async () => {
  const made = await start({ limits: { egressBytes: 200_000 }, rules: STREAMING_RULES })
  const { rig, plain } = made
  const cut = new Promise<string>((resolve) => {
    plain.onHead = (request) => {
      let got = 0
      request.on('data', (piece: Buffer) => (got += piece.length))
      request.on('error', () => resolve(`cut after ${got}`))
    }
  })
  const piece = `10000\r\n${'a'.repeat(65_536)}\r\n`
  const secure = await rig.dial(await rig.resolve(HOST), 80)
  const upload = head('PUT /', `Host: ${HOST}`, 'Transfer-Encoding: chunked')
  const reply = await talk(secure, [upload, ...Array.from({ length: 20 }, () => piece)])
  expect(reply).toMatch(/^HTTP\/1\.1 429 /)
  expect(reply).toContain('connection: close')
  const got = Number((await cut).slice('cut after '.length))
  expect(got).toBeGreaterThan(65_536)
  expect(got).toBeLessThanOrEqual(200_000)
  expect(plain.requests).toEqual([]) // what was cut never looked whole
  await rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({
    kind: 'failed',
    code: 'LIMIT_REACHED',
  })
  const counters = await rig.counters()
  expect(counters['egressBytes']).toBeLessThanOrEqual(200_000)
  expect(counters['egressBytes']).toBeGreaterThanOrEqual(got)
  expect(breachesOf(made)).toMatchObject([{ limit: 'egress-bytes', did: 'refused' }])
})

test('after the limit of bytes nothing leaves any more, however small', async () => {
  const { rig, canary } = await start({ limits: { egressBytes: 100 } })
  const padded = get('/', `X-Pad: ${'p'.repeat(200)}`)
  expect(await rig.send(HOST, padded)).toMatch(/^HTTP\/1\.1 429 /)
  expect({ connections: canary.connections, bytes: canary.bytes }).toEqual(NOTHING_LEAKED)
})

test('an upload that began before the limit is cut by one that reached it', async () => {
  const { rig, plain } = await start({ limits: { egressBytes: 5500 }, rules: STREAMING_RULES })
  const began = new Promise<void>((resolve) => {
    plain.onHead = (request) => {
      request.on('error', () => undefined)
      resolve()
    }
  })
  const slow = await rig.dial(await rig.resolve(HOST), 80)
  slow.write(`${head('PUT /slow', `Host: ${HOST}`, 'Content-Length: 5000')}${'a'.repeat(1100)}`)
  await began
  expect(
    await rig.send(HOST, head('PUT /', `Host: ${HOST}`, 'Content-Length: 700'), 'b'.repeat(700)),
  ).toMatch(/^HTTP\/1\.1 200 /)
  const replied = once(slow, 'data')
  slow.write('a'.repeat(3900))
  const [reply] = await replied
  expect(String(reply)).toMatch(/^HTTP\/1\.1 429 /)
})

test('a gate that takes over a session goes on with what it has used', async () => {
  const { rig } = await start({
    limits: { egressRequests: 10 },
    egressUsed: { bytes: 5, requests: 9 },
  })
  expect(await rig.send(HOST, get('/'))).toMatch(/^HTTP\/1\.1 200 /)
  expect(await rig.send(HOST, get('/'))).toMatch(/^HTTP\/1\.1 429 /)
  const used = await rig.gate.call('network.egress', { network: 1 })
  expect(used.requests).toBe(10)
  expect(used.bytes).toBeGreaterThan(5)
})
