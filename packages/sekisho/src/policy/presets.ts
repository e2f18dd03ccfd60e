import type { HostLabel } from '../wire/decision.ts'
import type { PolicyRule, RuleOptions } from '../wire/policy.ts'
import type { Read } from './problem.ts'
import { printable } from './problem.ts'
import { suggest } from './nearest.ts'
import type { RegistryOrigin } from './registry-config.ts'

const READ = ['GET', 'HEAD', 'OPTIONS']

/** A fetch names each commit and branch that it has and wants: some MiB for a large repository. */
const GIT_NEGOTIATION: RuleOptions = { maxBodyBytes: 32 * 1024 * 1024, effect: 'read' }

/**
 * An agent that has read a key by accident goes on working, and its model provider does not get the
 * key. What only looks like one is left as it is: a model that sees other code than there is would
 * write that back.
 */
const KEEP_KEYS: RuleOptions = {
  // pictures, and all that was said before
  maxBodyBytes: 32 * 1024 * 1024,
  treatments: { 'secret-format': 'redact', 'secret.generic-*': 'record' },
}

/**
 * A model call tells nobody outside: the provider is where the session thinks. Said of these calls
 * and not of the host, whose other services keep what they are given.
 */
const MODEL_CALL: RuleOptions = { ...KEEP_KEYS, effect: 'none' }

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
    // GET /v1/responses asks for a WebSocket, which the preset does not grant: the answer 426 makes
    // clients post instead, and a posted call is whole where a message builds on those before it
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

const ALL_PROVIDERS: readonly ProviderName[] = ['anthropic', 'openai', 'google']

/** Every preset, and what it opens. `none`, or `off`, opens nothing and stands alone. */
const PRESETS = {
  none: () => [],
  'package-registries': readRegistries,
  'git-forges': readForges,
  'llm-providers': () => ALL_PROVIDERS.flatMap(callModels),
  'llm-providers/anthropic': () => callModels('anthropic'),
  'llm-providers/openai': () => callModels('openai'),
  'llm-providers/google': () => callModels('google'),
} as const satisfies Record<string, (registries: readonly RegistryOrigin[]) => PolicyRule[]>

export type PresetName = keyof typeof PRESETS

const PRESET_NAMES: readonly PresetName[] = Object.keys(PRESETS).filter(isPresetName)

export function readPresetName(text: string): Read<PresetName> {
  if (text === 'off') return { value: 'none' }
  if (isPresetName(text)) return { value: text }
  const [first, ...others] = PRESET_NAMES
  const all = [first, 'off', ...others]
  return {
    problem: `unknown preset \`${printable(text)}\`; there are ${all.join(', ')}`,
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

/**
 * What presets say of hosts. What a model answers is made of what the session told it, so it is no
 * more public than that; and the session obeys it anyway, so it is trusted or nothing is.
 */
export function presetLabels(names: readonly PresetName[]): readonly HostLabel[] {
  const providers = names.flatMap((name) => PROVIDERS_OF[name] ?? [])
  return [...new Set(providers)].map((provider) => ({
    host: LLM_PROVIDERS[provider].host,
    integrity: 'trusted',
    confidentiality: 'internal',
    external: true,
    groups: ['llm-providers'],
  }))
}

const PROVIDERS_OF: Readonly<Partial<Record<PresetName, readonly ProviderName[]>>> = {
  'llm-providers': ALL_PROVIDERS,
  'llm-providers/anthropic': ['anthropic'],
  'llm-providers/openai': ['openai'],
  'llm-providers/google': ['google'],
}

function isPresetName(text: string): text is PresetName {
  return Object.hasOwn(PRESETS, text)
}

/**
 * Reading only. Where an origin is a registry of one kind, all of it is; where it is of several, each
 * is known by its path.
 */
function readRegistries(registries: readonly RegistryOrigin[]): PolicyRule[] {
  return registries.flatMap(({ packages, ...origin }): PolicyRule[] => {
    const rule = { effect: 'allow' as const, ...origin, methods: [...READ], paths: [] }
    const whole = { ...rule, id: 'preset.package-registries.read' }
    const kinds = [...new Set(packages.map(({ ecosystem }) => ecosystem))]
    const [only] = kinds
    if (only === undefined) return [whole]
    // what is beside the bases of a registry's host is read as a registry's all the same
    const all = kinds.length === 1 ? { ...whole, options: { packages: only } } : whole
    const parts = packages.map(({ ecosystem, base }) => ({
      ...rule,
      id: `preset.package-registries.${ecosystem}`,
      paths: base === '' ? [] : [`${base}/**`],
      options: { packages: ecosystem, ...(base === '' ? {} : { packagesBase: base }) },
    }))
    return kinds.length === 1 && packages.every(({ base }) => base === '') ? [all] : [all, ...parts]
  })
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
        options: GIT_NEGOTIATION,
      }),
    ),
  ]
}

function callModels(name: ProviderName): PolicyRule[] {
  const { host, read, call } = LLM_PROVIDERS[name]
  return [
    allow(`preset.llm-providers.${name}.read`, host, { methods: ['GET'], paths: read }),
    allow(`preset.llm-providers.${name}.call`, host, {
      methods: ['POST'],
      paths: call,
      options: MODEL_CALL,
    }),
  ]
}

type Granted = { methods: readonly string[]; paths?: readonly string[]; options?: RuleOptions }

function allow(id: string, host: string, { methods, paths = [], options }: Granted): PolicyRule {
  return {
    id,
    effect: 'allow',
    scheme: 'https',
    host,
    port: 443,
    methods: [...methods],
    paths: [...paths],
    ...(options === undefined ? {} : { options }),
  }
}
