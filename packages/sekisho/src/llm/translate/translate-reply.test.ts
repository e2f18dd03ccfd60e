import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { FromChat } from './from-chat.ts'
import { FromMessages } from './from-messages.ts'
import { FromResponses } from './from-responses.ts'
import type { ReplyEvent, ReplyParser, ReplyWriter } from './reply-event.ts'
import { ToChatDocument, ToChatStream } from './to-chat.ts'
import { ToMessagesDocument, ToMessagesStream } from './to-messages.ts'
import { ToResponses } from './to-responses.ts'
import { makeReplyTranslator } from './translate-reply.ts'
import { type ReplyPlan, TRANSLATED_APIS, type TranslatedApi } from './translate-request.ts'
import type { ChangedTools } from './conversation.ts'

const Event = z.looseObject({ type: z.string(), sequence_number: z.int() })

const NONE: ChangedTools = new Map()

function planFor(from: TranslatedApi, to: TranslatedApi, isStream: boolean): ReplyPlan {
  return { from, to, isStream, tellsUsage: true, changed: NONE }
}

function writer(api: TranslatedApi, isStream: boolean): ReplyWriter {
  if (api === 'responses') return new ToResponses({ isStream, changed: NONE })
  if (api === 'chat') return isStream ? new ToChatStream(true) : new ToChatDocument()
  return isStream ? new ToMessagesStream() : new ToMessagesDocument()
}

function parser(api: TranslatedApi): ReplyParser {
  if (api === 'responses') return new FromResponses()
  return api === 'chat' ? new FromChat() : new FromMessages()
}

/** As a client of the format reads it. */
function read(api: TranslatedApi, isStream: boolean, text: string): ReplyEvent[] {
  const reader = parser(api)
  if (!isStream) return [...reader.document(JSON.parse(text))]
  const events: ReplyEvent[] = []
  for (const block of text.split('\n\n')) {
    const data = block
      .split('\n')
      .find((line) => line.startsWith('data: '))
      ?.slice(6)
    if (data !== undefined && data !== '[DONE]') events.push(...reader.event(JSON.parse(data)))
  }
  return [...events, ...reader.close()]
}

/** Texts in a row are one, and what says nothing is nothing. */
function meaning(events: readonly ReplyEvent[], hasThinking: boolean): ReplyEvent[] {
  const all: ReplyEvent[] = []
  for (const event of events) {
    if (event.kind === 'alive' || (event.kind === 'thinking' && !hasThinking)) continue
    const last = all.at(-1)
    const isMore = event.kind === 'text' || event.kind === 'thinking'
    if (isMore && last?.kind === event.kind && 'text' in last) {
      all[all.length - 1] = { ...last, text: last.text + event.text }
    } else all.push(event)
  }
  return all
}

function translated(plan: ReplyPlan, pieces: readonly Buffer[], contentType: string): string {
  const translator = makeReplyTranslator(plan, { status: 200, contentType })
  const out = pieces.map((piece) => translator.push(piece))
  return Buffer.concat([...out, translator.end()]).toString()
}

const SSE = 'text/event-stream; charset=utf-8'

test('a stream of Anthropic’s becomes one of Responses, call and all', () => {
  const stream = [
    [
      'message_start',
      {
        message: {
          id: 'msg_1',
          model: 'claude',
          usage: { input_tokens: 5, cache_read_input_tokens: 90, output_tokens: 1 },
        },
      },
    ],
    ['content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '' } }],
    ['content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } }],
    ['content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: 'x' } }],
    ['content_block_stop', { index: 0 }],
    ['content_block_start', { index: 1, content_block: { type: 'text', text: '' } }],
    ['content_block_delta', { index: 1, delta: { type: 'text_delta', text: 'I lo' } }],
    ['content_block_delta', { index: 1, delta: { type: 'text_delta', text: 'ok.' } }],
    ['content_block_stop', { index: 1 }],
    [
      'content_block_start',
      { index: 2, content_block: { type: 'tool_use', id: 'toolu_1', name: 'exec', input: {} } },
    ],
    [
      'content_block_delta',
      { index: 2, delta: { type: 'input_json_delta', partial_json: '{"input":"te' } },
    ],
    ['ping', {}],
    [
      'content_block_delta',
      { index: 2, delta: { type: 'input_json_delta', partial_json: 'xt(1)"}' } },
    ],
    ['content_block_stop', { index: 2 }],
    ['message_delta', { delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 20 } }],
    ['message_stop', {}],
  ] as const
  const bytes = stream.map(([type, value]) => {
    return Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`)
  })
  const changed: ChangedTools = new Map([
    ['exec', { name: 'exec', namespace: null, isCustom: true }],
  ])
  const text = translated({ ...planFor('messages', 'responses', true), changed }, bytes, SSE)
  const events = text.split('\n\n').flatMap((block) => {
    const data = /^data: (.*)$/m.exec(block)?.[1]
    return data === undefined ? [] : [Event.parse(JSON.parse(data))]
  })
  expect(events.map(({ type }) => type)).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.reasoning_summary_part.added',
    'response.reasoning_summary_text.delta',
    'response.reasoning_summary_text.done',
    'response.reasoning_summary_part.done',
    'response.output_item.done',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.output_item.added',
    'response.custom_tool_call_input.delta',
    'response.custom_tool_call_input.done',
    'response.output_item.done',
    'response.completed',
  ])
  expect(events.map(({ sequence_number: number }) => number)).toEqual(
    events.map((_, index) => index),
  )
  expect(events.at(-2)?.['item']).toEqual({
    id: 'ctc_2_msg_1',
    type: 'custom_tool_call',
    call_id: 'toolu_1',
    name: 'exec',
    status: 'completed',
    input: 'text(1)',
  })
  expect(events.at(-1)).toMatchObject({
    response: {
      id: 'msg_1',
      model: 'claude',
      status: 'completed',
      usage: {
        input_tokens: 95,
        input_tokens_details: { cached_tokens: 90 },
        output_tokens: 20,
        total_tokens: 115,
      },
      output: [{ type: 'reasoning' }, { type: 'message' }, { type: 'custom_tool_call' }],
    },
  })
})

test.for(['{"input":"a","code":"b"}', '{"code":"b"}', '"text"', '{"input":1}', 'text(1)'])(
  'a tool of free text is not given %s',
  (args) => {
    const changed: ChangedTools = new Map([
      ['exec', { name: 'exec', namespace: null, isCustom: true }],
    ])
    const reply = new ToChatDocument()
    reply.write({ kind: 'begin', id: 'r', model: 'm' })
    reply.write({ kind: 'call', id: 'c', name: 'exec', arguments: args })
    const bytes = Buffer.from(reply.write({ kind: 'end', stop: 'calls', usage: null }))
    const plan = { ...planFor('chat', 'responses', true), changed }
    const text = translated(plan, [bytes], 'application/json')
    expect(text).not.toContain('custom_tool_call')
    expect(text).toMatch(/^event: response\.failed$/m)
  },
)

const usage = fc.record({
  input: fc.nat(1000),
  cacheRead: fc.nat(1000),
  cacheWrite: fc.nat(1000),
  output: fc.nat(1000),
})
const word = fc.stringMatching(/^[a-zé😀"\\\n]{1,6}$/u)
const call = fc.tuple(fc.nat(9), word).map(([count, text]): ReplyEvent => {
  return { kind: 'call', id: `call_${count}`, name: 'bash', arguments: JSON.stringify({ text }) }
})
/** Thinking, text, calls: the order that all formats can say. */
const reply = fc
  .record({
    thought: fc.array(word, { maxLength: 2 }),
    said: fc.array(word, { maxLength: 3 }),
    calls: fc.array(call, { maxLength: 2 }),
    usage,
    stop: fc.constantFrom('end' as const, 'length' as const, 'filter' as const),
  })
  .map(({ thought, said, calls, usage: spent, stop }): ReplyEvent[] => [
    { kind: 'begin', id: 'r_1', model: 'm' },
    ...thought.map((text): ReplyEvent => ({ kind: 'thinking', text })),
    ...said.map((text): ReplyEvent => ({ kind: 'text', text })),
    ...calls,
    { kind: 'end', stop: calls.length > 0 ? 'calls' : stop, usage: spent },
  ])

const form = fc.record({
  from: fc.constantFrom(...TRANSLATED_APIS),
  to: fc.constantFrom(...TRANSLATED_APIS),
  isStream: fc.boolean(),
  /** servers that do not stream though they are asked to */
  comesAsStream: fc.boolean(),
})

test('whatever a reply says, its client reads the same, however the bytes come', () => {
  fc.assert(
    fc.property(reply, form, fc.array(fc.nat(4000), { maxLength: 6 }), (events, how, cuts) => {
      const { from, to, isStream, comesAsStream } = how
      const source = writer(from, comesAsStream)
      const bytes = Buffer.from(events.map((event) => source.write(event)).join(''))
      const text = translated(planFor(from, to, isStream), cut(bytes, cuts), source.contentType)
      const hasThinking = from !== 'messages' && to !== 'messages'
      expect(meaning(read(to, isStream, text), hasThinking)).toEqual(meaning(events, hasThinking))
    }),
    { numRuns: 500 },
  )
})

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...at.map((place) => place % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  )
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

test('a reply that breaks off ends in an error, never in an end', () => {
  fc.assert(
    fc.property(reply, form, fc.nat(), (events, { from, to }, place) => {
      const source = writer(from, true)
      const written = events.slice(0, -1).map((event) => source.write(event))
      const bytes = Buffer.from(written.join(''))
      const text = translated(planFor(from, to, true), cut(bytes, [place]), SSE)
      const kinds = new Set(read(to, true, text).map(({ kind }) => kind))
      expect([kinds.has('fault'), kinds.has('end')]).toEqual([true, false])
    }),
    { numRuns: 100 },
  )
})

test('random bytes are an error, and no call', () => {
  fc.assert(
    fc.property(form, fc.string(), ({ from, to, isStream, comesAsStream }, junk) => {
      const contentType = comesAsStream ? SSE : 'application/json'
      const bytes = Buffer.from(`data: ${junk}\n\n`)
      const text = translated(planFor(from, to, isStream), [bytes], contentType)
      const kinds = new Set(read(to, isStream, text).map(({ kind }) => kind))
      expect([kinds.has('fault'), kinds.has('end'), kinds.has('call')]).toEqual([
        true,
        false,
        false,
      ])
    }),
  )
})

test('an event that its own format does not have ends the reply', () => {
  const item = { type: 'web_search_call', id: 'ws_1' }
  const bytes = Buffer.from(
    `data: ${JSON.stringify({ type: 'response.output_item.done', item })}\n\n`,
  )
  const text = translated(planFor('responses', 'messages', true), [bytes], SSE)
  expect(text).toContain('event: error')
  expect(text).toContain('an item that the client’s format does not have')
})

test('an idle stream is kept alive in the client’s own way', () => {
  const ping = Buffer.from('event: ping\ndata: {"type":"ping"}\n\n')
  const comment = Buffer.from(': keep-alive\n\n')
  const push = (from: TranslatedApi, to: TranslatedApi, bytes: Buffer) =>
    makeReplyTranslator(planFor(from, to, true), { status: 200, contentType: SSE })
      .push(bytes)
      .toString()
  expect(push('messages', 'chat', ping)).toBe(': \n\n')
  expect(push('messages', 'responses', ping)).toBe(': \n\n')
  expect(push('chat', 'messages', comment)).toBe('event: ping\ndata: {"type":"ping"}\n\n')
})

test.for<[TranslatedApi, TranslatedApi, number, string, object]>([
  [
    'messages',
    'chat',
    529,
    '{"type":"error","error":{"type":"overloaded_error","message":"busy"}}',
    { error: { message: 'busy', type: 'server_error', param: null, code: 'server_error' } },
  ],
  [
    'chat',
    'messages',
    429,
    '{"error":{"message":"slow down","type":"requests"}}',
    { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } },
  ],
  [
    'responses',
    'messages',
    500,
    '<html>',
    { type: 'error', error: { type: 'api_error', message: '<html>' } },
  ],
])('an error of %s is one of %s: %i', ([from, to, status, body, want]) => {
  const translator = makeReplyTranslator(planFor(from, to, true), {
    status,
    contentType: 'application/json',
  })
  expect(translator.contentType).toBe('application/json')
  expect(translator.push(Buffer.from(body)).length).toBe(0)
  expect(JSON.parse(translator.end().toString())).toEqual(want)
})
