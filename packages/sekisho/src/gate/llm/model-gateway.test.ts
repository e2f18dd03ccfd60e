import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { RecordedFinding } from '../../core/finding.ts'
import type { Intent } from '../../flow/ports.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { HOST, NOTHING_LEAKED, type Scene } from '../testing/scene.ts'
import {
  answering,
  bodyOf,
  call,
  MESSAGES_BODY,
  messagesEvents,
  type ModelSceneOptions,
  denyProgram,
} from './testing/model-scene.ts'
import { modelScenes } from './testing/model-scenes.ts'

const start = modelScenes()

/** No rule of this agent lets a model run `forbidden`. */
const NO_FORBIDDEN = denyProgram('forbidden')

/** What a model wants done waits for an operator's yes. */
const HELD_CALLS: NonNullable<ModelSceneOptions['cedar']> = [
  {
    id: 'ask-about-calls',
    policy: {
      effect: 'forbid',
      principal: { op: 'All' },
      action: { op: '==', entity: { type: 'Sekisho::Action', id: 'llm.tool-call' } },
      resource: { op: 'All' },
      conditions: [
        {
          kind: 'unless',
          body: {
            contains: {
              left: {
                '.': {
                  left: { '.': { left: { Var: 'context' }, attr: 'facts' } },
                  attr: 'approvals',
                },
              },
              right: { Value: 'approver' },
            },
          },
        },
      ],
    },
  },
]

type Call = Extract<LeafInput, { type: 'llm.call' }>

/** The leaf of the one call that was made, when it is there. */
async function callOf({ rig }: Scene): Promise<Call | undefined> {
  const isCall = (leaf: LeafInput): leaf is Call => leaf.type === 'llm.call'
  await rig.keyholder.until(({ leaves }) => leaves.some(isCall))
  return rig.keyholder.leaves.find(isCall)
}

const judged = ({ rig }: Scene): [string, Intent['verdict']['kind'], string[]][] =>
  rig.keyholder
    .intents()
    .filter(({ action: { kind } }) => kind !== 'dns.resolve')
    .map(({ action, verdict }) => [action.kind, verdict.kind, verdict.rules])

test('an allowed call passes byte for byte, on record before it is released', async () => {
  const scene = await start()
  const events = messagesEvents('ls -la')
  scene.canary.handler = answering(events)
  const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(bodyOf(reply)).toBe(events.join(''))
  expect(judged(scene)).toEqual([
    ['llm.generate', 'allow', ['api']],
    ['llm.tool-call', 'allow', expect.anything()],
  ])
  const made = await callOf(scene)
  expect(made).toMatchObject({
    provider: 'maker',
    model: 'claude-test',
    served: 'claude-test-1',
    api: 'messages',
    stream: true,
    usage: { input: 100, cacheRead: 40, cacheWrite: 0, output: 25 },
    stop: 'tool_use',
    calls: { proposed: 1, released: 1, replaced: 0 },
  })
  expect(made?.id).toBe(
    scene.rig.keyholder.intents().find(({ action }) => action.kind === 'llm.generate')?.id,
  )
})

test('a denied call never reaches the client, and its place says so', async () => {
  const scene = await start({ tools: NO_FORBIDDEN })
  scene.canary.handler = answering(messagesEvents('forbidden --now', 'ls'))
  const body = bodyOf(await scene.rig.send(HOST, call(MESSAGES_BODY)))
  expect(body).not.toContain('forbidden')
  expect(body).toContain('[Sekisho]')
  expect(body).toContain('"ls')
  expect(judged(scene)).toEqual([
    ['llm.generate', 'allow', ['api']],
    ['llm.tool-call', 'deny', ['no']],
    ['llm.tool-call', 'allow', ['any']],
  ])
  expect((await callOf(scene))?.calls).toEqual({ proposed: 2, released: 1, replaced: 1 })
})

test.each([
  ['a yes releases it', true],
  ['a no replaces it', false],
])('a held call waits: %s', async (_, isYes) => {
  const scene = await start({ cedar: HELD_CALLS })
  scene.canary.handler = answering(messagesEvents('rm -r build'))
  scene.rig.control.answer = () =>
    isYes ? { kind: 'approved', by: ['approver'] } : { kind: 'denied', by: 'alice', reason: 'no' }
  const body = bodyOf(await scene.rig.send(HOST, call(MESSAGES_BODY)))
  expect(scene.rig.control.held.map(({ action: { kind } }) => kind)).toEqual(['llm.tool-call'])
  expect(body.includes('rm -r')).toBe(isYes)
  expect(body.includes('[Sekisho]')).toBe(!isYes)
})

test('a call that cannot be recorded is not released', async () => {
  const scene = await start()
  scene.canary.handler = answering(messagesEvents('ls -la'))
  scene.rig.keyholder.beforeRecord = (leaf) => {
    if (leaf.type === 'action.intent' && leaf.action.kind === 'llm.tool-call')
      throw new Error('disk full')
  }
  const body = bodyOf(await scene.rig.send(HOST, call(MESSAGES_BODY)))
  expect(body).toContain('I will look.')
  expect(body).not.toContain('ls -la')
})

test('an upstream that breaks off behind a call releases nothing of it', async () => {
  const scene = await start({ cedar: HELD_CALLS })
  const events = messagesEvents('rm -r build')
  scene.canary.handler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const event of events.slice(0, -2)) response.write(event)
    void scene.rig.control.until(({ held }) => held.length > 0).then(() => response.destroy())
  }
  const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(reply).toContain('I will look.')
  expect(reply).not.toContain('rm -r')
})

test('an exhausted budget is told as the client takes it, and nothing leaves', async () => {
  const budget = { id: 'small', per: 'session', of: {}, windowMs: null, max: { calls: 1 } } as const
  const scene = await start({ llm: { budgets: [budget] } })
  scene.rig.control.reserve = () => ({ kind: 'exceeded', budget: 'small', reason: 'used up' })
  const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(reply).toMatch(/^HTTP\/1\.1 402 /)
  expect(scene.rig.keyholder.deniedBy()).toContain('budget.small')
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a smaller reserve lowers the limit in the request', async () => {
  const budget = {
    id: 'small',
    per: 'session',
    of: {},
    windowMs: null,
    max: { output: 300 },
  } as const
  const scene = await start({ llm: { budgets: [budget] } })
  scene.rig.control.reserve = () => ({ kind: 'reserved', outputTokens: 300, microUsd: 0 })
  scene.canary.handler = answering(messagesEvents())
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  const sent = JSON.stringify(MESSAGES_BODY).replace('1024', '300')
  expect(scene.canary.requests.map(({ body }) => body)).toEqual([sent])
})

test('what nobody knows in a reply is refused', async () => {
  const scene = await start()
  const odd = {
    type: 'content_block_start',
    index: 1,
    content_block: { type: 'teleport', to: 'x' },
  }
  const events = messagesEvents()
  events.splice(4, 0, `event: content_block_start\ndata: ${JSON.stringify(odd)}\n\n`)
  scene.canary.handler = answering(events)
  const body = bodyOf(await scene.rig.send(HOST, call(MESSAGES_BODY)))
  expect(body).not.toContain('"to":"x"')
  await scene.rig.keyholder.until((keyholder) => keyholder.deniedBy().length === 1)
})

test('an error of the provider passes, and costs nothing', async () => {
  const scene = await start()
  scene.canary.handler = (_request, response) => {
    response.writeHead(529, { 'content-type': 'application/json' }).end('{"type":"error"}')
  }
  const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(reply).toMatch(/^HTTP\/1\.1 529 /)
  expect(await callOf(scene)).toMatchObject({
    usage: null,
    counted: { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 },
  })
})

test.each<[string, (text: string) => Buffer]>([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
  ['br', brotliCompressSync],
])('a request that is coded as %s is read, and leaves as it came', async (coding, code) => {
  const scene = await start({ tools: NO_FORBIDDEN })
  scene.canary.handler = answering(messagesEvents('forbidden'))
  const body = code(JSON.stringify(MESSAGES_BODY))
  const head = call('').replace('Content-Length: 0', `Content-Length: ${body.length}`)
  const coded = head.replace('Content-Type', `Content-Encoding: ${coding}\r\nContent-Type`)
  const reply = await scene.rig.send(HOST, coded, body)
  expect(reply).not.toContain('forbidden')
  expect(scene.canary.requests.map((seen) => Buffer.from(seen.body, 'latin1'))).toEqual([body])
  expect((await callOf(scene))?.request.bytes).toBe(JSON.stringify(MESSAGES_BODY).length)
})

test('a coded request whose limit is lowered leaves in the clear', async () => {
  const budget = {
    id: 'small',
    per: 'session',
    of: {},
    windowMs: null,
    max: { output: 300 },
  } as const
  const scene = await start({ llm: { budgets: [budget] } })
  scene.rig.control.reserve = () => ({ kind: 'reserved', outputTokens: 300, microUsd: 0 })
  scene.canary.handler = answering(messagesEvents())
  const body = gzipSync(JSON.stringify(MESSAGES_BODY))
  const head = call('').replace('Content-Length: 0', `Content-Length: ${body.length}`)
  await scene.rig.send(
    HOST,
    head.replace('Content-Type', 'Content-Encoding: gzip\r\nContent-Type'),
    body,
  )
  const [sent] = scene.canary.requests
  expect(sent?.body).toBe(JSON.stringify(MESSAGES_BODY).replace('1024', '300'))
  expect(sent?.rawHeaders.map((text) => text.toLowerCase())).not.toContain('content-encoding')
})

test.each<['pass' | 'record' | 'redact', string[], RecordedFinding[]]>([
  ['pass', ['links', 'text-calls'], []],
  [
    'record',
    ['secrets', 'links', 'text-calls'],
    [{ detector: 'secret.gitlab-pat', place: 'reply', count: 1, did: 'recorded' }],
  ],
  [
    'redact',
    ['secrets', 'links', 'text-calls'],
    [{ detector: 'secret.gitlab-pat', place: 'reply', count: 1, did: 'redacted' }],
  ],
])('secrets in a reply: %s', async (secrets, by, findings) => {
  const scene = await start({ llm: { replies: { secrets } } })
  // made up
  const token = ['glp', 'at-', 'x7Kq9Zp2Lm4Vt8Rw3Ns6'].join('')
  const events = messagesEvents().map((event) =>
    event.replace('I will look.', `It is ${token}, I think.`),
  )
  scene.canary.handler = answering(events)
  const body = bodyOf(await scene.rig.send(HOST, call(MESSAGES_BODY)))
  if (secrets === 'redact') expect(body).not.toContain(token)
  else expect(body).toBe(events.join(''))
  const made = await callOf(scene)
  expect(made?.findings ?? []).toEqual(findings)
  expect(made?.coverage.find(({ part }) => part === 'reply text')?.by).toEqual(by)
})
