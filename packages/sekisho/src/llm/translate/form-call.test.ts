import { expect, test } from 'vitest'
import type { LlmProvider } from '../../wire/llm.ts'
import { fieldsFor, formCall } from './form-call.ts'

const PROVIDER: LlmProvider = {
  id: 'maker',
  api: 'messages',
  flavour: 'native',
  scheme: 'https',
  host: 'maker.example',
  port: 443,
  basePath: '/v1',
}

const BODY = '{"model": "fast",  "max_tokens":9, "messages":[{"role":"user","content":"é 1e3"}]}'
const CALL = { api: 'messages' as const, what: 'generate' as const, body: Buffer.from(BODY) }

test('in its own format only the model changes, byte for byte', () => {
  const formed = formCall(CALL, { provider: PROVIDER, model: 'claude "x"' })
  expect(formed).toEqual({
    kind: 'formed',
    body: Buffer.from(BODY.replace('"fast"', String.raw`"claude \"x\""`)),
  })
})

test('a model that the body does not name is named', () => {
  const formed = formCall({ ...CALL, body: Buffer.from('{}') }, { provider: PROVIDER, model: 'm' })
  expect(formed).toEqual({ kind: 'formed', body: Buffer.from('{"model":"m"}') })
})

test('Vertex has the model in its path and the version in the body', () => {
  const provider: LlmProvider = { ...PROVIDER, flavour: 'vertex' }
  const formed = formCall(CALL, { provider, model: 'claude-x' })
  expect(formed.kind === 'formed' && JSON.parse(formed.body.toString())).toEqual({
    anthropic_version: 'vertex-2023-10-16',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'é 1e3' }],
  })
})

test.for([
  ['api.openai.com', 'max_completion_tokens'],
  ['ollama.internal', 'max_tokens'],
] as const)('%s is told its limit as %s', ([host, name]) => {
  const provider: LlmProvider = { ...PROVIDER, api: 'chat', host }
  const formed = formCall(CALL, { provider, model: 'm' })
  expect(formed.kind === 'formed' && JSON.parse(formed.body.toString())).toEqual({
    model: 'm',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'é 1e3' }] }],
    [name]: 9,
  })
  const translator =
    formed.kind === 'formed' ? formed.translate?.(200, 'application/json') : undefined
  expect(translator?.contentType).toBe('application/json')
})

test('what cannot be said is refused by its path, and so are formats that are not translated', () => {
  const chat: LlmProvider = { ...PROVIDER, api: 'chat' }
  const search = Buffer.from('{"messages":[],"tools":[{"type":"web_search_20250305","name":"x"}]}')
  expect(formCall({ ...CALL, body: search }, { provider: chat, model: 'm' })).toEqual({
    kind: 'untranslatable',
    reason: 'tools[0].type: web_search_20250305',
  })
  expect(formCall({ ...CALL, api: 'gemini' }, { provider: chat, model: 'm' })).toEqual({
    kind: 'untranslatable',
    reason: 'generate of gemini for a provider of chat',
  })
  expect(formCall({ ...CALL, what: 'count-tokens' }, { provider: chat, model: 'm' })).toEqual({
    kind: 'untranslatable',
    reason: 'count-tokens of messages for a provider of chat',
  })
})

test('Anthropic wants a version, which other clients do not send', () => {
  expect(fieldsFor(PROVIDER, () => false)).toEqual(['anthropic-version', '2023-06-01'])
  expect(fieldsFor(PROVIDER, (name) => name === 'anthropic-version')).toEqual([])
  expect(fieldsFor({ ...PROVIDER, api: 'chat' }, () => false)).toEqual([])
})
