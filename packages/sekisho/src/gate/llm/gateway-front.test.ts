import type http from 'node:http'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { ActionOutcome } from '../../flow/ports.ts'
import { deciding } from '../../flow/testing/deciding.ts'
import { type LlmAlias, type LlmProvider, NO_LLM_SETTINGS } from '../../wire/llm.ts'
import type { PolicyRule } from '../../wire/policy.ts'
import { talk } from '../testing/rig.ts'
import {
  HOST,
  NOTHING_LEAKED,
  OTHER,
  PLACEHOLDER,
  REAL,
  rule,
  type Scene,
} from '../testing/scene.ts'
import { answering, bodyOf, call, MESSAGES_BODY, messagesEvents } from './testing/model-scene.ts'
import { modelScenes } from './testing/model-scenes.ts'
import { NotingSink } from './testing/noting-sink.ts'
import { HeldBytes } from '../inspection/held-bytes.ts'
import { GatewayFront } from './gateway-front.ts'
import { GATEWAY_HOST } from './targets.ts'

const SPARE: LlmProvider = {
  id: 'spare',
  api: 'messages',
  flavour: 'native',
  scheme: 'https',
  host: OTHER,
  port: 443,
  basePath: '/v1',
}
const FAST: LlmAlias = {
  name: 'fast',
  strategy: 'fallback',
  retries: 0,
  targets: [
    { provider: 'maker', model: 'claude-test', weight: 1 },
    { provider: 'spare', model: 'claude-spare', weight: 1 },
  ],
}

/** Three megabytes, and a hundred times that in memory. */
const MANY = `{"model":"fast","messages":[${'[],'.repeat(1_000_000)}0]}`

const makeScene = modelScenes()

async function start(alias: Partial<LlmAlias> = {}, ...more: LlmProvider[]): Promise<Scene> {
  return startWith({}, { alias, more })
}

async function startWith(
  options: PolicyRule['options'],
  { alias = {}, more = [] }: { alias?: Partial<LlmAlias>; more?: LlmProvider[] } = {},
): Promise<Scene> {
  const maker: LlmProvider = { ...SPARE, id: 'maker', host: HOST }
  const rules = [
    rule({ id: 'gateway', scheme: 'http', host: GATEWAY_HOST, port: 80, options }),
    rule({ options: { effect: 'none' } }),
    rule({ id: 'spare', host: OTHER, options: { effect: 'none' } }),
    ...more.map(({ id, host }) => rule({ id, host, options: { effect: 'none' } })),
  ]
  return makeScene({
    llm: { providers: [maker, SPARE, ...more], aliases: [{ ...FAST, ...alias }] },
    more: { rules, decision: { policy: { rules } } },
  })
}

/** What the gateway answers an agent that asks it for a model. */
async function ask(
  { rig }: Scene,
  body: unknown,
  how: { path?: string; key?: string } = {},
): Promise<string> {
  const socket = await rig.dial(await rig.resolve(GATEWAY_HOST), 80)
  const text = call(body, { key: 'Bearer whatever', ...how }).replace(
    `Host: ${HOST}`,
    `Host: ${GATEWAY_HOST}`,
  )
  return talk(socket, [text])
}

const failing =
  (status: number) =>
  (_request: http.IncomingMessage, response: http.ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"type":"error"}')
  }

test('a gateway that takes somebody’s yes is closed: nobody is asked about it there', async () => {
  const scene = await startWith({ effect: 'external', reversibility: 'irreversible' })
  scene.canary.handler = answering(messagesEvents())
  const reply = await ask(scene, { ...MESSAGES_BODY, model: 'fast' })
  expect(reply).toMatch(/^HTTP\/1\.1 40[0-9] /)
  expect(scene.rig.keyholder.deniedBy()).toEqual(['invariant.irreversible'])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a target whose name has no address is one that is away', async () => {
  const gone = { ...SPARE, id: 'gone', host: 'gone.example.com' }
  const targets = ['gone', 'maker'].map((provider) => ({ provider, model: 'claude', weight: 1 }))
  const scene = await start({ targets }, gone)
  scene.canary.handler = answering(messagesEvents())
  const reply = await ask(scene, { ...MESSAGES_BODY, model: 'fast' })
  expect(bodyOf(reply)).toBe(messagesEvents().join(''))
})

test('an alias leads to its first target, with the key of the session', async () => {
  const scene = await start()
  scene.canary.handler = answering(messagesEvents('ls'))
  const reply = await ask(scene, { ...MESSAGES_BODY, model: 'fast' })
  expect(bodyOf(reply)).toBe(messagesEvents('ls').join(''))
  const [seen] = scene.canary.requests
  expect(seen?.url).toBe('/v1/messages')
  expect(JSON.parse(seen?.body ?? '')).toMatchObject({ model: 'claude-test' })
  expect(seen?.rawHeaders.join('\n')).toContain(REAL)
  expect(seen?.rawHeaders.join('\n')).not.toContain('whatever')
  await scene.rig.keyholder.until(({ leaves }) => leaves.some(({ type }) => type === 'llm.call'))
  expect(scene.rig.keyholder.leaves.find(({ type }) => type === 'llm.call')).toMatchObject({
    alias: 'fast',
    model: 'claude-test',
  })
})

test.each([429, 500, 529])('after a %i the next target is asked', async (status) => {
  const scene = await start()
  scene.canary.handler = failing(status)
  scene.other.handler = answering(messagesEvents())
  const reply = await ask(scene, { ...MESSAGES_BODY, model: 'fast' })
  expect(bodyOf(reply)).toBe(messagesEvents().join(''))
  expect(scene.other.requests.map(({ body }) => Object(JSON.parse(body)).model)).toEqual([
    'claude-spare',
  ])
})

test('the same target is asked again before the next', async () => {
  const scene = await start({ retries: 1 })
  let asked = 0
  scene.canary.handler = (request, response) => {
    asked += 1
    if (asked === 1) failing(503)(request, response)
    else answering(messagesEvents())(request, response)
  }
  const reply = await ask(scene, { ...MESSAGES_BODY, model: 'fast' })
  expect([bodyOf(reply), asked, scene.other.requests.length]).toEqual([
    messagesEvents().join(''),
    2,
    0,
  ])
})

test('a 400 is the answer, and nobody else is asked', async () => {
  const scene = await start()
  scene.canary.handler = failing(400)
  expect(await ask(scene, { ...MESSAGES_BODY, model: 'fast' })).toMatch(/^HTTP\/1\.1 400 /)
  expect(scene.other.requests).toEqual([])
})

test('the last target answers, whatever it answers', async () => {
  const scene = await start()
  scene.canary.handler = failing(503)
  scene.other.handler = failing(500)
  expect(await ask(scene, { ...MESSAGES_BODY, model: 'fast' })).toMatch(/^HTTP\/1\.1 500 /)
})

test('a provider and a model may be named', async () => {
  const scene = await start()
  scene.other.handler = answering(messagesEvents())
  await ask(scene, { ...MESSAGES_BODY, model: 'spare/claude-x' })
  expect(scene.other.requests.map(({ body }) => Object(JSON.parse(body)).model)).toEqual([
    'claude-x',
  ])
})

test('what may be asked for is listed', async () => {
  const scene = await start()
  const socket = await scene.rig.dial(await scene.rig.resolve(GATEWAY_HOST), 80)
  const reply = await talk(socket, [
    `GET /v1/models HTTP/1.1\r\nHost: ${GATEWAY_HOST}\r\nConnection: close\r\n\r\n`,
  ])
  expect(Object(JSON.parse(bodyOf(reply))).data.map(({ id }: { id: string }) => id)).toEqual([
    'fast',
  ])
})

test.each<[string, { body: unknown; path?: string; by: string }]>([
  ['an unknown model', { body: { ...MESSAGES_BODY, model: 'nobody' }, by: 'llm.unknown-model' }],
  ['no model', { body: { messages: [] }, by: 'llm.malformed' }],
  ['no JSON', { body: '{', by: 'llm.malformed' }],
  ['more values than anybody reads', { body: MANY, by: 'llm.malformed' }],
  ['another path', { body: MESSAGES_BODY, path: '/v1/files', by: 'llm.no-such-path' }],
])('refused, and nothing leaves: %s', async (_, { body, path, by }) => {
  const scene = await start()
  expect(await ask(scene, body, path === undefined ? {} : { path })).toMatch(/^HTTP\/1\.1 4\d\d /)
  expect(scene.rig.keyholder.deniedBy()).toContain(by)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('what the gateway is asked is judged by the rules of where it leads', async () => {
  const scene = await start({ targets: [{ provider: 'google', model: 'gemini-x', weight: 1 }] })
  const reply = await ask(scene, { ...MESSAGES_BODY, model: 'fast' })
  expect(reply).toMatch(/^HTTP\/1\.1 4\d\d /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  expect(reply).not.toContain(PLACEHOLDER)
})

// each further attempt would be one more call, which nobody waits for and somebody pays
test('a client that has gone while the next attempt waits for its time is asked for no more', async () => {
  const client = new NotingSink()
  let passed = 0
  const front = new GatewayFront({
    settings: () => ({
      ...NO_LLM_SETTINGS,
      providers: [SPARE],
      aliases: [{ ...FAST, retries: 2, targets: [{ provider: 'spare', model: 'm', weight: 1 }] }],
    }),
    credentials: [],
    heldBytes: new HeldBytes(64 * 1024 * 1024),
    ports: {
      ...deciding(() => ({ kind: 'allow', rules: ['gateway'] })),
      recorder: { intent: unasked, outcome: unasked },
      resolver: { pin: unasked },
      newId: () => 'id',
      outcomeLost: unasked,
    },
    pass: ({ sink }) => {
      passed += 1
      sink.head(529, '', ['retry-after', '0'])
      sink.end()
      process.nextTick(() => client.destroy())
      return Promise.resolve(BUSY)
    },
    random: () => 0,
    count: unasked,
  })
  const at = {
    scheme: 'http',
    host: GATEWAY_HOST,
    port: 80,
    address: null,
    method: 'POST',
  } as const
  const action = { kind: 'http.request', ...at, path: '/v1/messages', query: '' } as const
  const head = { kind: 'read', action, hasBody: true } as const
  const body = Readable.from(
    [JSON.stringify({ ...MESSAGES_BODY, model: 'fast' })].map((text) => Buffer.from(text)),
  )
  const rest = { fields: [], expectsContinue: false, endAfter: unasked }
  expect(await front.handle(head, { head, body, sink: client, ...rest })).toEqual(BUSY)
  expect(passed).toBe(1)
})

const unasked = (): never => {
  throw new Error('nobody asks here')
}
const BUSY: ActionOutcome = {
  kind: 'performed',
  status: 529,
  address: null,
  bytesOut: 0,
  bytesIn: 0,
  scrubbed: 0,
}
