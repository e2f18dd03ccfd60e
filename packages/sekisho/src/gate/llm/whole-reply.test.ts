import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Deny, deny } from '../../core/verdict.ts'
import { makeReplyHold } from '../../llm/hold/make-reply-hold.ts'
import { replySaying } from '../../llm/hold/reply-saying.ts'
import { ModelSink } from './model-sink.ts'
import { messagesEvents } from './testing/model-scene.ts'
import { NotingSink } from './testing/noting-sink.ts'

// A reply of which nothing passes before all of it has been looked at.

const EVENTS = ['content-type', 'text/event-stream']
const DOCUMENT = ['content-type', 'application/json']
const SAID = messagesEvents().join('')
const MESSAGE = JSON.stringify({
  id: 'm',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text: 'I will look.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
})
const BOUNDS = { unsupported: 'deny', maxCallBytes: 1000, maxHeldBytes: 100_000 } as const

type Scene = {
  client: NotingSink
  sink: ModelSink
  refused: string[]
  say: (refusal: Deny | undefined) => Promise<void>
  fail: () => Promise<void>
}

function scene(): Scene {
  const client = new NotingSink()
  const refused: string[] = []
  const looked = Promise.withResolvers<Deny | undefined>()
  const sink = new ModelSink(client, {
    newHold: (form) => makeReplyHold('messages', { ...BOUNDS, stream: form === 'events' }),
    judge: () => Promise.resolve({ kind: 'release' }),
    seen: () => undefined,
    refused: (rule) => refused.push(rule),
    refusal: (reason) => ({ status: 403, fields: [], body: reason }),
    whole: {
      isWanted: () => true,
      look: () => looked.promise,
      saying: (text) => replySaying('messages', text),
    },
  })
  const say = async (refusal: Deny | undefined): Promise<void> => {
    looked.resolve(refusal)
    await turn()
  }
  const fail = async (): Promise<void> => {
    looked.reject(new Error('broken'))
    await turn()
  }
  return { client, sink, refused, say, fail }
}

test('events wait for all of them, and then pass as they came', async () => {
  const { client, sink, say } = scene()
  sink.head(200, 'OK', [...EVENTS])
  sink.end(SAID)
  expect([client.heads.length, client.text, client.isEnded]).toEqual([1, '', false])
  await say(undefined)
  await sink.settled
  expect([client.text, client.isEnded]).toEqual([SAID, true])
})

test('a document waits as well', async () => {
  const { client, sink, say } = scene()
  sink.head(200, 'OK', [...DOCUMENT])
  sink.end(MESSAGE)
  expect([client.heads.length, client.text]).toEqual([0, ''])
  await say(undefined)
  expect([client.text, client.isEnded]).toEqual([MESSAGE, true])
})

test('a document that is refused is a refusal from its head on', async () => {
  const { client, sink, say, refused } = scene()
  sink.head(200, 'OK', [...DOCUMENT])
  sink.end(MESSAGE)
  await say(deny('filter.x', 'why'))
  expect([client.heads[0]?.status, client.isEnded, refused]).toEqual([403, true, ['filter.x']])
  expect(client.text).not.toContain('I will look.')
})

test.for([EVENTS, DOCUMENT])(
  'what is cut off while it is looked at does not pass: %s',
  async (fields) => {
    const { client, sink, say } = scene()
    sink.head(200, 'OK', [...fields])
    sink.end(fields === EVENTS ? SAID : MESSAGE)
    sink.cutOff('the budget is spent')
    await say(undefined)
    await sink.settled
    expect(client.text).toContain('the budget is spent')
    expect(client.text).not.toContain('I will look.')
    expect(client.isEnded).toBe(true)
  },
)

test('what cannot be looked at does not pass', async () => {
  const { client, sink, fail, refused } = scene()
  sink.head(200, 'OK', [...EVENTS])
  sink.end(SAID)
  await fail()
  await sink.settled
  expect(client.text).not.toContain('I will look.')
  expect([client.isGone, refused]).toEqual([true, ['llm.unreadable-reply']])
})

test('an upstream that breaks off leaves nothing behind', () => {
  const { client, sink } = scene()
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from(messagesEvents().slice(0, 3).join('')))
  sink.destroy()
  expect([client.text, client.isGone]).toEqual(['', true])
})
