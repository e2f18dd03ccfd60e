import { expect, test } from 'vitest'
import { isReadAlike } from './chat-alike.ts'

const CALL = { index: 0, id: 'c', type: 'function', function: { name: 'x', arguments: '{}' } }

const chunk = (more: object, { delta = {}, choice = {}, entry = {} } = {}): object => ({
  id: 'c',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [
    {
      index: 0,
      delta: { role: 'assistant', content: null, tool_calls: [{ ...CALL, ...entry }], ...delta },
      logprobs: null,
      finish_reason: null,
      ...choice,
    },
  ],
  ...more,
})

const probable = { token: 'a', logprob: -1, bytes: [97] }

test.each<[string, object]>([
  ['as OpenAI writes it', chunk({ service_tier: 'default', obfuscation: 'x' })],
  ['with what it has cost so far', chunk({ usage: { prompt_tokens: 1, cost: '0.1' } })],
  [
    'with details of that',
    chunk({ usage: { prompt_tokens: 1, prompt_tokens_details: { cached_tokens: null } } }),
  ],
  ['without a role', chunk({}, { delta: { role: '' } })],
  [
    'with how probable it was',
    chunk({}, { choice: { logprobs: { content: [{ ...probable, top_logprobs: [probable] }] } } }),
  ],
  [
    'with what Google has to be told again',
    chunk({}, { entry: { extra_content: { google: { thought_signature: 'x' } } } }),
  ],
  ['with what only one reader knows', chunk({}, { delta: { reasoning_opaque: 'x' } })],
])('a call %s is one to every reader', (_, value) => {
  expect(isReadAlike({ ...value })).toBe(true)
})

test.each<[string, object]>([
  ['an id', chunk({ id: 1 })],
  ['a time', chunk({ created: '1' })],
  ['a model', chunk({ model: {} })],
  ['a count', chunk({ usage: { prompt_tokens: '1' } })],
  ['a detail', chunk({ usage: { completion_tokens_details: { reasoning_tokens: {} } } })],
  ['a role', chunk({}, { delta: { role: 'tool' } })],
  ['an annotation', chunk({}, { delta: { annotations: [1] } })],
  ['a reason', chunk({}, { choice: { finish_reason: 1 } })],
  ['a probability', chunk({}, { choice: { logprobs: { content: [{}] } } })],
  ['a type', chunk({}, { entry: { type: '' } })],
  ['a signature', chunk({}, { entry: { extra_content: { google: 1 } } })],
  ['what is called', chunk({}, { entry: { function: null } })],
])('a call beside %s of another type is none to some', (_, value) => {
  expect(isReadAlike({ ...value })).toBe(false)
})
