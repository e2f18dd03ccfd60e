import { expect, test } from 'vitest'
import type { ModelApi } from '../../core/action.ts'
import { makeReplyHold } from './make-reply-hold.ts'
import { readAsClient } from './testing/client.ts'
import {
  added,
  call,
  chunk,
  completed,
  done,
  fn,
  item,
  json,
  named,
  plain,
  run,
  start,
  stop,
  tool,
  useOf,
} from './testing/events.ts'

test.for<[string, ModelApi, string, string]>([
  [
    'arguments that are no JSON',
    'messages',
    named(start, ...call(0, '{"a":')),
    'llm.malformed: arguments of a call: no JSON',
  ],
  [
    'arguments with a name twice',
    'messages',
    named(start, ...call(0, '{"a":1,"\\u0061":2}')),
    'llm.malformed: arguments of a call: a name that stands twice in one object',
  ],
  [
    'arguments that are no object',
    'messages',
    named(start, ...call(0, '[1]')),
    'llm.malformed: arguments of a call that are no object',
  ],
  [
    'arguments that are deep',
    'messages',
    named(start, ...call(0, `{"a":${'['.repeat(64)}${']'.repeat(64)}}`)),
    'llm.malformed: arguments of a call: nested more than 64 deep',
  ],
  [
    'arguments with half a character',
    'messages',
    named(start, ...call(0, '{"a":"\\ud800"}')),
    'llm.malformed: arguments of a call with a lone surrogate',
  ],
  [
    'arguments that are long',
    'messages',
    named(start, ...call(0, `{"a":"${'a'.repeat(200)}"}`)),
    'llm.reply-too-long: a call with more than 200 bytes of arguments',
  ],
  [
    'a call that begins with arguments',
    'messages',
    named(start, useOf(0, 'Bash', { a: 1 }), stop(0)),
    'llm.malformed: a call that begins with arguments',
  ],
  [
    'a call without a name',
    'messages',
    named(start, useOf(0, ''), stop(0)),
    'llm.malformed: a call without a name',
  ],
  [
    'a block in the place of another',
    'messages',
    named(start, ...call(0, '{}'), ...call(0, '{}')),
    'llm.malformed: a block with the index of another',
  ],
  [
    'a text in a call',
    'messages',
    named(start, useOf(0), {
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: 'a' },
    }),
    'llm.malformed: a delta that its block cannot have',
  ],
  [
    'a block that nobody knows',
    'messages',
    named(start, { type: 'content_block_start', index: 0, content_block: { type: 'launch' } }),
    'llm.unsupported: a part of type "launch"',
  ],
  [
    'an event that nobody knows',
    'messages',
    named({ type: 'launch' }),
    'llm.unsupported: a part of type "launch"',
  ],
  [
    'an event whose name is another',
    'messages',
    `event: ping\ndata: ${JSON.stringify(useOf(0))}\n\n`,
    'llm.malformed: an event whose name is not its type',
  ],
  [
    'an event with a type twice',
    'messages',
    'data: {"type":"ping","type":"content_block_stop"}\n\n',
    'llm.malformed: an event of the reply: a name that stands twice in one object',
  ],
  [
    'a stream that ends inside of a call',
    'messages',
    named(start, useOf(0), json(0, '{}')),
    'llm.malformed: the reply broke off inside of a call',
  ],
  [
    'a message that has begun',
    'messages',
    named({
      type: 'message_start',
      message: { content: [{ type: 'tool_use', name: 'x', input: {} }] },
    }),
    'llm.malformed: a message that has begun',
  ],
  [
    'two names for one call',
    'chat',
    plain(
      tool({ index: 0, function: { name: 'x', arguments: '{}' } }),
      tool({ index: 0, function: { name: 'y' } }),
    ),
    'llm.malformed: a call with two names',
  ],
  [
    'two ids for one call',
    'chat',
    plain(
      tool({ index: 0, id: 'a', function: { name: 'x' } }),
      tool({ index: 0, id: 'b', function: {} }),
    ),
    'llm.malformed: a call with two ids',
  ],
  [
    'a member of a delta that nobody knows',
    'chat',
    plain(chunk({ launch: {} })),
    'llm.unsupported: a part of type "delta.launch"',
  ],
  [
    'a whole message in a stream',
    'chat',
    plain({ choices: [{ index: 0, message: { content: 'a' } }] }),
    'llm.unsupported: a part of type "choice.message"',
  ],
  [
    'arguments told in two ways',
    'responses',
    named(
      added(fn('')),
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{}' },
      done(fn('{"a":1}')),
    ),
    'llm.malformed: arguments of a call that are told in two ways',
  ],
  [
    'a call told with two names',
    'responses',
    named(
      added(item('function_call', { call_id: 'c', name: 'safe', arguments: '' })),
      done(fn('{}')),
    ),
    'llm.malformed: a call with two names or ids',
  ],
  [
    'a message that ends as a call',
    'responses',
    named(added(item('message', { content: [] })), done(fn('{}'))),
    'llm.malformed: an item that ends as another than it began',
  ],
  [
    'a response that is completed inside of a call',
    'responses',
    named(added(fn('')), completed()),
    'llm.malformed: a response that is completed inside of a call',
  ],
  [
    'an item that nobody knows',
    'responses',
    named(done(item('launch', {}))),
    'llm.unsupported: a part of type "launch"',
  ],
  [
    'a part of a message that nobody knows',
    'responses',
    named(done(item('message', { content: [{ type: 'launch' }] }))),
    'llm.unsupported: a part of type "part.launch"',
  ],
  [
    'an event stream that is none',
    'gemini',
    'data: {"candidates":{}}\n\n',
    'llm.malformed: candidates that are no list',
  ],
  [
    'an array of something else',
    'gemini',
    '[1]',
    'llm.malformed: an array of something other than objects',
  ],
  ['an array that is not closed', 'gemini', '[{}', 'llm.malformed: an array that is not closed'],
  [
    'an array with a comma too many',
    'gemini',
    '[{},]',
    'llm.malformed: an array of something other than objects',
  ],
])('%s is refused (%s), and its client has an end', ([, api, text, want]) => {
  const { output, refused } = run(api, text)
  expect(refused).toBe(want)
  for (const name of ['Bash', 'exec', 'launch', '"x"'])
    expect(output).not.toContain(`name":"${name}`)
  if (output.startsWith('['))
    return expect(JSON.parse(output)).toHaveLength(text.includes('{}') ? 2 : 1)
  const { ran, stop: stopped, faults, text: told } = readAsClient(api, output)
  expect({ ran, faults }).toEqual({ ran: [], faults: api === 'responses' ? expect.anything() : [] })
  expect(['end_turn', 'stop', 'STOP', 'completed']).toContain(stopped)
  expect(told).toContain('The rest of this reply was refused')
})

test('a filter that has no room for more texts ends the reply as its client takes an end', () => {
  const filter = {
    push: (): string => {
      throw new RangeError('too many texts in one reply')
    },
    end: () => '',
  }
  const said = [
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hello' } },
  ]
  const hold = makeReplyHold('messages', {
    stream: true,
    unsupported: 'deny',
    maxCallBytes: 1024,
    maxHeldBytes: 4096,
    filter,
  })
  const steps = hold.push(Buffer.from(named(start, ...said)))
  expect(steps.at(-1)).toEqual({
    kind: 'refuse',
    rule: 'llm.malformed',
    reason: 'too many texts in one reply',
  })
  const told = steps.map((step) => (step.kind === 'write' ? step.bytes.toString() : ''))
  expect(told.join('')).toContain('message_stop')
})
