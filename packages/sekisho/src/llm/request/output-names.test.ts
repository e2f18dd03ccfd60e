import { expect, test } from 'vitest'
import { outputLimit } from './output-names.ts'

const NEW = '{"max_completion_tokens":1}'
const AZURE = 'work.services.ai.azure.com'

test.for<[string, string, string, number | null]>([
  ['api.openai.com', '/v1/chat/completions', NEW, 1],
  ['work.openai.azure.com', '/openai/deployments/d/chat/completions', NEW, 1],
  [AZURE, '/openai/v1/chat/completions', NEW, 1],
  // it serves DeepSeek, Mistral and others there, and can be told to drop what they do not know
  [AZURE, '/models/chat/completions', NEW, null],
  [AZURE, '/models/chat/completions', '{"max_tokens":1}', 1],
  ['api.groq.com', '/openai/v1/chat/completions', NEW, 1],
  ['api.deepseek.com', '/chat/completions', NEW, null],
  ['api.deepseek.com', '/chat/completions', '{"max_tokens":null,"max_completion_tokens":1}', null],
  ['api.deepseek.com', '/chat/completions', '{"max_tokens":1,"max_completion_tokens":1}', 1],
  ['ollama.internal', '/v1/chat/completions', NEW, null],
])('at %s%s, of %s, the limit that is counted on is %s', ([host, path, body, want]) => {
  expect(outputLimit({ api: 'chat', host, path }, Buffer.from(body), 1)).toBe(want)
})

test('no limit stays none, and other formats have one name', () => {
  const host = 'llm.internal'
  expect(outputLimit({ api: 'chat', host }, Buffer.from('{}'), null)).toBeNull()
  expect(outputLimit({ api: 'messages', host }, Buffer.from('{"max_tokens":5}'), 5)).toBe(5)
})
