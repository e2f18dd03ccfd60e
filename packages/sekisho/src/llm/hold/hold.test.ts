import { expect, test } from 'vitest'
import type { ModelApi } from '../../core/action.ts'
import type { Judged } from '../format.ts'
import { makeReplyHold } from './make-reply-hold.ts'
import { readAsClient } from './testing/client.ts'
import {
  added,
  call,
  chunk,
  done,
  end,
  fn,
  holdOf,
  item,
  json,
  named,
  OPTIONS,
  plain,
  run,
  start,
  stop,
  tool,
  useOf,
  written,
  type Event,
} from './testing/events.ts'
import { cut, play } from './testing/play.ts'
import { geminiChunks, type Part, transcriptOf } from './testing/transcript.ts'

test.for<[string, ModelApi, string, { serverCalls: string[]; unsupported: string[] }]>([
  [
    'a search by Anthropic',
    'messages',
    named(
      start,
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
      },
      json(0, '{"q":1}'),
      stop(0),
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'web_search_tool_result', content: [] },
      },
      stop(1),
    ),
    { serverCalls: ['web_search', 'web_search_tool_result'], unsupported: [] },
  ],
  [
    'a search by OpenAI',
    'responses',
    named(
      added(item('web_search_call', {})),
      { type: 'response.web_search_call.searching', output_index: 0 },
      done(item('web_search_call', {})),
    ),
    { serverCalls: ['web_search_call'], unsupported: [] },
  ],
  [
    'code that Google ran',
    'gemini',
    plain({
      candidates: [
        {
          content: {
            parts: [{ executableCode: { code: '1' } }, { codeExecutionResult: { output: '1' } }],
          },
        },
      ],
    }),
    { serverCalls: ['executableCode', 'codeExecutionResult'], unsupported: [] },
  ],
])('%s passes, and is told (%s)', ([, api, text, want]) => {
  const hold = holdOf(api)
  const output = written([...hold.push(Buffer.from(text)), ...hold.end()])
  const { serverCalls, unsupported } = hold.facts
  expect({ output, serverCalls, unsupported }).toEqual({ output: text, ...want })
})

test('where the bundle says so, what nobody knows passes and is counted', () => {
  const text = named(
    start,
    { type: 'content_block_start', index: 0, content_block: { type: 'launch' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'launch_delta' } },
    stop(0),
    { type: 'later' },
    ...end,
  )
  const hold = holdOf('messages', { unsupported: 'pass' })
  expect(written([...hold.push(Buffer.from(text)), ...hold.end()])).toBe(text)
  expect(hold.facts.unsupported).toEqual(['launch', 'later'])
})

test('what is in front of a call leaves, and each of several calls when it is settled', () => {
  const first = named(start, ...call(0, '{"a":1}'))
  const second = named(...call(1, '{}'), ...end)
  const hold = holdOf('messages')
  const steps = hold.push(Buffer.from(first + second))
  expect(written(steps)).toBe(named(start))
  expect(hold.settle(1, { kind: 'release' })).toEqual([])
  expect(written(hold.settle(0, { kind: 'release' }))).toBe(named(...call(0, '{"a":1}')) + second)
})

test('a call whose events go through those of another leaves with it, or not at all', () => {
  const at = (output_index: number, type: string, more = {}): Event => {
    const called = { id: `i${output_index}`, call_id: `c${output_index}`, name: 'ls', ...more }
    const made = { type: 'function_call', arguments: '', ...called }
    return { type: `response.output_item.${type}`, output_index, item: made }
  }
  const hold = holdOf('responses')
  hold.push(
    Buffer.from(
      named(
        at(0, 'added'),
        at(1, 'added'),
        at(0, 'done', { arguments: '{}' }),
        at(1, 'done', { arguments: '{}' }),
      ),
    ),
  )
  expect(hold.settle(0, { kind: 'release' })).toEqual([])
  const { ran, stop: stopped } = readAsClient('responses', written(hold.cutOff('enough')))
  expect({ ran, stopped }).toEqual({ ran: [], stopped: 'completed' })
})

test('a late error does not release what is held, and what is not whole never leaves', () => {
  const error = named({ type: 'error', error: { type: 'overloaded_error', message: 'late' } })
  const hold = holdOf('messages')
  const steps = hold.push(
    Buffer.from(named(start, ...call(0, '{}'), useOf(1), json(1, '{"a":')) + error),
  )
  expect(written([...steps, ...hold.end()])).toBe(named(start))
  const rest = written(hold.settle(0, { kind: 'replace', say: 'no' }))
  expect(rest).not.toContain('tool_use')
  expect(rest.endsWith(error)).toBe(true)
})

test('behind what its client took for the end, nothing more is told', () => {
  const text = plain(chunk({}, 'stop'))
  const late = plain(tool({ index: 0, function: { name: 'x' } }))
  const { output, refused } = run('chat', text + late)
  expect(output).toBe(`${text}data: [DONE]\n\n`)
  expect(refused).toBe('llm.malformed: a call behind the end of its choice')
})

test('more than may wait is refused', () => {
  const hold = holdOf('messages')
  const steps = hold.push(
    Buffer.from(named(start, ...call(0, '{}'), ...Array<Event>(1000).fill({ type: 'ping' }))),
  )
  expect(steps.map(({ kind }) => kind)).toEqual(['write', 'refuse'])
  expect(steps.at(-1)).toEqual({
    kind: 'refuse',
    rule: 'llm.reply-too-long',
    reason: 'more than 20000 bytes behind a call',
  })
  expect(hold.settle(0, { kind: 'release' })).toEqual([])
})

test('an event that some readers read otherwise is written anew', () => {
  const text = `: c\ndata: {"type":\ndata: "ping"}\nevent: ping\nevent: ping\n\n\ufeffdata: x\n\n`
  const hold = holdOf('messages')
  expect(written(hold.push(Buffer.from(text)))).toBe('event: ping\ndata: {"type": "ping"}\n\n')
})

test('the end of a stream that no empty line has ended is an event where it is whole', () => {
  const text = named(start, ...call(0, '{}'), ...end)
  const { output } = run('messages', text.slice(0, -2))
  expect(output).toBe(text)
  const { output: broken } = run('messages', text.slice(0, -5))
  expect(broken).toBe(text.slice(0, text.lastIndexOf('event:')))
})

test('a response that breaks off is without the call that it broke off in', () => {
  const cutCall = { ...fn('{"a":'), status: 'incomplete' }
  const response = {
    id: 'r',
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output: [cutCall],
  }
  const hold = holdOf('responses')
  const text = named(added(fn('')), done(cutCall), { type: 'response.incomplete', response })
  expect(written([...hold.push(Buffer.from(text)), ...hold.end()])).toBe(
    named({ type: 'response.incomplete', response: { ...response, output: [] } }),
  )
  expect(hold.facts.stop).toBe('max_output_tokens')
})

const HELLO: Part[] = [
  { kind: 'text', pieces: ['he', 'llo'] },
  {
    kind: 'calls',
    calls: [
      { id: 'c', name: 'x', pieces: ['{}'] },
      { id: 'd', name: 'y', pieces: ['{"a":1}'] },
    ],
    isInterleaved: false,
  },
]

test.for([
  ['released', 'released', ['x', 'y'], 'hello'],
  ['replaced', 'released', ['y'], 'hello\n\nno'],
  ['released', 'replaced', ['x'], 'hello\n\nno'],
  ['replaced', 'replaced', [], 'hello\n\nno\n\nno'],
] as const)(
  'an array without alt=sse whose calls are %s and %s is one array',
  ([first, second, names, told]) => {
    const text = `[${geminiChunks(HELLO)
      .map((one) => JSON.stringify(one, null, 2))
      .join('\n,\r\n')}\n]\n`
    const judged = [first, second].map(
      (one): Judged => (one === 'released' ? { kind: 'release' } : { kind: 'replace', say: 'no' }),
    )
    for (const stream of [true, false]) {
      for (const size of [1, 9, 10_000]) {
        const hold = makeReplyHold('gemini', { stream, ...OPTIONS })
        const { output } = play(hold, cut(Buffer.from(text), [size]), {
          decide: (index) => judged[index] ?? { kind: 'release' },
          picks: [-1],
        })
        if (names.length === 2) expect(output).toBe(text)
        const chunks: unknown = JSON.parse(output)
        const asEvents = Array.isArray(chunks) ? plain(...chunks) : ''
        const { ran, text: said } = readAsClient('gemini', asEvents)
        expect([ran.map(({ name }) => name), said]).toEqual([names, told])
      }
    }
  },
)

test.for([
  ['messages', 'event: ping\ndata: {"type":"ping"}\n\n'],
  ['responses', ': sekisho\n\n'],
  ['chat', ': sekisho\n\n'],
  ['gemini', null],
] as const)('an idle client of %s is kept waiting by %j', ([api, want]) => {
  expect(holdOf(api).keepAlive?.toString() ?? null).toBe(want)
})

test('what keeps a client waiting has the line ends of what it has had, and what follows has its own', () => {
  const late = holdOf('chat')
  const text = (of: string): string => plain(chunk({ content: of })).replaceAll('\n', '\r\n')
  expect(written(late.push(Buffer.from(text('a'))))).toBe(text('a'))
  expect(late.keepAlive?.toString()).toBe(': sekisho\r\n\r\n')
  const early = holdOf('chat')
  expect(early.keepAlive?.toString()).toBe(': sekisho\n\n')
  expect(written(early.push(Buffer.from(text('a'))))).toBe(plain(chunk({ content: 'a' })))
})

test.for(['messages', 'responses', 'chat', 'gemini'] as const)('facts of a reply of %s', (api) => {
  const hold = holdOf(api)
  play(hold, [Buffer.from(transcriptOf(api, HELLO).events.join(''))], {
    decide: () => ({ kind: 'release' }),
    picks: [0],
  })
  const { model, usage, rawUsage, stop: stopped, bytes } = hold.facts
  const ends = { messages: 'tool_use', responses: 'completed', chat: 'tool_calls', gemini: 'STOP' }
  const input = api === 'messages' ? 10 : 7
  expect({ model, usage, stopped }).toEqual({
    model: 'model-1',
    usage: { input, cacheRead: 3, cacheWrite: 0, output: 20 },
    stopped: ends[api],
  })
  expect(JSON.parse(rawUsage)).toMatchObject({})
  expect([bytes.get('reply text'), bytes.get('reply calls')]).toEqual([5, 9])
})

test('usage that is told before the end of a reply is none: what follows costs too', () => {
  const hold = holdOf('messages')
  hold.push(Buffer.from(named(start)))
  expect(hold.facts.usage).toBe(null)
})
