import { expect, test } from 'vitest'
import type { ModelApi } from '../../src/core/action.ts'
import { encodeEventStream } from '../../src/llm/event-stream.ts'
import { chunkOf } from '../../src/llm/hold/bedrock-frames.ts'
import {
  answering,
  call,
  MESSAGES_BODY,
  messagesEvents,
} from '../../src/gate/llm/testing/model-scene.ts'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { HOST, NOTHING_LEAKED, PLACEHOLDER, type Scene } from '../../src/gate/testing/scene.ts'
import { MARK, type Plays, RULES } from './model-provider.ts'

/** Models of Anthropic at Bedrock's own paths: replies in binary frames, and keys that are signatures. */

const makeScene = modelScenes()
const PROVIDER = {
  id: 'amazon',
  api: 'messages' satisfies ModelApi,
  flavour: 'bedrock',
  scheme: 'https',
  host: HOST,
  port: 443,
  basePath: '',
} as const
const TYPE = 'application/vnd.amazon.eventstream'
const STREAMED = '/model/us.anthropic.claude-x/invoke-with-response-stream'

const { model: _, stream: __, ...MESSAGE } = MESSAGES_BODY
const BODY = { ...MESSAGE, anthropic_version: 'bedrock-2023-05-31' }

async function start(): Promise<Scene> {
  return makeScene({ tools: RULES, llm: { providers: [PROVIDER] } })
}

const jsonOf = (event: string): string => event.slice(event.indexOf('{'), -2)
const chunks = (...commands: string[]): Buffer[] =>
  messagesEvents(...commands).map((event) => chunkOf(jsonOf(event)))

const frames =
  (messages: readonly Buffer[], { type = TYPE, cut = Infinity } = {}): Plays =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': type })
    const all = Buffer.concat(messages)
    for (let at = 0; at < all.length; at += cut) response.write(all.subarray(at, at + cut))
    response.end()
  }

/** All that a client could read of it, decoded or not. */
function readable(reply: string): string {
  const plain = reply.replaceAll(/\r\n[0-9a-f]+\r\n/g, '')
  const found = plain.matchAll(/"bytes":"(?<data>[A-Za-z0-9+/=]+)"/g)
  const decoded = [...found].map(({ groups }) => Buffer.from(groups?.['data'] ?? '', 'base64'))
  return [plain, ...decoded].join('\n')
}

async function replyTo(scene: Scene, plays: Plays, path = STREAMED): Promise<string> {
  scene.canary.handler = plays
  return readable(await scene.rig.send(HOST, call(BODY, { path })))
}

test('allowed: another program', async () => {
  const reply = await replyTo(await start(), frames(chunks('ls')))
  expect(reply).toContain(String.raw`\"ls`)
  expect(reply).not.toContain('[Sekisho]')
})

test.each<[string, Plays]>([
  ['in frames', frames(chunks(`${MARK} --now`))],
  ['in frames, byte by byte', frames(chunks(`${MARK} --now`), { cut: 1 })],
  ['in frames, between two that are allowed', frames(chunks('ls', MARK, 'pwd'))],
])('a denied call %s: denied, recorded, nothing reaches the client', async (_name, plays) => {
  const scene = await start()
  expect(await replyTo(scene, plays)).not.toContain(MARK)
  expect(scene.rig.keyholder.deniedBy()).toEqual(['no'])
})

/** @param at byte whose last bit is another */
function flip(message: Buffer, at: number): Buffer {
  const flipped = Buffer.from(message)
  flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at)
  return flipped
}

/** Up to the end of the text: nothing in them is a call. */
const TEXT_FRAMES = 4
const HEADERS = [
  [':event-type', 'chunk'],
  [':content-type', 'application/json'],
  [':message-type', 'event'],
] as const

const PING = Buffer.from(
  JSON.stringify({ bytes: Buffer.from('{"type":"ping"}').toString('base64') }),
)

/** What is whole behind it would be released. */
function spoilt(change: (message: Buffer) => Buffer): Buffer[] {
  return chunks('ls').toSpliced(
    TEXT_FRAMES,
    0,
    change(chunkOf(JSON.stringify({ type: 'ping', MARK }))),
  )
}

test.each<[string, string, Plays, string?]>([
  [
    'a frame with a wrong sum',
    'llm.malformed',
    frames(spoilt((message) => flip(message, message.length - 1))),
  ],
  [
    'a frame whose lengths have a wrong sum',
    'llm.malformed',
    frames(spoilt((message) => flip(message, 8))),
  ],
  [
    'a frame with two headers of one name',
    'llm.malformed',
    frames(spoilt(() => encodeEventStream([[':event-type', 'other'], ...HEADERS], PING))),
  ],
  [
    'a call behind an exception',
    'llm.malformed',
    frames([
      ...chunks().slice(0, TEXT_FRAMES),
      encodeEventStream([[':message-type', 'exception']], Buffer.from('{}')),
      ...chunks(MARK).slice(TEXT_FRAMES),
    ]),
  ],
  [
    'server-sent events where frames are to come',
    'llm.unreadable-reply',
    answering(messagesEvents(MARK)),
  ],
  [
    'frames where a document is to come',
    'llm.unreadable-reply',
    frames(chunks(MARK)),
    '/model/us.anthropic.claude-x/invoke',
  ],
  [
    'frames where server-sent events are to come',
    'llm.unreadable-reply',
    frames(chunks(MARK)),
    '/v1/messages',
  ],
])(
  '%s: refused, recorded, nothing of a call reaches the client',
  async (...[, by, plays, path = STREAMED]) => {
    const scene = await start()
    scene.canary.handler = plays
    const body = path === '/v1/messages' ? MESSAGES_BODY : BODY
    const reply = readable(await scene.rig.send(HOST, call(body, { path })))
    expect(reply).not.toMatch(/tool_use|forbidden-program/)
    const { keyholder } = scene.rig
    await keyholder.until((each) => each.deniedBy().length > 0)
    expect(keyholder.deniedBy()).toEqual([by])
  },
)

const SIGNED =
  'AWS4-HMAC-SHA256 Credential=AKIAOFOTHERS/20261122/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature=00'

test.each<[string, string, string]>([
  [
    'a call that is signed with a key of others',
    'invariant.foreign-key',
    call(BODY, { path: STREAMED, key: SIGNED }),
  ],
  [
    'a signature behind the placeholder',
    'invariant.foreign-key',
    call(BODY, { path: STREAMED, key: `Bearer ${PLACEHOLDER}, ${SIGNED}` }),
  ],
  [
    'a signature where models are listed',
    'invariant.foreign-key',
    call('', { path: '/inference-profiles', key: SIGNED }).replace('POST', 'GET'),
  ],
  [
    'a token of temporary keys beside the placeholder',
    'invariant.foreign-key',
    call(BODY, { path: STREAMED }).replace(
      'Content-Type',
      'X-Amz-Security-Token: of-others\r\nContent-Type',
    ),
  ],
  [
    'a body of another model than its path',
    'llm.malformed',
    call({ ...BODY, model: 'us.anthropic.claude-y' }, { path: STREAMED }),
  ],
  ['a reply that goes into a bucket', 'llm.unreadable-path', call(BODY, { path: '/async-invoke' })],
])('%s: denied, recorded, nothing leaves', async (_name, by, sent) => {
  const scene = await start()
  expect(await scene.rig.send(HOST, sent)).toMatch(/^HTTP\/1\.1 4\d\d /)
  expect(scene.rig.keyholder.deniedBy()).toEqual([by])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})
