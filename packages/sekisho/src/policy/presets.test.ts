import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../core/action.ts'
import type { RuleOptions } from '../wire/policy.ts'
import { compilePolicy } from './compile.ts'
import { expandPreset, type PresetName } from './presets.ts'
import type { RegistryOrigin } from './registry-config.ts'

const ORIGINS: readonly RegistryOrigin[] = [
  { scheme: 'http', host: 'deb.example', port: 80, packages: [] },
  {
    scheme: 'https',
    host: 'npm.example',
    port: 443,
    packages: [
      { ecosystem: 'npm', base: '' },
      { ecosystem: 'npm', base: '/corp' },
    ],
  },
  {
    scheme: 'https',
    host: 'both.example',
    port: 443,
    packages: [
      { ecosystem: 'npm', base: '/api/npm' },
      { ecosystem: 'pypi', base: '/api/pypi' },
    ],
  },
  {
    scheme: 'https',
    host: 'nested.example',
    port: 443,
    packages: [
      { ecosystem: 'npm', base: '' },
      { ecosystem: 'pypi', base: '/pypi' },
    ],
  },
]

function ask(preset: PresetName, method: string, url: string): string | RuleOptions {
  const { protocol, hostname, pathname } = new URL(url)
  const [scheme, port] = protocol === 'http:' ? (['http', 80] as const) : (['https', 443] as const)
  const policy = compilePolicy({ rules: [...expandPreset(preset, ORIGINS)] }, () => 0)
  const action: HttpRequestAction = {
    kind: 'http.request',
    scheme,
    method: method.replace('SOCKET', 'GET'),
    host: hostname,
    port,
    path: pathname,
    query: null,
    ...(method === 'SOCKET' ? { upgrade: 'websocket' } : {}),
  }
  const verdict = policy.decide(action)
  return verdict.kind === 'allow' ? policy.optionsFor(action, verdict.rules) : 'denied'
}

const KEEP_KEYS = {
  maxBodyBytes: 32 * 1024 ** 2,
  treatments: { 'secret-format': 'redact', 'secret.generic-*': 'record' },
  effect: 'none',
} as const
const { effect: _none, ...KEPT } = KEEP_KEYS

test.for<[string, PresetName, string, string, string | RuleOptions]>([
  [
    'a registry of one kind is one everywhere',
    'package-registries',
    'GET',
    'https://npm.example/corp/x',
    { packages: 'npm', packagesBase: '/corp' },
  ],
  [
    'what kind of packages an archive holds is not known',
    'package-registries',
    'HEAD',
    'http://deb.example/debian',
    {},
  ],
  [
    'of two kinds at one host each is known by its path',
    'package-registries',
    'GET',
    'https://both.example/api/npm/x',
    { packages: 'npm', packagesBase: '/api/npm' },
  ],
  [
    'of two kinds at one host each is known by its path (the other)',
    'package-registries',
    'GET',
    'https://both.example/api/pypi/simple/x/',
    { packages: 'pypi', packagesBase: '/api/pypi' },
  ],
  [
    'the rest of such a host can be read',
    'package-registries',
    'GET',
    'https://both.example/files/x',
    {},
  ],
  [
    'a registry below another is itself',
    'package-registries',
    'GET',
    'https://nested.example/pypi/simple/x/',
    { packages: 'pypi', packagesBase: '/pypi' },
  ],
  [
    'and the other is what is around it',
    'package-registries',
    'GET',
    'https://nested.example/x',
    { packages: 'npm' },
  ],
  ['nothing is published', 'package-registries', 'PUT', 'https://npm.example/x', 'denied'],
  [
    'nothing is posted',
    'package-registries',
    'POST',
    'https://npm.example/-/npm/v1/security/audits',
    'denied',
  ],
  [
    'a fetch may say what it has, and nobody need look at less',
    'git-forges',
    'POST',
    'https://github.com/a/b.git/git-upload-pack',
    { maxBodyBytes: 32 * 1024 * 1024, effect: 'read' },
  ],
  [
    'a push is denied',
    'git-forges',
    'POST',
    'https://github.com/a/b.git/git-receive-pack',
    'denied',
  ],
  ['a forge is read', 'git-forges', 'GET', 'https://github.com/a/b', {}],
  [
    'keys are taken out of what goes to a model',
    'llm-providers/anthropic',
    'POST',
    'https://api.anthropic.com/v1/messages',
    KEEP_KEYS,
  ],
  [
    'a list of models is read',
    'llm-providers/google',
    'GET',
    'https://generativelanguage.googleapis.com/v1/models',
    {},
  ],
  [
    'a WebSocket of model calls ends at the gate, which posts each call',
    'llm-providers/openai',
    'SOCKET',
    'https://api.openai.com/v1/responses',
    { effect: 'none', websocket: true },
  ],
  [
    'files that a provider keeps are no model calls',
    'llm-providers/openai',
    'POST',
    'https://api.openai.com/v1/files',
    'denied',
  ],
  [
    'and have a preset of their own, which says nothing of telling nobody',
    'llm-providers/openai-files',
    'POST',
    'https://api.openai.com/v1/files',
    KEPT,
  ],
  [
    'so do batches',
    'llm-providers/anthropic-batches',
    'POST',
    'https://api.anthropic.com/v1/messages/batches',
    KEPT,
  ],
  [
    'a preset of batches asks no model at once',
    'llm-providers/anthropic-batches',
    'POST',
    'https://api.anthropic.com/v1/messages',
    'denied',
  ],
  [
    'a preset of embeddings neither',
    'llm-providers/google-embeddings',
    'POST',
    'https://generativelanguage.googleapis.com/v1beta/models/gemini-3:generateContent',
    'denied',
  ],
  [
    'the gate is asked for a model',
    'llm-gateway',
    'POST',
    'http://llm.sekisho.internal/v1/messages',
    KEEP_KEYS,
  ],
  [
    'in every format',
    'llm-gateway',
    'POST',
    'http://llm.sekisho.internal/v1beta/models/fast:streamGenerateContent',
    KEEP_KEYS,
  ],
  ['and for nothing else', 'llm-gateway', 'POST', 'http://llm.sekisho.internal/v1/files', 'denied'],
  ['no network is none', 'none', 'GET', 'https://npm.example/x', 'denied'],
])('%s', ([, preset, method, url, want]) => {
  expect(ask(preset, method, url)).toEqual(want)
})
