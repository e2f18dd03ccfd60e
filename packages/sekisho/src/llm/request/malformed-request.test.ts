import { expect, test } from 'vitest'
import type { ModelApi } from '../../core/action.ts'
import { readModelRequest } from './read-request.ts'
import { routeTo } from './testing/read-or-throw.ts'

test.for<[ModelApi, string, string]>([
  ['messages', '{"model":"a","model":"b","messages":[]}', 'a name that stands twice in one object'],
  [
    'messages',
    String.raw`{"model":"a","\u006dodel":"b","messages":[]}`,
    'a name that stands twice in one object',
  ],
  [
    'messages',
    '{"model":"a","messages":[{"role":"user","content":"a","content":"b"}]}',
    'a name that stands twice in one object',
  ],
  ['messages', '{"model":"a","messages":[],"Tools":[]}', 'a name in other capitals than tools'],
  ['messages', '{"model":"a","me\u017fsages":[]}', 'a name in other capitals than messages'],
  [
    'messages',
    '{"model":"a","messages":[{"role":"user","Content":"a"}]}',
    'a name in other capitals than content',
  ],
  [
    'messages',
    '{"model":"a","messages":[],"stream":"true"}',
    'stream that is neither true nor false',
  ],
  ['messages', '{"model":"a","messages":[],"max_tokens":1.5}', 'max_tokens that is no count'],
  ['messages', '{"model":"a","messages":[],"max_tokens":-1}', 'max_tokens that is no count'],
  ['messages', '{"model":"a","messages":{}}', 'messages that is no list'],
  ['messages', '{"model":"a","messages":[1]}', 'a message that is no object'],
  ['messages', '{"model":3,"messages":[]}', 'a model that is no name'],
  ['messages', '{"messages":[]}', 'a request that names no model'],
  ['messages', '{"model":"a","messages":[]}{}', 'more than one value, at byte 27'],
  ['messages', '\ufeff{"model":"a"}', 'no { where one has to be, at byte 0'],
  ['messages', '{"model":"a",}', 'no name of a member, at byte 13'],
  ['messages', '{"model":"a","messages":[],}', 'no name of a member, at byte 27'],
  ['messages', '{"model":"a","messages":[{},]}', 'no value where one has to be, at byte 28'],
  ['messages', '[]', 'no { where one has to be, at byte 0'],
  ['messages', '', 'no { where one has to be, at byte 0'],
  ['messages', '{"model":"a","x":{]}', 'no JSON'],
  ['messages', '{"model":"a","x":[}]}', 'no JSON'],
  ['messages', '{"model":"a","x":NaN}', 'no JSON'],
  ['messages', '{"model":"a","x":01}', 'no JSON'],
  ['messages', String.raw`{"model":"a","x":"\ud800"}`, 'half a surrogate pair'],
  [
    'messages',
    `{"model":"a","x":${'['.repeat(300)}${']'.repeat(300)}}`,
    'nested more than 256 deep, at byte 273',
  ],
  ['responses', '{"model":"a","input":[],"background":true}', 'a reply in the background'],
  [
    'responses',
    '{"model":"a","input":[],"background":1}',
    'background that is neither true nor false',
  ],
  ['responses', '{"type":"response.steer","input":[]}', 'a message that is no response.create'],
  ['responses', '{"model":"a","input":3}', 'input that is neither text nor list'],
  ['chat', '{"model":"a","messages":[],"n":2}', 'n asks for several replies at once'],
  [
    'gemini',
    '{"contents":[],"generationConfig":{"candidateCount":2}}',
    'candidateCount asks for several replies at once',
  ],
  [
    'gemini',
    '{"contents":[],"system_instruction":{},"systemInstruction":{}}',
    'a name that stands twice in one object',
  ],
  [
    'gemini',
    '{"contents":[{"parts":[{"functionCall":{},"function_call":{}}]}]}',
    'functionCall in two spellings',
  ],
  [
    'gemini',
    '{"contents":[{"parts":[{"functioncall":{}}]}]}',
    'a name in other capitals than functionCall',
  ],
  [
    'gemini',
    '{"contents":[],"generationConfig":{"maxOutputTokens":"9"}}',
    'maxOutputTokens that is no count',
  ],
])('%s: %s is malformed', ([api, body, reason]) => {
  expect(readModelRequest(routeTo(api), Buffer.from(body))).toEqual({ kind: 'malformed', reason })
})

test('bytes that are no UTF-8 are malformed', () => {
  const body = Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xff]), Buffer.from('"}')])
  expect(readModelRequest(routeTo('chat'), body)).toEqual({
    kind: 'malformed',
    reason: 'bytes that are no UTF-8',
  })
})

test('a path that nobody reads makes any body malformed', () => {
  const unread = 'a reply as a binary event stream'
  expect(readModelRequest({ ...routeTo('messages'), unread }, Buffer.from('{}'))).toEqual({
    kind: 'malformed',
    reason: unread,
  })
})

test('what the path says goes before the body', () => {
  const body = Buffer.from('{"anthropic_version":"x","messages":[],"stream":false}')
  const at = { ...routeTo('messages'), model: 'claude-x', stream: true }
  expect(readModelRequest(at, body)).toMatchObject({ model: 'claude-x', stream: true })
  const same = Buffer.from('{"model":"claude-x","messages":[]}')
  expect(readModelRequest(at, same)).toMatchObject({ model: 'claude-x' })
})

test('a body that names another model than its path is malformed', () => {
  const at = { ...routeTo('messages'), model: 'claude-x' }
  expect(readModelRequest(at, Buffer.from('{"model":"claude-y","messages":[]}'))).toEqual({
    kind: 'malformed',
    reason: 'another model than its path names',
  })
})

test('a deployment of Azure has another name than the model in its body', () => {
  const at = { ...routeTo('chat'), model: 'ours' }
  const body = Buffer.from('{"model":"gpt-5","messages":[]}')
  expect(readModelRequest(at, body)).toMatchObject({ kind: 'read', model: 'ours' })
})

test.for([
  ['lists within lists', `{"model":"m","x":[${'[],'.repeat(1_000_000)}[]]}`],
  ['messages', `{"model":"m","messages":[${'{"role":"user","content":""},'.repeat(1_000_001)}{}]}`],
] as const)('a body of very many small values is malformed: %s', ([, body]) => {
  const read = readModelRequest(routeTo('messages'), Buffer.from(body))
  expect(read).toMatchObject({ reason: expect.stringMatching(/^more than 1000000 values/) })
})
