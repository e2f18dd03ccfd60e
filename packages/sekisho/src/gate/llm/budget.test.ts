import { expect, test } from 'vitest'
import type { LeafInput } from '../../wire/leaves.ts'
import type { LlmBudget, LlmSettings, ModelPrice } from '../../wire/llm.ts'
import { HOST, NOTHING_LEAKED, type Scene } from '../testing/scene.ts'
import { answering, bodyOf, call, MESSAGES_BODY, messagesEvents } from './testing/model-scene.ts'
import { modelScenes } from './testing/model-scenes.ts'

const PRICE: ModelPrice = {
  model: 'claude-test',
  provider: 'maker',
  input: 3_000_000,
  cacheRead: 300_000,
  cacheWrite: 3_750_000,
  output: 15_000_000,
  maxOutputTokens: 64_000,
  from: '2020-01-01',
}
const BUDGET: LlmBudget = {
  id: 'daily',
  per: 'session',
  of: {},
  windowMs: null,
  max: { microUsd: 1_000_000 },
}

const makeScene = modelScenes()

async function start(llm: Partial<LlmSettings> = {}): Promise<Scene> {
  return makeScene({
    llm: { providers: [PROVIDER], prices: [PRICE], budgets: [BUDGET], ...llm },
  })
}
const PROVIDER = {
  id: 'maker',
  api: 'messages',
  flavour: 'native',
  scheme: 'https',
  host: HOST,
  port: 443,
  basePath: '/v1',
} as const

const verdictOf = ({ rig }: Scene): unknown =>
  rig.keyholder.intents().find(({ action: { kind } }) => kind === 'llm.generate')?.verdict

test('a call whose budget is exhausted is denied and on record, and nothing of it leaves', async () => {
  const scene = await start()
  scene.canary.handler = answering(messagesEvents())
  scene.rig.control.reserve = () => ({
    kind: 'exceeded',
    budget: 'daily',
    reason: 'it is exhausted',
  })
  const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
  // what Claude Code takes for an end, and does not try again
  expect(reply).toMatch(/^HTTP\/1\.1 402 /)
  expect(verdictOf(scene)).toEqual({
    kind: 'deny',
    rules: ['budget.daily'],
    reason: 'it is exhausted',
  })
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('control that is gone denies every call that some budget covers', async () => {
  const scene = await start()
  scene.canary.handler = answering(messagesEvents())
  scene.rig.control.die()
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(verdictOf(scene)).toMatchObject({ kind: 'deny', rules: ['invariant.ledger'] })
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a model without a price is not called where the bundle says so', async () => {
  const scene = await start({ prices: [], missingPrice: 'refuse' })
  scene.canary.handler = answering(messagesEvents())
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(verdictOf(scene)).toMatchObject({ kind: 'deny', rules: ['budget.no-price'] })
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('what is reserved is a bound of what the request may come to, and what it came to is settled', async () => {
  const scene = await start()
  scene.canary.handler = answering(messagesEvents())
  const body = { ...MESSAGES_BODY, service_tier: 'auto' }
  await scene.rig.send(HOST, call(body))
  await scene.rig.control.until(({ settled }) => settled.length > 0)
  const [reserved] = scene.rig.control.reserved
  expect(reserved).toMatchObject({
    agent: 'tester',
    provider: 'maker',
    model: 'claude-test',
    promptTokens: JSON.stringify(body).length + 2048,
    outputTokens: 1024,
    price: PRICE,
  })
  expect(scene.rig.control.settled).toEqual([
    {
      session: reserved?.session,
      id: reserved?.id,
      agent: 'tester',
      uid: reserved?.uid,
      provider: 'maker',
      model: 'claude-test',
      wasReserved: true,
      wasMade: true,
      counted: { input: 100, cacheRead: 40, cacheWrite: 0, output: 25 },
      // 100×3 + 40×0.30 + 25×15
      microUsd: 687,
    },
  ])
})

test('a tier that the price does not know counts as what is dearest, and a document as all that fits', async () => {
  const scene = await start({
    prices: [{ ...PRICE, contextTokens: 200_000, tiers: { fast: 600 } }],
  })
  scene.canary.handler = answering(messagesEvents())
  const source = { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0xLjcK' }
  const content = [{ type: 'document', source }]
  const messages = [{ role: 'user', content }]
  await scene.rig.send(HOST, call({ ...MESSAGES_BODY, messages, speed: 'fast' }))
  await scene.rig.send(HOST, call({ ...MESSAGES_BODY, speed: 'warp' }))
  const byField = 'X-Vertex-AI-LLM-Shared-Request-Type: fast\r\nConnection: close'
  await scene.rig.send(HOST, call(MESSAGES_BODY).replace('Connection: close', byField))
  const [fast, warp, asked] = scene.rig.control.reserved
  expect(asked).toMatchObject({ price: { model: PRICE.model, output: 90_000_000 } })
  expect(fast).toMatchObject({ promptTokens: 200_000, price: { output: 90_000_000 } })
  expect(warp).toMatchObject({ price: { model: '*', output: 90_000_000 } })
})

test.each([
  ['of Bedrock', 'X-Amzn-Bedrock-Service-Tier: flex\r\n'],
  ['of Vertex', 'X-Vertex-AI-LLM-Shared-Request-Type: flex\r\n'],
  ['that is said twice', 'X-Amzn-Bedrock-Service-Tier: flex\r\n'.repeat(2)],
  [
    'that stays here',
    'X-Amzn-Bedrock-Service-Tier: flex\r\nConnection: x-amzn-bedrock-service-tier\r\n',
  ],
])('a discount %s is none at a host that nobody knows to give it', async (_, fields) => {
  const scene = await start({ prices: [{ ...PRICE, tiers: { flex: 1 } }] })
  scene.canary.handler = answering(messagesEvents())
  await scene.rig.send(
    HOST,
    call(MESSAGES_BODY).replace('Connection: close', `${fields}Connection: close`),
  )
  const [reserved] = scene.rig.control.reserved
  expect(reserved).toMatchObject({ price: { output: 15_000_000 } })
})

test('a limit by a name that its server may read past is none: as much as the model can say is taken', async () => {
  const scene = await start({ providers: [{ ...PROVIDER, api: 'chat' }] })
  scene.canary.handler = answering(messagesEvents())
  const messages = [{ role: 'user', content: 'hi' }]
  const body = { model: 'claude-test', messages, max_completion_tokens: 1 }
  await scene.rig.send(HOST, call(body, { path: '/v1/chat/completions' }))
  expect(scene.rig.control.reserved).toMatchObject([{ outputTokens: 64_000 }])
})

test('a call in flight is ended when its budget is exhausted, and its client is told', async () => {
  const scene = await start()
  const events = messagesEvents('ls')
  scene.canary.handler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(events.slice(0, -2).join('')) // and no end
  }
  const reply = scene.rig.send(HOST, call(MESSAGES_BODY))
  const hasBegun = (): boolean =>
    scene.rig.keyholder.intents().some(({ action: { kind } }) => kind === 'llm.tool-call')
  await scene.rig.keyholder.until(hasBegun)
  const [{ session, id } = { session: '', id: '' }] = scene.rig.control.reserved
  await scene.rig.control.cut(session, [id, 'another'], 'daily')
  expect(bodyOf(await reply)).toContain('budget.daily')
  await scene.rig.control.until(({ settled }) => settled.length > 0)
  expect(scene.rig.control.settled).toMatchObject([{ id, wasMade: true }])
})

test('a reply that goes beyond what was reserved for it is ended', async () => {
  const scene = await start()
  const text = 'x'.repeat(9000)
  const delta = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }
  const event = `event: ${delta.type}\ndata: ${JSON.stringify(delta)}\n\n`
  const [first = '', second = '', ...others] = messagesEvents('ls')
  const long = Array.from({ length: 100 }, () => event)
  scene.canary.handler = answering([first, second, ...long, ...others])
  scene.rig.control.reserve = () => ({ kind: 'reserved', outputTokens: 256, microUsd: 1 })
  const body = bodyOf(await scene.rig.send(HOST, call(MESSAGES_BODY)))
  expect(body).toContain('budget.reserved')
  expect(body).not.toContain('tool_use')
  expect(body.length).toBeLessThan(long.length * event.length)
})

test('a call whose thinking has no room in what is left is denied, and gives it back', async () => {
  const scene = await start()
  scene.canary.handler = answering(messagesEvents())
  scene.rig.control.reserve = () => ({ kind: 'reserved', outputTokens: 900, microUsd: 1 })
  const thinking = { type: 'enabled', budget_tokens: 4000 }
  const reply = await scene.rig.send(HOST, call({ ...MESSAGES_BODY, max_tokens: 8000, thinking }))
  expect(reply).toMatch(/^HTTP\/1\.1 402 /)
  expect(verdictOf(scene)).toEqual({
    kind: 'deny',
    rules: ['budget.thinking'],
    reason: '900 tokens are left, and the request wants 4000 for thinking',
  })
  expect(scene.rig.control.settled).toMatchObject([{ wasMade: false }])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a client that hangs up before the first byte has spent what was reserved', async () => {
  const scene = await start()
  const { promise: came, resolve } = Promise.withResolvers<void>()
  scene.canary.handler = () => resolve() // at work, and silent
  const socket = await scene.rig.dialTls(HOST)
  socket.write(call({ ...MESSAGES_BODY, stream: false }))
  await came
  socket.destroy()
  await scene.rig.control.until(({ settled }) => settled.length > 0)
  // null: the reserve stands
  expect(scene.rig.control.settled).toMatchObject([{ wasMade: true, counted: null }])
})

test('an error of the provider costs nothing', async () => {
  const scene = await start()
  scene.canary.handler = (_request, response) => {
    response.writeHead(529, { 'content-type': 'application/json' }).end('{"type":"error"}')
  }
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  await scene.rig.control.until(({ settled }) => settled.length > 0)
  const nothing = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 }
  expect(scene.rig.control.settled).toMatchObject([{ wasMade: true, counted: nothing }])
})

test('a reply that nobody can look into has cost what was reserved', async () => {
  const scene = await start()
  scene.canary.handler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('x')
  }
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  await scene.rig.control.until(({ settled }) => settled.length > 0)
  expect(scene.rig.control.settled).toMatchObject([{ wasMade: true, counted: null }])
})

test('a call that cannot be recorded gives back what was reserved', async () => {
  const scene = await start()
  scene.rig.keyholder.beforeRecord = (leaf) => {
    if (leaf.type === 'action.intent' && leaf.action.kind === 'llm.generate')
      throw new Error('full')
  }
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  await scene.rig.control.until(({ settled }) => settled.length > 0)
  expect(scene.rig.control.settled).toMatchObject([{ wasMade: false, counted: null }])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a reply that cannot be kept is settled all the same', async () => {
  const scene = await start()
  scene.canary.handler = (_request, response) => {
    scene.rig.keyholder.recordings.failure = new Error('the disk is full')
    answering(messagesEvents())(_request, response)
  }
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  await scene.rig.control.until(({ settled }) => settled.length > 0)
  expect(scene.rig.control.settled).toMatchObject([
    { wasMade: true, counted: { input: 100, cacheRead: 40, cacheWrite: 0, output: 25 } },
  ])
  const isCall = ({ type }: { type: string }): boolean => type === 'llm.call'
  await scene.rig.keyholder.until(({ leaves }) => leaves.some(isCall))
  const leaf = scene.rig.keyholder.leaves.find(isCall)
  expect(leaf).toMatchObject({ reply: { kept: false }, counted: { output: 25 } })
  const isDone = (each: LeafInput): boolean =>
    each.type === 'action.outcome' && 'status' in each.outcome && each.outcome.status === 200
  await scene.rig.keyholder.until(({ leaves }) => leaves.some(isDone))
})

test('usage beyond all counting is counted as far as numbers go', async () => {
  const scene = await start()
  const step = { type: 'compaction', input_tokens: 1e12, output_tokens: 1e12 }
  const usage = { output_tokens: 25, iterations: Array.from({ length: 20_000 }, () => step) }
  const events = messagesEvents().map((event) =>
    event.replace('"usage":{"output_tokens":25}', `"usage":${JSON.stringify(usage)}`),
  )
  scene.canary.handler = answering(events)
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  await scene.rig.control.until(({ settled }) => settled.length > 0)
  expect(scene.rig.control.settled).toMatchObject([
    { wasMade: true, counted: { input: 1e12, output: 1e12 } },
  ])
  await scene.rig.keyholder.until(({ leaves }) => leaves.some(({ type }) => type === 'llm.call'))
})

test('a call that is ended before it left does not leave', async () => {
  const scene = await start()
  scene.canary.handler = answering(messagesEvents())
  scene.rig.keyholder.beforeRecord = async (leaf) => {
    if (leaf.type !== 'action.intent' || leaf.action.kind !== 'llm.generate') return
    const [reserved] = scene.rig.control.reserved
    await scene.rig.control.cut(reserved?.session ?? '', [reserved?.id ?? ''], 'daily')
  }
  const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(reply).toMatch(/^HTTP\/1\.1 40[23] /)
  expect(reply).toContain('budget.daily')
  await scene.rig.keyholder.until((at) => at.deniedBy().includes('budget.daily'))
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})
