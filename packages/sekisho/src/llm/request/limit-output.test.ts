import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MODEL_APIS, type ModelApi } from '../../core/action.ts'
import { limitOutput } from './limit-output.ts'
import { readModelRequest } from './read-request.ts'

function limited(to: { api: ModelApi; host: string }, body: string, tokens: number): unknown {
  const got = limitOutput(to, Buffer.from(body), tokens)
  return Buffer.isBuffer(got) ? got.toString() : got
}

test.for<[ModelApi, string, string]>([
  ['messages', '{"model":"m", "max_tokens": 500 }', '{"model":"m", "max_tokens": 100 }'],
  ['messages', '{"model":"m","max_tokens":50}', '{"model":"m","max_tokens":50}'],
  ['messages', '{"model":"m"}', '{"max_tokens":100,"model":"m"}'],
  ['messages', '{}', '{"max_tokens":100}'],
  ['messages', String.raw`{"max\u005ftokens":500}`, String.raw`{"max\u005ftokens":100}`],
  [
    'messages',
    '{"x":{"max_tokens":500},"max_tokens":null}',
    '{"x":{"max_tokens":500},"max_tokens":100}',
  ],
  ['responses', '{"input":"é","max_output_tokens":500}', '{"input":"é","max_output_tokens":100}'],
  ['responses', ' { "input":[] } ', ' {"max_output_tokens":100, "input":[] } '],
  [
    'chat',
    '{"max_tokens":500,"max_completion_tokens":50}',
    '{"max_tokens":100,"max_completion_tokens":50}',
  ],
  ['chat', '{"messages":[]}', '{"max_completion_tokens":100,"messages":[]}'],
  ['gemini', '{"contents":[]}', '{"generationConfig":{"maxOutputTokens":100},"contents":[]}'],
  [
    'gemini',
    '{"generation_config":{"max_output_tokens":500}}',
    '{"generation_config":{"max_output_tokens":100}}',
  ],
  [
    'gemini',
    '{"generationConfig":{"topK":1}}',
    '{"generationConfig":{"maxOutputTokens":100,"topK":1}}',
  ],
  ['gemini', '{"generationConfig":null}', '{"generationConfig":{"maxOutputTokens":100}}'],
])('%s: %s becomes %s', ([api, body, want]) => {
  expect(limited({ api, host: 'api.openai.com' }, body, 100)).toBe(want)
})

test.for([
  ['api.openai.com', 'max_completion_tokens'],
  ['eu.api.openai.com', 'max_completion_tokens'],
  ['work.openai.azure.com', 'max_completion_tokens'],
  // Ollama reads past the other name
  ['ollama.internal', 'max_tokens'],
  ['api.deepseek.com', 'max_tokens'],
])('at %s a limit of Chat is %s', ([host = '', name]) => {
  expect(limited({ api: 'chat', host }, '{"messages":[]}', 100)).toBe(
    `{"${name}":100,"messages":[]}`,
  )
})

test.for([
  [
    'api.deepseek.com',
    '{"max_completion_tokens":1}',
    '{"max_tokens":100,"max_completion_tokens":1}',
  ],
  [
    'ollama.internal',
    '{"max_completion_tokens":500}',
    '{"max_tokens":100,"max_completion_tokens":100}',
  ],
  ['api.deepseek.com', '{"max_tokens":50}', '{"max_tokens":50}'],
  ['api.groq.com', '{"max_completion_tokens":50}', '{"max_completion_tokens":50}'],
])('at %s a limit of a name that is read past is none: %s', ([host = '', body = '', want]) => {
  expect(limited({ api: 'chat', host }, body, 100)).toBe(want)
})

test.for<[ModelApi, string, (max: number, thinking: number) => string]>([
  [
    'messages',
    'Messages',
    (max, thinking) =>
      `{"max_tokens":${max},"thinking":{"type":"enabled","budget_tokens":${thinking}}}`,
  ],
  [
    'gemini',
    'Gemini',
    (max, thinking) =>
      `{"generation_config":{"thinkingConfig":{"thinking_budget":${thinking}},"maxOutputTokens":${max}}}`,
  ],
])('of %s, a budget of thinking stays below the limit', ([api, , body]) => {
  expect(limited({ api, host: '' }, body(32_000, 31_999), 2000)).toBe(body(2000, 1999))
  expect(limited({ api, host: '' }, body(32_000, 2000), 2000)).toBe(body(2000, 1999))
  expect(limited({ api, host: '' }, body(32_000, 1999), 2000)).toBe(body(2000, 1999))
  expect(limited({ api, host: '' }, body(32_000, 31_999), 1025)).toBe(body(1025, 1024))
  expect(limited({ api, host: '' }, body(32_000, 31_999), 1024)).toEqual({
    kind: 'no-room',
    thinkingTokens: 31_999,
  })
  expect(limited({ api, host: '' }, body(32_000, 31_999), 90_000)).toBe(body(32_000, 31_999))
  // its own limit is low enough: whatever it means by that
  expect(limited({ api, host: '' }, body(500, 2000), 1000)).toBe(body(500, 2000))
})

const NAMES: Readonly<Record<ModelApi, readonly string[]>> = {
  messages: ['max_tokens'],
  responses: ['max_output_tokens'],
  chat: ['max_tokens', 'max_completion_tokens'],
  gemini: [],
}

test('whatever the body is, its limit is at most the one that was set, and all else is as it was', () => {
  const limits = fc.uniqueArray(
    fc.constantFrom('max_tokens', 'max_output_tokens', 'max_completion_tokens'),
  )
  const other = fc.dictionary(fc.constantFrom('a', 'b', 'metadata'), fc.jsonValue({ maxDepth: 3 }))
  fc.assert(
    fc.property(
      fc.constantFrom(...MODEL_APIS),
      fc.record({
        names: limits,
        rest: other,
        asked: fc.integer({ min: 1, max: 4000 }),
        max: fc.integer({ min: 1, max: 4000 }),
      }),
      (api, { names, rest, asked, max }) => {
        const config =
          api === 'gemini' ? { generationConfig: { maxOutputTokens: asked, topK: 1 } } : {}
        const own = Object.fromEntries(names.map((name) => [name, asked]))
        const value = { model: 'm', ...own, ...rest, ...config }
        const body = limitOutput(
          { api, host: '' },
          Buffer.from(JSON.stringify(value, null, 1)),
          max,
        )
        if (!Buffer.isBuffer(body)) throw new Error(body.kind)
        const read = readModelRequest({ api, model: 'm', stream: null, unread: null }, body)
        if (read.kind === 'malformed') throw new Error(read.reason)
        // a server that nobody knows may read past the other name of a chat
        const counted = api === 'chat' ? ['max_tokens'] : NAMES[api]
        const isAsked = api === 'gemini' || names.some((name) => counted.includes(name))
        expect(read.maxOutputTokens).toBe(isAsked ? Math.min(asked, max) : max)
        const changed = new Set([...NAMES[api], 'generationConfig'])
        const without = (of: object) =>
          Object.fromEntries(Object.entries(of).filter(([name]) => !changed.has(name)))
        expect(without(JSON.parse(body.toString()))).toEqual(
          without(JSON.parse(JSON.stringify(value))),
        )
      },
    ),
  )
})
