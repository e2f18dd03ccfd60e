import { expect, test } from 'vitest'
import type { LlmAlias, LlmProvider } from '../../wire/llm.ts'
import { keyFields, providerAction, readGatewayPath, type Target, targetsFor } from './targets.ts'

const OLLAMA: LlmProvider = {
  id: 'ollama',
  api: 'chat',
  flavour: 'native',
  scheme: 'http',
  host: 'ollama.example',
  port: 11_434,
  basePath: '/v1',
}
const AZURE: LlmProvider = {
  ...OLLAMA,
  id: 'azure',
  flavour: 'azure',
  scheme: 'https',
  port: 443,
  basePath: '',
}
const VERTEX: LlmProvider = {
  ...AZURE,
  id: 'vertex',
  api: 'messages',
  flavour: 'vertex',
  basePath: '/v1/projects/p/locations/l',
}

function alias(strategy: LlmAlias['strategy']): LlmAlias {
  const target = (provider: string, weight: number): LlmAlias['targets'][number] => ({
    provider,
    model: `m-${provider}`,
    weight,
  })
  const targets = [target('ollama', 1), target('azure', 3), target('gone', 1)]
  return { name: 'fast', strategy, targets, retries: 2 }
}

const settings = (strategy: LlmAlias['strategy'] = 'fallback') => ({
  aliases: [alias(strategy)],
  providers: [OLLAMA, AZURE, VERTEX],
})

const idsOf = (found: ReturnType<typeof targetsFor>): unknown =>
  found?.targets.map(({ provider, model }) => `${provider.id} ${model}`)

test('an alias leads to its targets in their order, without those that nobody knows', () => {
  const found = targetsFor('fast', settings(), 0)
  expect([idsOf(found), found?.retries]).toEqual([['ollama m-ollama', 'azure m-azure'], 2])
})

test.each<[number, string[]]>([
  [0, ['ollama m-ollama', 'azure m-azure']],
  [0.19, ['ollama m-ollama', 'azure m-azure']],
  [0.21, ['azure m-azure', 'ollama m-ollama']],
  [0.79, ['azure m-azure', 'ollama m-ollama']],
])('a balanced alias begins by weight: %s', (pick, expected) => {
  expect(idsOf(targetsFor('fast', settings('balance'), pick))).toEqual(expected)
})

test('a provider and a model may be named', () => {
  expect(idsOf(targetsFor('anthropic/claude-x', settings(), 0))).toEqual(['anthropic claude-x'])
  expect(idsOf(targetsFor('ollama/library/m:7b', settings(), 0))).toEqual(['ollama library/m:7b'])
})

test.each(['claude-x', 'nobody/claude-x', ''])('%j leads nowhere', (name) => {
  expect(targetsFor(name, settings(), 0)).toBeUndefined()
})

const at = (
  provider: LlmProvider | undefined,
  stream = false,
  what: 'generate' | 'count-tokens' = 'generate',
): string => {
  if (provider === undefined) return ''
  const { path, query } = providerAction({ provider, model: 'm/1' }, { what, stream })
  return query === null ? path : `${path}?${query}`
}
const known = (id: string): LlmProvider | undefined =>
  targetsFor(`${id}/m`, { aliases: [], providers: [] }, 0)?.targets[0]?.provider

test.each<[string, string, string]>([
  ['anthropic', at(known('anthropic')), '/v1/messages'],
  ['its count', at(known('anthropic'), false, 'count-tokens'), '/v1/messages/count_tokens'],
  ['openai', at(known('openai'), true), '/v1/responses'],
  ['openai by chat', at(known('openai-chat'), true), '/v1/chat/completions'],
  ['google', at(known('google')), '/v1beta/models/m%2F1:generateContent'],
  [
    'google in a stream',
    at(known('google'), true),
    '/v1beta/models/m%2F1:streamGenerateContent?alt=sse',
  ],
  ['ollama', at(OLLAMA), '/v1/chat/completions'],
  ['azure', at(AZURE), '/openai/deployments/m%2F1/chat/completions?api-version=2024-10-21'],
  [
    'vertex',
    at(VERTEX, true),
    '/v1/projects/p/locations/l/publishers/anthropic/models/m%2F1:streamRawPredict',
  ],
])('the place of %s', (_, path, expected) => {
  expect(path).toBe(expected)
})

test.each([
  ['/v1/messages', { api: 'messages', what: 'generate', model: null }],
  ['/v1/responses', { api: 'responses', what: 'generate', model: null }],
  ['/v1/chat/completions', { api: 'chat', what: 'generate', model: null }],
  ['/v1beta/models/fast:streamGenerateContent', { api: 'gemini', what: 'generate', model: 'fast' }],
  ['/v1/models', { api: 'chat', what: 'models', model: null }],
  ['/v1/files', undefined],
  ['/', undefined],
])('%s', (path, expected) => {
  expect(readGatewayPath(path)).toEqual(expected)
})

test('a key is a placeholder of the session, as its header wants it', () => {
  const bound = {
    name: 'k',
    hosts: ['*.example'],
    port: 443,
    header: 'authorization',
    placeholder: 'PH',
  }
  const target: Target = { provider: AZURE, model: 'm' }
  expect(keyFields(target.provider, [bound])).toEqual(['authorization', 'Bearer PH'])
  expect(keyFields(target.provider, [{ ...bound, header: 'api-key' }])).toEqual(['api-key', 'PH'])
  expect(keyFields(OLLAMA, [bound])).toEqual([])
  const aws = { of: 'aws', part: 'id', region: 'us-east-1', service: 'bedrock' } as const
  expect(keyFields(target.provider, [{ ...bound, aws }])).toEqual([
    'authorization',
    expect.stringMatching(
      /^AWS4-HMAC-SHA256 Credential=PH\/\d{8}\/us-east-1\/bedrock\/aws4_request, SignedHeaders=host, Signature=0{64}$/,
    ),
  ])
})
