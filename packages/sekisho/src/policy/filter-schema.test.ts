import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { parseModels } from './models-file.ts'

const FULL = {
  id: 'guard',
  kind: 'bedrock-guardrail',
  url: 'https://bedrock-runtime.eu-west-1.amazonaws.com/guardrail/g1/version/1',
  credential: 'file:/etc/sekisho/guard-key',
  onMatch: 'deny',
}

const read = (...filters: readonly object[]): ReturnType<typeof parseModels> =>
  parseModels(JSON.stringify({ version: 1, filters }), 'models.yaml')

test('a filter looks at what comes in from outside, and keeps back what it has not looked at', () => {
  expect(read(FULL).filters).toEqual([
    {
      id: 'guard',
      kind: 'bedrock-guardrail',
      host: 'bedrock-runtime.eu-west-1.amazonaws.com',
      port: 443,
      basePath: '/guardrail/g1/version/1',
      credential: { kind: 'file', path: '/etc/sekisho/guard-key' },
      channels: ['user', 'tool-result'],
      minPermille: 500,
      onMatch: 'deny',
      timeoutMs: 3000,
      onFailure: 'deny',
    },
  ])
})

test.for([
  ['label', 'pass'],
  ['hold', 'deny'],
  ['deny', 'deny'],
])('one that does %s on a match does %s where it fails', ([onMatch, onFailure]) => {
  expect(read({ ...FULL, onMatch }).filters).toMatchObject([{ onFailure }])
  expect(read({ ...FULL, onMatch, onFailure: 'pass' }).filters).toMatchObject([
    { onFailure: 'pass' },
  ])
})

test.for<[string, object, string]>([
  ['plain HTTP', { url: 'http://guard.example/v1' }, 'is not https'],
  ['an address', { url: 'https://10.0.0.1/v1' }, 'is no URL of a provider or filter'],
  ['a value as its credential', { credential: 'sk-made-up' }, 'a secret is a reference'],
  ['no word on a match', { onMatch: undefined }, 'onMatch'],
  ['no channel', { channels: [] }, 'channels'],
  ['a channel twice', { channels: ['user', 'user'] }, 'a channel stands twice'],
  ['an unknown key', { onmatch: 'deny' }, 'unknown key `onmatch`'],
  ['a reply that waits for people', { onMatch: 'hold', channels: ['reply'] }, 'cannot wait'],
  ['a time that nobody waits', { timeoutMs: 60_000 }, 'timeoutMs'],
  [
    'replies for Prompt Shields',
    { kind: 'prompt-shields', channels: ['reply'] },
    'not for what models write',
  ],
])('%s is refused', ([, over, message]) => {
  expect(() => read({ ...FULL, ...over })).toThrow(SekishoError)
  expect(() => read({ ...FULL, ...over })).toThrow(message)
})

test('two filters of one id are refused', () => {
  expect(() => read(FULL, FULL)).toThrow('`guard` is taken by an earlier entry')
})
