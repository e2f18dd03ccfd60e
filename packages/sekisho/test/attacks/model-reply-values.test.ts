import { expect, test } from 'vitest'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { document, events, MARK, sse } from './model-provider.ts'
import {
  ARGUMENTS,
  type Asked,
  type Case,
  CHAT_END,
  ENTRY,
  MESSAGES_END,
  NOTE,
  added,
  begun,
  chunk,
  custom,
  delta,
  piece,
  place,
  sender,
  start,
  stop,
  whole,
} from './model-reply-events.ts'

/**
 * Calls in values that readers take in different ways: of another type, which JavaScript joins to a text
 * all the same, in blocks that one reader counts and another goes by the number of, of types that nobody
 * knows where the bundle lets such pass. All of it is refused whatever the bundle says.
 */

const send = sender(modelScenes())

test.each<Case>([
  [
    'a piece that is a list',
    'responses',
    [added, place('function_call_arguments.delta', { delta: [NOTE] }), ...whole('{}')],
  ],
  [
    'arguments told whole that are a list',
    'responses',
    [added, place('function_call_arguments.done', { arguments: [NOTE] }), ...whole('{}')],
  ],
  [
    'arguments told whole in two ways',
    'responses',
    [
      place('output_item.added', { item: { ...custom, input: '' } }),
      place('custom_tool_call_input.done', { arguments: 'ls', input: MARK }),
      place('output_item.done', { item: { ...custom, input: 'ls' } }),
    ],
  ],
  [
    'arguments told whole under another name of a tool',
    'responses',
    [
      added,
      place('function_call_arguments.done', { name: 'bash', arguments: ARGUMENTS }),
      ...whole(ARGUMENTS),
    ],
  ],
  [
    'a text that is a list',
    'responses',
    [place('output_text.delta', { item_id: 'i', content_index: 0, delta: [MARK] })],
  ],
  [
    'input that is a text',
    'messages',
    [begun, start(0, 'bash', ARGUMENTS), stop(0), ...MESSAGES_END],
  ],
  ['input that is a list', 'messages', [begun, start(0, 'bash', [MARK]), stop(0), ...MESSAGES_END]],
  [
    'a piece of a type that one reader passes over',
    'messages',
    [
      begun,
      start(0, 'bash'),
      piece(0, '{"command":"'),
      piece(0, "echo '", 'other_delta'),
      piece(0, `${MARK}'"}`),
      stop(0),
      ...MESSAGES_END,
    ],
  ],
  [
    'a text that is a list, in pieces',
    'messages',
    [
      begun,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: [MARK] } },
    ],
  ],
  [
    'a call of a type that nobody knows',
    'chat',
    [chunk(delta({ tool_calls: [{ ...ENTRY, type: 'other' }] })), CHAT_END],
  ],
  [
    'a call in a message beside the deltas',
    'chat',
    [chunk({ index: 0, delta: {}, message: { tool_calls: [ENTRY] } }), CHAT_END],
  ],
  [
    'a piece beside an error, where one reader stops',
    'chat',
    [
      {
        ...chunk(
          delta({ tool_calls: [{ ...ENTRY, function: { name: 'note', arguments: NOTE } }] }),
        ),
        error: 'x',
      },
      CHAT_END,
    ],
  ],
])('%s: refused, recorded, nothing reaches the client', refused)

test.each<Case>([
  [
    'a block under a number that is not its place',
    'messages',
    [begun, start(1, 'note'), piece(1, NOTE), stop(1), ...MESSAGES_END],
  ],
  [
    'pieces of one block behind the beginning of another',
    'messages',
    [begun, start(0, 'note'), start(1, 'bash'), piece(0, NOTE), stop(0), stop(1), ...MESSAGES_END],
  ],
  [
    'a call inside of a text, whose end is that of the call to one reader',
    'messages',
    [
      begun,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      start(1, 'note'),
      piece(1, NOTE),
      stop(1),
      stop(0),
      ...MESSAGES_END,
    ],
  ],
  [
    'a text inside of a call, whose end is that of the call to one reader',
    'messages',
    [
      begun,
      start(0, 'note'),
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      stop(1),
      piece(0, NOTE),
      stop(0),
      ...MESSAGES_END,
    ],
  ],
  [
    'a message that begins twice',
    'messages',
    [begun, start(0, 'note'), piece(0, NOTE), stop(0), begun, ...MESSAGES_END],
  ],
  [
    'a message that ends inside of a call',
    'messages',
    [begun, start(0, 'note'), piece(0, NOTE), ...MESSAGES_END.slice(0, 1), stop(0)],
  ],
])('%s: refused, recorded, nothing reaches the client', refused)

async function refused(_: string, api: Asked, all: Case[2]): Promise<void> {
  const { reply, denied } = await send(api, events(sse(all)))
  expect(reply).not.toContain(MARK)
  expect(await denied()).toEqual(['llm.malformed'])
}

const DOCUMENT = { stream: false }

test.each<[string, Asked, object]>([
  [
    'a text that is a list',
    'messages',
    { type: 'message', content: [{ type: 'text', text: [MARK] }], stop_reason: 'end_turn' },
  ],
  [
    'a call under a name in another spelling',
    'messages',
    {
      type: 'message',
      content: [],
      Content: [{ type: 'tool_use', name: 'bash', input: { command: MARK } }],
    },
  ],
  [
    'a call beside its message',
    'chat',
    { choices: [{ index: 0, message: { content: '' }, delta: { tool_calls: [ENTRY] } }] },
  ],
  [
    'a message whose content is no list',
    'responses',
    { status: 'completed', output: [{ type: 'message', content: { text: MARK } }] },
  ],
  [
    'a number without bound',
    'messages',
    {
      type: 'message',
      content: [{ type: 'tool_use', id: 'c', name: 'note', input: { text: MARK, n: 'N' } }],
    },
  ],
])('a whole reply with %s: refused, recorded, nothing reaches the client', async (_, api, body) => {
  const text = JSON.stringify(body).replace('"N"', '1e999')
  const { reply, denied } = await send(api, document(text), DOCUMENT)
  expect(reply).not.toContain(MARK)
  expect(await denied()).toEqual(['llm.malformed'])
})
