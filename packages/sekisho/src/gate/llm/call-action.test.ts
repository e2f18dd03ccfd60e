import { expect, test } from 'vitest'
import type { OfferedTool } from '../../llm/format.ts'
import { readModelRoute } from '../../llm/routes.ts'
import { readCallAction } from './call-action.ts'

const SHOWN = {
  kind: 'http.request',
  scheme: 'https',
  method: 'POST',
  host: 'api.anthropic.com',
  port: 443,
  path: '/v1/messages',
  query: null,
} as const

function read(model: string, types: readonly string[]): unknown {
  const route = readModelRoute(SHOWN, [])
  if (route === undefined) throw new TypeError('no route')
  const tools = types.map((type): OfferedTool => ({ name: type, type, isServerSide: true }))
  const client: OfferedTool = { name: 'Bash', type: 'custom', isServerSide: false }
  return readCallAction({ model, stream: true, tools: [client, ...tools] }, { route, shown: SHOWN })
}

test('a request is what it asks for, with each tool of the provider once', () => {
  expect(read('claude-sonnet-5', ['web_search_20250305', 'web_search_20250305'])).toEqual({
    kind: 'llm.generate',
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    api: 'messages',
    stream: true,
    serverTools: ['web_search_20250305'],
    scheme: 'https',
    host: 'api.anthropic.com',
    port: 443,
    path: '/v1/messages',
  })
})

const LONG = `fetch:${'a'.repeat(110)}.example.com`

test.for<[string, string, readonly string[], string]>([
  ['a model', 'm'.repeat(257), [], 'the name of the model is too long'],
  ['a type', 'm', [`${LONG}.evil.example`], 'the name of a tool of the provider is too long'],
  [
    'a list of types',
    'm',
    Array.from({ length: 65 }, (_, at) => `fetch:${at}.example.com`),
    'more tools of the provider than are decided about',
  ],
  ['half a character', 'm\ud800', [], 'a name with half a character'],
])('%s that an action cannot hold is never cut to one that it can', ([, model, types, why]) => {
  expect(read(model, types)).toBe(why)
})
