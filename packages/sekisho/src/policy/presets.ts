import type { PolicyRule } from '../wire/policy.ts'
import type { Read } from './problem.ts'
import { printable } from './problem.ts'
import { suggest } from './nearest.ts'
import type { RegistryOrigin } from './registry-config.ts'

const READ = ['GET', 'HEAD', 'OPTIONS']

/** Hosts that serve git over https, and those that serve its archives and raw files. */
const GIT_HOSTS = ['github.com', 'gitlab.com', 'bitbucket.org', 'codeberg.org']
const GIT_FILE_HOSTS = [
  'codeload.github.com',
  'objects.githubusercontent.com',
  'raw.githubusercontent.com',
  'release-assets.githubusercontent.com',
]

/**
 * Model calls of one provider, and no more: not files, batches, fine-tuning, stored prompts or
 * administration, which keep what they are given or reach beyond the session.
 */
const LLM_PROVIDERS = {
  anthropic: {
    host: 'api.anthropic.com',
    read: ['/v1/models', '/v1/models/*'],
    call: ['/v1/messages', '/v1/messages/count_tokens'],
  },
  openai: {
    host: 'api.openai.com',
    // GET /v1/responses asks for a WebSocket; the gate says whether it speaks one.
    read: ['/v1/models', '/v1/models/*', '/v1/responses'],
    call: [
      '/v1/responses',
      '/v1/responses/compact',
      '/v1/responses/input_tokens',
      '/v1/chat/completions',
      '/v1/embeddings',
    ],
  },
  google: {
    host: 'generativelanguage.googleapis.com',
    read: ['/v1/models', '/v1/models/*', '/v1beta/models', '/v1beta/models/*'],
    call: ['v1', 'v1beta'].flatMap((version) =>
      [
        'generateContent',
        'streamGenerateContent',
        'countTokens',
        'embedContent',
        'batchEmbedContents',
      ].map((method) => `/${version}/models/*:${method}`),
    ),
  },
} as const

type ProviderName = keyof typeof LLM_PROVIDERS

/** Every preset, and what it opens. `none` opens nothing and stands alone. */
const PRESETS = {
  none: () => [],
  'package-registries': readRegistries,
  'git-forges': readForges,
  'llm-providers': () => (['anthropic', 'openai', 'google'] as const).flatMap(callModels),
  'llm-providers/anthropic': () => callModels('anthropic'),
  'llm-providers/openai': () => callModels('openai'),
  'llm-providers/google': () => callModels('google'),
} as const satisfies Record<string, (registries: readonly RegistryOrigin[]) => PolicyRule[]>

export type PresetName = keyof typeof PRESETS

const PRESET_NAMES: readonly PresetName[] = Object.keys(PRESETS).filter(isPresetName)

export function readPresetName(text: string): Read<PresetName> {
  if (isPresetName(text)) return { value: text }
  const all = PRESET_NAMES.join(', ')
  return {
    problem: `unknown preset \`${printable(text)}\`; there are ${all}`,
    hint: suggest(text, PRESET_NAMES, undefined),
  }
}

/** @param registries of this machine: no registry's host is known to the code */
export function expandPreset(
  name: PresetName,
  registries: readonly RegistryOrigin[],
): readonly PolicyRule[] {
  return PRESETS[name](registries)
}

function isPresetName(text: string): text is PresetName {
  return Object.hasOwn(PRESETS, text)
}

function readRegistries(registries: readonly RegistryOrigin[]): PolicyRule[] {
  return registries.map((origin) => ({
    id: 'preset.package-registries.read',
    effect: 'allow',
    ...origin,
    methods: [...READ],
    paths: [],
  }))
}

/** Clone and fetch, never push: a push is a POST to git-receive-pack, which no rule names. */
function readForges(): PolicyRule[] {
  const hosts = [...GIT_HOSTS, ...GIT_FILE_HOSTS]
  return [
    ...hosts.map((host) => allow('preset.git-forges.read', host, { methods: READ })),
    ...GIT_HOSTS.map((host) =>
      allow('preset.git-forges.fetch', host, {
        methods: ['POST'],
        paths: ['/**/git-upload-pack'],
      }),
    ),
  ]
}

function callModels(name: ProviderName): PolicyRule[] {
  const { host, read, call } = LLM_PROVIDERS[name]
  return [
    allow(`preset.llm-providers.${name}.read`, host, { methods: ['GET'], paths: read }),
    allow(`preset.llm-providers.${name}.call`, host, { methods: ['POST'], paths: call }),
  ]
}

function allow(
  id: string,
  host: string,
  { methods, paths = [] }: { methods: readonly string[]; paths?: readonly string[] },
): PolicyRule {
  return {
    id,
    effect: 'allow',
    scheme: 'https',
    host,
    port: 443,
    methods: [...methods],
    paths: [...paths],
  }
}
