import { expect, test } from 'vitest'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { events, MARK, sse } from './model-provider.ts'
import {
  ARGUMENTS,
  type Asked,
  type Case,
  CHAT_END,
  ENTRY,
  MESSAGES_END,
  NOTE,
  begun,
  chunk,
  delta,
  note,
  part,
  piece,
  place,
  sender,
  start,
  stop,
} from './model-reply-events.ts'

/**
 * Calls under names that one reader passes over and another does not: Go's `encoding/json` takes names
 * in another case for the same. All of it is refused whatever the bundle says of what nobody knows.
 */

const send = sender(modelScenes())

test.each<Case>([
  ['choices', 'chat', [{ id: 'c', Choices: [delta({ tool_calls: [ENTRY] })] }, CHAT_END]],
  ['a delta', 'chat', [chunk({ index: 0, Delta: { tool_calls: [ENTRY] } }), CHAT_END]],
  ['calls', 'chat', [chunk(delta({ Tool_calls: [ENTRY] })), CHAT_END]],
  [
    'a name beside another',
    'chat',
    [
      chunk(
        delta({
          tool_calls: [{ ...ENTRY, function: { name: 'note', arguments: NOTE, Name: 'bash' } }],
        }),
      ),
      CHAT_END,
    ],
  ],
  [
    'arguments in another alphabet',
    'chat',
    [
      chunk(
        delta({
          tool_calls: [
            { ...ENTRY, function: { name: 'bash', arguments: '{}', argumentſ: ARGUMENTS } },
          ],
        }),
      ),
      CHAT_END,
    ],
  ],
  [
    'an item',
    'responses',
    [
      place('output_item.done', {
        item: { type: 'message', content: [] },
        Item: { ...note, arguments: NOTE },
      }),
      { type: 'response.completed', response: { id: 'r', status: 'completed', output: [] } },
    ],
  ],
  [
    'a block',
    'messages',
    [
      begun,
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'text', text: '', Type: 'tool_use', name: MARK },
      },
      stop(0),
      ...MESSAGES_END,
    ],
  ],
  [
    'a part',
    'gemini',
    [part({ text: 'x' }), part({ functioncall: { name: 'bash', args: { command: MARK } } })],
  ],
  [
    'a part in snake case',
    'gemini',
    [part({ function_call: { name: 'bash', args: { command: MARK } } })],
  ],
  [
    'candidates',
    'gemini',
    [
      {
        Candidates: [
          { content: { parts: [{ functionCall: { name: 'bash', args: { command: MARK } } }] } },
        ],
      },
    ],
  ],
])('%s under a name in another spelling: refused, recorded, nothing reaches the client', refused)

async function refused(_: string, api: Asked, all: Case[2]): Promise<void> {
  const { reply, denied } = await send(api, events(sse(all)))
  expect(reply).not.toContain(MARK)
  expect(await denied()).toEqual(['llm.malformed'])
}

test.each([
  ['beside the name', { command: 'ls', Command: MARK }],
  ['alone', { COMMAND: `${MARK} now` }],
])(
  'arguments under a name in another case, %s: denied, recorded, nothing reaches the client',
  async (_, args) => {
    const { reply, denied } = await send(
      'messages',
      events(
        sse([begun, start(0, 'bash'), piece(0, JSON.stringify(args)), stop(0), ...MESSAGES_END]),
      ),
    )
    expect(reply).not.toContain(MARK)
    expect(await denied()).toEqual(['llm.unreadable-call'])
  },
)

test.each(['2e-3', '1E55', '[-1.5e+2]'])(
  'the number %s, of which Anthropic’s reader makes another: denied, recorded, nothing reaches the client',
  async (number) => {
    const args = `{"text":"1e5 ${MARK}","n":${number}}`
    const all = [begun, start(0, 'note'), piece(0, args), stop(0), ...MESSAGES_END]
    const { reply, denied } = await send('messages', events(sse(all)))
    expect(reply).not.toContain(MARK)
    expect(await denied()).toEqual(['llm.unreadable-call'])
  },
)

test('allowed: numbers without an exponent', async () => {
  const args = '{"text":"1e5 \\"2e2","n":[10,-1.5,true,null]}'
  const all = [begun, start(0, 'note'), piece(0, args), stop(0), ...MESSAGES_END]
  const { reply } = await send('messages', events(sse(all)))
  expect(reply).toContain('content_block_stop')
  expect(reply).toContain('"stop_reason":"tool_use"')
})

test.each([300, 304, 399])(
  'a reply under status %i, which clients in Go take for one: nothing of it reaches the client',
  async (status) => {
    const all = sse([begun, start(0, 'bash'), piece(0, ARGUMENTS), stop(0), ...MESSAGES_END])
    const { reply } = await send('messages', events(all, { status }))
    expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(reply).not.toContain(MARK)
  },
)
