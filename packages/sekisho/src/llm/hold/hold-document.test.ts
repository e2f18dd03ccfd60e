import { expect, test } from 'vitest'
import type { ModelApi } from '../../core/action.ts'
import type { Judged } from '../format.ts'
import { makeReplyHold } from './make-reply-hold.ts'
import { cut, play } from './testing/play.ts'

const OPTIONS = { unsupported: 'deny', maxCallBytes: 200, maxHeldBytes: 5000 } as const

const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'model-1',
  content: [
    { type: 'text', text: 'hello' },
    { type: 'tool_use', id: 'c1', name: 'first', input: { a: 1 } },
    { type: 'tool_use', id: 'c2', name: 'second', input: {} },
  ],
  stop_reason: 'tool_use',
  usage: { input_tokens: 4, output_tokens: 5 },
}
const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'model-1',
  output: [
    { type: 'reasoning', id: 'r1', summary: [] },
    { type: 'function_call', id: 'f1', call_id: 'c1', name: 'first', arguments: '{"a":1}' },
    { type: 'custom_tool_call', id: 'f2', call_id: 'c2', name: 'second', input: '{}' },
  ],
  usage: { input_tokens: 4, output_tokens: 5 },
}
const COMPLETION = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'model-1',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: 'hello',
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'first', arguments: '{"a":1}' } },
          { id: 'c2', type: 'custom', custom: { name: 'second', input: '{}' } },
        ],
      },
      logprobs: null,
      finish_reason: 'tool_calls',
    },
  ],
  usage: { prompt_tokens: 4, completion_tokens: 5 },
}
const GENERATED = {
  candidates: [
    {
      content: {
        role: 'model',
        parts: [
          { text: 'hello' },
          { functionCall: { name: 'first', args: { a: 1 } } },
          { functionCall: { name: 'second' } },
        ],
      },
      finishReason: 'STOP',
    },
  ],
  modelVersion: 'model-1',
  usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 5 },
}
const WHOLE: Readonly<Record<ModelApi, object>> = {
  messages: MESSAGE,
  responses: RESPONSE,
  chat: COMPLETION,
  gemini: GENERATED,
}
const APIS = Object.keys(WHOLE) as ModelApi[] // oxlint-disable-line typescript/no-unsafe-type-assertion -- keys of the record above

function run(api: ModelApi, document: string, judged: readonly Judged[]): ReturnType<typeof play> {
  const hold = makeReplyHold(api, { stream: false, ...OPTIONS })
  return play(hold, cut(Buffer.from(document), [7]), {
    decide: (index) => judged[index] ?? { kind: 'release' },
    picks: [1],
  })
}

const REPLACED = { kind: 'replace', say: 'no' } as const
const RELEASED = { kind: 'release' } as const

test.for(APIS)('a whole reply of %s leaves as it came, and nothing of it before', (api) => {
  const document = JSON.stringify(WHOLE[api], null, 1)
  const { output, judged, settled } = run(api, document, [])
  expect(output).toBe(document)
  expect([...judged.values()]).toEqual(['first {"a":1}', 'second {}'])
  expect(settled.map(({ before }) => before)).toEqual(['', ''])
})

test.for(APIS)('facts of a whole reply of %s', (api) => {
  const hold = makeReplyHold(api, { stream: false, ...OPTIONS })
  play(hold, [Buffer.from(JSON.stringify(WHOLE[api]))], { decide: () => RELEASED, picks: [0] })
  const { model, usage, bytes } = hold.facts
  expect(model).toBe('model-1')
  expect(usage).toEqual({ input: 4, cacheRead: 0, cacheWrite: 0, output: 5 })
  expect(bytes.get('reply calls')).toBe(9)
  expect(bytes.get('reply text')).toBe(api === 'responses' ? undefined : 5)
})

const text = { type: 'text', text: 'no' }
const said = {
  type: 'message',
  id: 'msg_sekisho_0',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'no', annotations: [], logprobs: [] }],
}
const [choice] = COMPLETION.choices
const [candidate] = GENERATED.candidates

test.for<[string, ModelApi, Judged[], unknown]>([
  [
    'the first call is a text',
    'messages',
    [REPLACED, RELEASED],
    { ...MESSAGE, content: [MESSAGE.content[0], text, MESSAGE.content[2]] },
  ],
  [
    'without a call left the turn ends',
    'messages',
    [REPLACED, REPLACED],
    { ...MESSAGE, content: [MESSAGE.content[0], text, text], stop_reason: 'end_turn' },
  ],
  [
    'the first call is a message',
    'responses',
    [REPLACED, RELEASED],
    { ...RESPONSE, output: [RESPONSE.output[0], said, RESPONSE.output[2]] },
  ],
  [
    'the second call stays',
    'chat',
    [REPLACED, RELEASED],
    {
      ...COMPLETION,
      choices: [
        {
          ...choice,
          message: {
            role: 'assistant',
            content: 'hello\n\nno',
            tool_calls: choice?.message.tool_calls.slice(1),
          },
        },
      ],
    },
  ],
  [
    'without a call left the choice stops',
    'chat',
    [REPLACED, REPLACED],
    {
      ...COMPLETION,
      choices: [
        {
          ...choice,
          message: { role: 'assistant', content: 'hello\n\nno\n\nno' },
          finish_reason: 'stop',
        },
      ],
    },
  ],
  [
    'a part is a text',
    'gemini',
    [RELEASED, REPLACED],
    {
      ...GENERATED,
      candidates: [
        {
          ...candidate,
          content: {
            role: 'model',
            parts: [...(candidate?.content.parts.slice(0, 2) ?? []), { text: '\n\nno' }],
          },
        },
      ],
    },
  ],
])('%s (%s)', ([, api, judged, want]) => {
  const { output } = run(api, JSON.stringify(WHOLE[api]), judged)
  expect(JSON.parse(output)).toEqual(want)
})

test.for<[string, ModelApi, string, string]>([
  ['no JSON', 'messages', '<html>', 'llm.malformed'],
  ['a name twice', 'chat', '{"choices":[],"choices":[]}', 'llm.malformed'],
  ['an unknown block', 'messages', '{"content":[{"type":"launch"}]}', 'llm.unsupported'],
  ['an unknown item', 'responses', '{"output":[{"type":"launch"}]}', 'llm.unsupported'],
  ['an unknown member', 'chat', '{"choices":[{"message":{"launch":{}}}]}', 'llm.unsupported'],
  [
    'an unknown part',
    'gemini',
    '{"candidates":[{"content":{"parts":[{"launch":1}]}}]}',
    'llm.unsupported',
  ],
  [
    'a part that is two',
    'gemini',
    '{"candidates":[{"content":{"parts":[{"text":"a","functionCall":{}}]}}]}',
    'llm.malformed',
  ],
  [
    'arguments in pieces',
    'gemini',
    '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"x","partialArgs":[]}}]}}]}',
    'llm.malformed',
  ],
  [
    'arguments that are a text',
    'messages',
    '{"content":[{"type":"tool_use","name":"x","input":"{}"}]}',
    'llm.malformed',
  ],
  [
    'arguments that are no JSON',
    'chat',
    '{"choices":[{"message":{"tool_calls":[{"function":{"name":"x","arguments":"{"}}]}}]}',
    'llm.malformed',
  ],
  [
    'a call of two types',
    'chat',
    '{"choices":[{"message":{"tool_calls":[{"function":{},"custom":{}}]}}]}',
    'llm.malformed',
  ],
  [
    'a call without a name',
    'responses',
    '{"output":[{"type":"function_call","arguments":"{}"}]}',
    'llm.malformed',
  ],
  [
    'long arguments',
    'messages',
    `{"content":[{"type":"tool_use","name":"x","input":{"a":"${'a'.repeat(200)}"}}]}`,
    'llm.reply-too-long',
  ],
  ['a long document', 'responses', JSON.stringify({ a: 'a'.repeat(6000) }), 'llm.reply-too-long'],
])('%s is refused (%s), with a reply that its client can read', ([, api, document, rule]) => {
  const { output, refused } = run(api, document, [])
  expect(refused?.split(':')[0]).toBe(rule)
  expect(JSON.parse(output)).toBeTypeOf('object')
  expect(output).toContain('The rest of this reply was refused')
})

test.for<[string, ModelApi]>([
  [
    '{"type":"error","error":{"type":"overloaded_error","message":"late"},"request_id":"r"}',
    'messages',
  ],
  ['{"error":{"message":"late"}}', 'chat'],
  ['{"error":{"code":429,"message":"late"}}', 'gemini'],
])('what failed is told as it is: %s', ([document, api]) => {
  expect(run(api, document, [])).toMatchObject({ output: document, refused: null })
})
