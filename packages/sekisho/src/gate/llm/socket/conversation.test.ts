import { expect, test } from 'vitest'
import type { Json } from '../../../core/facts.ts'
import { Conversation, RememberedRoom } from './conversation.ts'

const user = (text: string): Json => ({ type: 'message', role: 'user', content: text })
const create = (over: object): Buffer =>
  Buffer.from(JSON.stringify({ type: 'response.create', model: 'm', ...over }))

function bodyOf(conversation: Conversation, over: object): unknown {
  const begun = conversation.begin(create(over))
  return begun.kind === 'call' ? JSON.parse(begun.body.toString()) : begun
}

test('a call without a past is posted as it is', () => {
  const conversation = new Conversation(() => 'resp_own', new RememberedRoom())
  expect(bodyOf(conversation, { input: [user('a')], store: false })).toEqual({
    model: 'm',
    store: false,
    input: [user('a')],
    stream: true,
  })
})

test('a call that goes on from a reply is made whole', () => {
  const conversation = new Conversation(() => 'resp_own', new RememberedRoom())
  const output = [
    { type: 'reasoning', id: 'rs_1' },
    { type: 'reasoning', id: 'rs_2', encrypted_content: 'x' },
    { type: 'function_call', call_id: 'c1', name: 'shell', arguments: '{}' },
  ]
  conversation.remember({ id: 'resp_1', output }, [user('a')])
  const result = { type: 'function_call_output', call_id: 'c1', output: 'ok' }
  expect(bodyOf(conversation, { input: [result], previous_response_id: 'resp_1' })).toEqual({
    model: 'm',
    input: [user('a'), output[1], output[2], result],
    stream: true,
  })
})

test('a reply that is not known here is named to the provider', () => {
  const conversation = new Conversation(() => 'resp_own', new RememberedRoom())
  expect(bodyOf(conversation, { input: 'hi', previous_response_id: 'resp_9' })).toEqual({
    model: 'm',
    input: [user('hi')],
    stream: true,
    previous_response_id: 'resp_9',
  })
})

test('a prewarm asks nobody, and may be gone on from', () => {
  const conversation = new Conversation(() => 'resp_own', new RememberedRoom())
  const begun = conversation.begin(create({ input: [user('a')], generate: false }))
  const events = begun.kind === 'prewarm' ? begun.events : []
  expect(events.map((event) => Object(JSON.parse(event)))).toMatchObject([
    { type: 'response.created', response: { id: 'resp_own', status: 'in_progress' } },
    { type: 'response.completed', response: { id: 'resp_own', status: 'completed', output: [] } },
  ])
  expect(bodyOf(conversation, { input: [user('b')], previous_response_id: 'resp_own' })).toEqual({
    model: 'm',
    input: [user('a'), user('b')],
    stream: true,
  })
})

test('only the latest replies are remembered', () => {
  const conversation = new Conversation(() => 'resp_own', new RememberedRoom())
  for (let index = 0; index < 9; index += 1) {
    conversation.remember({ id: `resp_${index}`, output: [] }, [user(`${index}`)])
  }
  expect(bodyOf(conversation, { input: [], previous_response_id: 'resp_0' })).toMatchObject({
    previous_response_id: 'resp_0',
    input: [],
  })
  expect(bodyOf(conversation, { input: [], previous_response_id: 'resp_1' })).toMatchObject({
    input: [user('1')],
  })
})

test('what the conversations of a session remember is bounded together, and given back', () => {
  const room = new RememberedRoom()
  const long = [user('a'.repeat(50 * 2 ** 20))]
  const [one, other] = ['resp_a', 'resp_b'].map((id) => new Conversation(() => id, room))
  for (const id of ['resp_1', 'resp_2']) one?.remember({ id, output: [] }, long)
  other?.remember({ id: 'resp_3', output: [] }, long)
  const isKnown = (conversation: Conversation | undefined, id: string): boolean =>
    conversation !== undefined &&
    !('previous_response_id' in Object(bodyOf(conversation, { previous_response_id: id })))
  expect([isKnown(one, 'resp_1'), isKnown(one, 'resp_2'), isKnown(other, 'resp_3')]).toEqual([
    true,
    true,
    false,
  ])
  one?.forgetAll()
  other?.remember({ id: 'resp_3', output: [] }, long)
  expect([isKnown(one, 'resp_1'), isKnown(other, 'resp_3')]).toEqual([false, true])
})

test.each([
  ['no JSON', '{'],
  ['a list', '[]'],
  ['another type', '{"type":"response.cancel"}'],
  ['no type', '{}'],
  ['an input of numbers', '{"type":"response.create","input":3}'],
  [
    'more values than anybody reads',
    `{"type":"response.create","input":[${'[],'.repeat(2 ** 20)}0]}`,
  ],
])('refused: %s', (_, text) => {
  expect(new Conversation(() => 'x', new RememberedRoom()).begin(Buffer.from(text))).toMatchObject({
    kind: 'refused',
  })
})
