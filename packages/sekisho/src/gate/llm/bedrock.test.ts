import { expect, test } from 'vitest'
import type { LeafInput } from '../../wire/leaves.ts'
import { encodeEventStream } from '../../llm/event-stream.ts'
import { chunkOf } from '../../llm/hold/bedrock-frames.ts'
import { HOST } from '../testing/scene.ts'
import { call, denyProgram, MESSAGES_BODY, messagesEvents } from './testing/model-scene.ts'
import { modelScenes } from './testing/model-scenes.ts'

const start = modelScenes()

const PROVIDER = {
  id: 'amazon',
  api: 'messages',
  flavour: 'bedrock',
  scheme: 'https',
  host: HOST,
  port: 443,
  basePath: '',
} as const
const MODEL = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const PATH = `/model/${encodeURIComponent(MODEL)}/invoke-with-response-stream`
const TYPE = 'application/vnd.amazon.eventstream'

const { model: _, stream: __, ...MESSAGE } = MESSAGES_BODY
const BODY = { ...MESSAGE, anthropic_version: 'bedrock-2023-05-31' }

const chunks = (...commands: string[]): Buffer[] =>
  messagesEvents(...commands).map((event) => chunkOf(event.slice(event.indexOf('{'))))

/** One call of it, and what came back: events where they are some. */
async function ask(
  { type = TYPE, messages }: { type?: string; messages: readonly Buffer[] },
  tools = denyProgram('forbidden'),
) {
  const scene = await start({ llm: { providers: [PROVIDER] }, tools })
  scene.canary.handler = (_request, response) => {
    response.writeHead(200, { 'content-type': type })
    for (const message of messages) response.write(message)
    response.end()
  }
  const reply = await scene.rig.send(HOST, call(BODY, { path: PATH }))
  const intents = scene.rig.keyholder.intents().map(({ action, verdict }) => ({
    kind: action.kind,
    verdict: verdict.kind,
  }))
  return { scene, reply, intents: intents.filter(({ kind }) => kind !== 'dns.resolve') }
}

/** Events in what was written as chunks of HTTP: each message of the stream is ASCII behind its sums. */
function eventsIn(reply: string): string {
  const found = reply.matchAll(/"bytes":"(?<data>[A-Za-z0-9+/=]+)"/g)
  return [...found].map(({ groups }) => Buffer.from(groups?.['data'] ?? '', 'base64')).join('\n')
}

test('a denied call in a binary event stream never leaves, on record, and the rest does', async () => {
  const { scene, reply, intents } = await ask({ messages: chunks('forbidden --now', 'ls') })
  const events = eventsIn(reply)
  expect(reply).toMatch(/content-type: application\/vnd\.amazon\.eventstream/i)
  expect(events).not.toContain('forbidden')
  expect(events).toContain('[Sekisho]')
  expect(events).toContain(String.raw`"partial_json":"\":\"ls`)
  expect(intents).toEqual([
    { kind: 'llm.generate', verdict: 'allow' },
    { kind: 'llm.tool-call', verdict: 'deny' },
    { kind: 'llm.tool-call', verdict: 'allow' },
  ])
  const isCall = (leaf: LeafInput): boolean => leaf.type === 'llm.call'
  await scene.rig.keyholder.until(({ leaves }) => leaves.some(isCall))
  expect(scene.rig.keyholder.leaves.find(isCall)).toMatchObject({
    provider: 'amazon',
    model: MODEL,
    api: 'messages',
    stream: true,
    usage: { input: 100, cacheRead: 40, cacheWrite: 0, output: 25 },
    calls: { proposed: 2, released: 1, replaced: 1 },
  })
})

function withWrongSum(message: Buffer = Buffer.alloc(16)): Buffer {
  return Buffer.concat([message.subarray(0, -1), Buffer.from([(message.at(-1) ?? 0) ^ 1])])
}

test.each([
  [
    'in server-sent events, which its client would read otherwise',
    'text/event-stream',
    chunks('ls'),
  ],
  ['with a wrong sum', TYPE, [withWrongSum(chunks()[0]), ...chunks('ls')]],
])('a reply %s is refused', async (_name, type, messages) => {
  const { reply, intents } = await ask({ type, messages })
  expect(eventsIn(reply)).not.toContain('I will look')
  expect(intents).toEqual([{ kind: 'llm.generate', verdict: 'allow' }])
})

test('an exception behind the beginning of a call releases nothing of it', async () => {
  const headers = [
    [':exception-type', 'throttlingException'],
    [':content-type', 'application/json'],
    [':message-type', 'exception'],
  ] as const
  const exception = encodeEventStream(headers, Buffer.from('{"message":"slow down"}'))
  const { reply, intents } = await ask({ messages: [...chunks('ls').slice(0, 6), exception] })
  expect(eventsIn(reply)).toContain('I will look')
  expect(eventsIn(reply)).not.toContain('tool_use')
  expect(reply).toContain('slow down')
  expect(intents).toEqual([{ kind: 'llm.generate', verdict: 'allow' }])
})
