import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../../core/action.ts'
import { Placeholders } from '../placeholders.ts'
import { foreignKey } from './foreign-key.ts'

const OWN = 'sk-ant-PLACEHOLDER0123456789'
const placeholders = new Placeholders([
  {
    name: 'anthropic',
    hosts: ['api.anthropic.com'],
    port: 443,
    header: 'x-api-key',
    placeholder: OWN,
  },
  {
    name: 'bearer',
    hosts: ['api.anthropic.com'],
    port: 443,
    header: 'authorization',
    placeholder: 'PLACEHOLDERbearer0123456789',
  },
])

function at(query: string | null = null): HttpRequestAction {
  const to = { scheme: 'https', host: 'api.anthropic.com', port: 443 } as const
  return { kind: 'http.request', method: 'POST', path: '/v1/messages', query, ...to }
}

test.each<[string, string[]]>([
  ['its placeholder', ['X-Api-Key', OWN]],
  ['its placeholder as a bearer', ['Authorization', 'Bearer PLACEHOLDERbearer0123456789']],
  ['no key', ['content-type', 'application/json']],
  ['a protocol of a WebSocket', ['sec-websocket-protocol', 'realtime, openai-beta.realtime-v1']],
])('passes with %s', (_, fields) => {
  expect(foreignKey(at(), fields, placeholders)).toBeUndefined()
})

test.each<[string, string[], string | null]>([
  ['another key', ['x-api-key', 'sk-ant-of-somebody-else'], null],
  ['an empty key', ['x-api-key', ''], null],
  ['a key behind the placeholder', ['x-api-key', `${OWN} sk-ant-other`], null],
  ['the placeholder in the field of another', ['authorization', `Bearer ${OWN}`], null],
  ['a second field with another', ['x-api-key', OWN, 'X-API-KEY', 'sk-ant-other'], null],
  ['a key of another kind beside it', ['x-api-key', OWN, 'authorization', 'Bearer other'], null],
  ['a user and a password', ['authorization', 'Basic b3RoZXI6a2V5'], null],
  ['a cookie', ['x-api-key', OWN, 'cookie', 'session=other'], null],
  ['a key in the URL', [], 'key=AIzaOther'],
  ['a key in the URL, escaped', [], 'k%65y=AIzaOther'],
  ['a field in the URL, as Google takes it', [], '$httpHeaders=x-goog-api-key:AIzaOther'],
  ['a method in the URL, as Google takes it', [], '%24httpMethod=POST'],
  ['a token in the URL', [], 'oauth_token=other'],
  ['a token of a bearer in the URL', [], 'bearer_token=other'],
  ['a token of a bearer in the URL, escaped', [], '%24Bearer%5Ftoken=other'],
  ['a key that CGI would take for one', ['x_api_key', 'sk-ant-other'], null],
  [
    'a key among the protocols of a WebSocket',
    ['Sec-WebSocket-Protocol', 'realtime, openai-insecure-api-key.sk-other'],
    null,
  ],
  ['a secret among them', ['sec_websocket_protocol', 'XAI-Client-Secret.other'], null],
  ['a signature in the URL', [], 'X-Amz-Signature=abc'],
])('refuses %s', (_, fields, query) => {
  expect(foreignKey(at(query), fields, placeholders)).toMatchObject({
    kind: 'deny',
    rules: ['invariant.foreign-key'],
  })
})
