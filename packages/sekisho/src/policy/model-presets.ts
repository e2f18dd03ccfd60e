import type { HostLabel } from '../wire/decision.ts'
import type { PolicyRule, RuleOptions } from '../wire/policy.ts'

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

/** Calls of a model, message by message. */
const SOCKET: RuleOptions = { effect: 'none', websocket: true }

/** What may be asked of a place, by method. */
type Open = { methods: readonly string[]; paths: readonly string[]; options?: RuleOptions }
type Place = Pick<PolicyRule, 'scheme' | 'host' | 'port'>

const at = (host: string): Place => ({ scheme: 'https', host, port: 443 })
const PLACES = {
  anthropic: at('api.anthropic.com'),
  openai: at('api.openai.com'),
  google: at('generativelanguage.googleapis.com'),
  /** the gate itself, which asks a provider of models.yaml */
  gateway: { scheme: 'http', host: 'llm.sekisho.internal', port: 80 },
} as const satisfies Record<string, Place>
type PlaceName = keyof typeof PLACES

const read = (...paths: readonly string[]): Open => ({ methods: ['GET'], paths })
const call = (...paths: readonly string[]): Open => ({
  methods: ['POST'],
  paths,
  options: MODEL_CALL,
})
/** The provider keeps what it is given: somebody else with an account of its own may read it. */
const keep = (methods: readonly string[], ...paths: readonly string[]): Open => ({
  methods,
  paths,
  options: KEEP_KEYS,
})

function ofVersions(...methods: readonly string[]): readonly string[] {
  return ['v1', 'v1beta'].flatMap((version) =>
    methods.map((method) => `/${version}/models/*:${method}`),
  )
}

const GENERATE = ofVersions('generateContent', 'streamGenerateContent', 'countTokens')
const EMBED = ofVersions('embedContent', 'batchEmbedContents')
const GOOGLE_MODELS = ['/v1/models', '/v1/models/*', '/v1beta/models', '/v1beta/models/*']

/**
 * Model calls of one provider, and no more: not fine-tuning, stored prompts or administration, which
 * keep what they are given or reach beyond the session. Files and batches keep it too, so each has a
 * preset of its own that stands in no other.
 */
const OPENINGS = {
  'llm-providers/anthropic': {
    place: 'anthropic',
    read: read('/v1/models', '/v1/models/*'),
    call: call('/v1/messages', '/v1/messages/count_tokens'),
  },
  'llm-providers/anthropic-files': {
    place: 'anthropic',
    read: read('/v1/files', '/v1/files/*', '/v1/files/*/content'),
    keep: keep(['POST', 'DELETE'], '/v1/files', '/v1/files/*'),
  },
  'llm-providers/anthropic-batches': {
    place: 'anthropic',
    read: read('/v1/messages/batches', '/v1/messages/batches/*', '/v1/messages/batches/*/results'),
    keep: keep(
      ['POST', 'DELETE'],
      '/v1/messages/batches',
      '/v1/messages/batches/*',
      '/v1/messages/batches/*/cancel',
    ),
  },
  'llm-providers/openai': {
    place: 'openai',
    read: read('/v1/models', '/v1/models/*'),
    // it ends at the gate, which posts each call whole
    socket: { methods: ['GET'], paths: ['/v1/responses'], options: SOCKET },
    call: call(
      '/v1/responses',
      '/v1/responses/compact',
      '/v1/responses/input_tokens',
      '/v1/chat/completions',
      '/v1/embeddings',
    ),
  },
  'llm-providers/openai-embeddings': { place: 'openai', call: call('/v1/embeddings') },
  'llm-providers/openai-files': {
    place: 'openai',
    read: read('/v1/files', '/v1/files/*', '/v1/files/*/content'),
    keep: keep(
      ['POST', 'DELETE'],
      '/v1/files',
      '/v1/files/*',
      '/v1/uploads',
      '/v1/uploads/*/parts',
      '/v1/uploads/*/complete',
      '/v1/uploads/*/cancel',
    ),
  },
  'llm-providers/openai-batches': {
    place: 'openai',
    read: read('/v1/batches', '/v1/batches/*'),
    keep: keep(['POST'], '/v1/batches', '/v1/batches/*/cancel'),
  },
  'llm-providers/google': {
    place: 'google',
    read: read(...GOOGLE_MODELS),
    call: call(...GENERATE, ...EMBED),
  },
  'llm-providers/google-embeddings': { place: 'google', call: call(...EMBED) },
  'llm-providers/google-files': {
    place: 'google',
    read: read('/v1beta/files', '/v1beta/files/*'),
    keep: keep(['POST', 'DELETE'], '/upload/v1beta/files', '/v1beta/files/*'),
  },
  'llm-providers/google-batches': {
    place: 'google',
    read: read('/v1beta/batches', '/v1beta/batches/*'),
    keep: keep(
      ['POST', 'DELETE'],
      '/v1beta/models/*:batchGenerateContent',
      '/v1beta/models/*:asyncBatchEmbedContent',
      '/v1beta/batches/*',
      '/v1beta/batches/*:cancel',
    ),
  },
  'llm-gateway': {
    place: 'gateway',
    read: read('/v1/models', '/v1/models/*', '/v1beta/models', '/v1beta/models/*'),
    call: call(
      '/v1/messages',
      '/v1/messages/count_tokens',
      '/v1/responses',
      '/v1/chat/completions',
      '/v1/embeddings',
      ...GENERATE,
      ...EMBED,
    ),
  },
} as const satisfies Record<string, { place: PlaceName } & Partial<Record<Kind, Open>>>

const KINDS = ['read', 'call', 'socket', 'keep'] as const
type Kind = (typeof KINDS)[number]
type OpeningName = keyof typeof OPENINGS
type Opening = { place: PlaceName } & Partial<Record<Kind, Open>>

/** All three providers. */
const ALL: readonly OpeningName[] = [
  'llm-providers/anthropic',
  'llm-providers/openai',
  'llm-providers/google',
]

/** Presets that open models. */
export const MODEL_PRESETS = {
  'llm-providers': () => ALL.flatMap(rulesOf),
  'llm-providers/anthropic': () => rulesOf('llm-providers/anthropic'),
  'llm-providers/anthropic-files': () => rulesOf('llm-providers/anthropic-files'),
  'llm-providers/anthropic-batches': () => rulesOf('llm-providers/anthropic-batches'),
  'llm-providers/openai': () => rulesOf('llm-providers/openai'),
  'llm-providers/openai-embeddings': () => rulesOf('llm-providers/openai-embeddings'),
  'llm-providers/openai-files': () => rulesOf('llm-providers/openai-files'),
  'llm-providers/openai-batches': () => rulesOf('llm-providers/openai-batches'),
  'llm-providers/google': () => rulesOf('llm-providers/google'),
  'llm-providers/google-embeddings': () => rulesOf('llm-providers/google-embeddings'),
  'llm-providers/google-files': () => rulesOf('llm-providers/google-files'),
  'llm-providers/google-batches': () => rulesOf('llm-providers/google-batches'),
  'llm-gateway': () => rulesOf('llm-gateway'),
} as const satisfies Record<OpeningName | 'llm-providers', () => PolicyRule[]>

/**
 * What a model answers is made of what the session told it, so it is no more public than that; and
 * the session obeys it anyway, so it is trusted or nothing is.
 */
export function modelLabels(presets: readonly string[]): readonly HostLabel[] {
  const names = presets.flatMap((name): readonly string[] =>
    name === 'llm-providers' ? ALL : [name],
  )
  const places = names.filter(isOpening).map((name) => OPENINGS[name].place)
  return [...new Set(places)].map((place) => ({
    host: PLACES[place].host,
    integrity: 'trusted',
    confidentiality: 'internal',
    external: true,
    groups: ['llm-providers'],
  }))
}

function isOpening(name: string): name is OpeningName {
  return Object.hasOwn(OPENINGS, name)
}

function rulesOf(name: OpeningName): PolicyRule[] {
  const opening: Opening = OPENINGS[name]
  const { place } = opening
  return KINDS.flatMap((kind): PolicyRule[] => {
    const open = opening[kind]
    if (open === undefined) return []
    const { methods, paths, options } = open
    return [
      {
        id: `preset.${name.replaceAll('/', '.')}.${kind}`,
        effect: 'allow',
        ...PLACES[place],
        methods: [...methods],
        paths: [...paths],
        ...(options === undefined ? {} : { options }),
      },
    ]
  })
}
