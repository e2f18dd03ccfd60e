import type { HttpRequestAction, ModelApi } from '../core/action.ts'
import type { LlmProvider } from '../wire/llm.ts'
import { readBedrockPath } from './bedrock-path.ts'
import { decodeName, readGoogleMethod } from './google-path.ts'

export type ModelOperation =
  | 'generate'
  | 'count-tokens'
  | 'models'
  | 'embeddings'
  | 'files'
  | 'batches'
  | 'other'

/** Messages of `application/vnd.amazon.eventstream` with an event of the model's in each. */
export type ReplyFraming = 'bedrock'

export type PathRoute = {
  api: ModelApi
  operation: ModelOperation
  /** where the path names it: Gemini, Bedrock, Vertex, Azure's deployments */
  model: string | null
  /** null where the body says it */
  stream: boolean | null
  /** how a stream's events are carried; left out for server-sent events */
  framing?: ReplyFraming
  /** why a reply of a model that comes this way cannot be looked into; null where it can */
  unread: string | null
}

export type ProviderForm = Pick<LlmProvider, 'api' | 'flavour'>
type Rule = { api?: ModelApi; operation: ModelOperation; unread?: string; of: RegExp }

const FETCHED =
  'a reply that its provider has kept: only one that comes with its call is looked into'
const OLD_FORMAT = 'a format of model calls that nobody here reads'

/**
 * Calls of models by other doors of the providers that are known: gRPC of Google (and its form for
 * browsers), its requests in one another, formats of their own of DashScope, MiniMax, Mistral's agents
 * and ChatGPT.
 */
const OTHER_CALLS: readonly Rule[] = [
  /\/google\.[a-z0-9.]+\.\w*(?:Generative|Prediction|Llm|Completion|Discuss|Text)\w*\/\w+$/i,
  /^\/batch(?:\/|$)/,
  /\/services\/aigc\/.+$/,
  /\/apps\/[^/]+\/completion$/,
  /\/text\/chatcompletion\w*$/,
  /\/conversations(?:\/[^/]+(?:\/restart)?|#stream)?$/,
  /\/backend-api\/(?:f\/)?conversation$/,
  /\/(?:agents?|predictions|pexec|sonar|workflows)(?:\/.+)?$/,
].map((of): Rule => ({ of, operation: 'generate', unread: OLD_FORMAT }))

/** Of POST, by the end of the path, in this order; whatever stands before it is the base. */
const POSTED: readonly Rule[] = [
  ...OTHER_CALLS,
  // to change a reply that was kept is answered with the reply
  { of: /\/chat\/completions\/.+$/, api: 'chat', operation: 'generate', unread: FETCHED },
  { of: /\/threads(?:\/.*)?$|\/assistants(?:\/.*)?$/, operation: 'generate', unread: OLD_FORMAT },
  { of: /\/messages\/batches(?:\/.*)?$|\/batches(?:\/.*)?$/, operation: 'batches' },
  { of: /\/(?:messages\/count_tokens|responses\/input_tokens)$/, operation: 'count-tokens' },
  { of: /\/messages$/, api: 'messages', operation: 'generate' },
  { of: /\/responses\/compact$/, api: 'responses', operation: 'generate' },
  { of: /\/responses$/, api: 'responses', operation: 'generate' },
  { of: /\/responses\/[^/]+\/cancel$/, api: 'responses', operation: 'generate', unread: FETCHED },
  { of: /\/chat\/completions$/, api: 'chat', operation: 'generate' },
  { of: /\/embeddings$|\/api\/embed$/, operation: 'embeddings' },
  { of: /\/(?:files|uploads)(?:\/.*)?$/, operation: 'files' },
  // text completions of before chats, Ollama's and Cohere's own formats, speech, agents that run
  // at the provider
  {
    of: /\/(?:complete|completions|infill|interactions|api\/(?:chat|generate)|v[12]\/(?:chat|generate))$/,
    operation: 'generate',
    unread: OLD_FORMAT,
  },
  {
    of: /\/realtime(?:\/.*)?$|\/(?:agents|sessions|evals)\/.+$/,
    operation: 'generate',
    unread: OLD_FORMAT,
  },
]

/** Of GET and HEAD. */
const FETCHES: readonly Rule[] = [
  // of calls that were put off: xAI, Z.ai, DashScope, NVIDIA
  {
    of: /\/(?:deferred-completion|async-result|tasks|pexec\/status|status)\/[^/]+$/,
    operation: 'generate',
    unread: FETCHED,
  },
  { of: /\/models(?:\/.*)?$|\/api\/tags$/, operation: 'models' },
  { of: /\/messages\/batches(?:\/.*)?$|\/batches(?:\/.*)?$/, operation: 'batches' },
  { of: /\/files(?:\/.*)?$/, operation: 'files' },
  { of: /\/responses\/[^/]+(?:\/.*)?$/, api: 'responses', operation: 'generate', unread: FETCHED },
  { of: /\/chat\/completions(?:\/.*)?$/, api: 'chat', operation: 'generate', unread: FETCHED },
  {
    of: /\/(?:conversations|threads|sessions|interactions)\/.*$/,
    operation: 'generate',
    unread: FETCHED,
  },
  { of: /\/realtime(?:\/.*)?$/, operation: 'generate', unread: OLD_FORMAT },
]

const NEW_KEY =
  'a key that its provider would make for whoever asks: nobody here would see its calls'

/**
 * Where a provider makes keys for whoever brings one, of any method but those that fetch: short-lived
 * ones of Gemini, OpenAI, Azure, DashScope, Perplexity and DeepInfra, those that a login of Anthropic's
 * or OpenRouter's gives, those of OpenAI's and Anthropic's organizations, and LiteLLM's.
 */
const KEY_MAKING: readonly RegExp[] = [
  /\/(?:auth_?tokens|issuetoken|generate_auth_token|scoped-jwt|create_api_key)(?:[/:].*)?$/i,
  /\/google\.[a-z0-9.]+\.\w*AuthToken\w*\/\w+$/i,
  /\/(?:chatkit|realtimeapi)(?:\/.*)?$/i,
  /\/realtime\/(?:client_secrets|(?:transcription_)?sessions)(?:\/.*)?$/i,
  /\/v1\/organizations?\/.+$/i,
  /\/api\/v1\/(?:tokens|keys|auth\/keys)(?:\/.*)?$/i,
  /\/api_?keys(?:\/.*)?$/i,
  /\/(?:key|service-account)\/(?:.+\/)?(?:re)?generate$/i,
]

const AMBIGUOUS = 'a path that its provider may take for that of a model call'

/** @returns `other` for what is no call of a model */
export function readProviderPath(action: HttpRequestAction, provider: ProviderForm): PathRoute {
  const strict = read(action, provider)
  if (strict.operation === 'generate') return strict
  const plain = plainPath(action.path)
  if (plain === action.path) return strict
  const loose = read({ ...action, path: plain }, provider)
  return loose.operation === 'generate' ? { ...loose, unread: AMBIGUOUS } : strict
}

/** As a careless server may read it: escapes and capitals undone, slashes folded, parameters cut. */
function plainPath(path: string): string {
  let plain = path
  for (let round = 0; round < 3 && plain.includes('%'); round++) {
    plain = plain.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
  return (
    plain
      .toLowerCase()
      .replace(/;[^/]*/g, '')
      .replace(/\s+/g, '')
      // Windows' own server takes one for the other, escaped or not
      .replaceAll('\\', '/')
      .replace(/\/{2,}/g, '/')
      .replace(/(?<=.)[/.]+$/, '')
      .replace(/\.json$/, '')
  )
}

function read(action: HttpRequestAction, provider: ProviderForm): PathRoute {
  const { method, path, upgrade } = action
  if (upgrade === 'websocket') return readUpgrade(path, provider)
  if (method === 'GET' || method === 'HEAD') return byRules(FETCHES, path, provider)
  if (KEY_MAKING.some((of) => of.test(path))) {
    return { ...route(provider, 'generate'), unread: NEW_KEY }
  }
  if (method !== 'POST') return route(provider, 'other')
  return (
    readGoogleMethod(action, provider) ??
    (provider.flavour === 'bedrock' ? readBedrockPath(path) : undefined) ??
    withDeployment(byRules(POSTED, path, provider), path, provider)
  )
}

function byRules(rules: readonly Rule[], path: string, provider: ProviderForm): PathRoute {
  const rule = rules.find(({ of }) => of.test(path))
  if (rule === undefined) return route(provider, 'other')
  const { api = apiOfPath(path, provider), operation, unread = null } = rule
  return { ...route(provider, operation), api, unread }
}

function apiOfPath(path: string, { api }: ProviderForm): ModelApi {
  if (path.includes('/messages')) return 'messages'
  return path.includes('/responses') ? 'responses' : api
}

function route({ api }: ProviderForm, operation: ModelOperation): PathRoute {
  return { api, operation, model: null, stream: null, unread: null }
}

function readUpgrade(path: string, provider: ProviderForm): PathRoute {
  if (path.endsWith('/responses')) {
    return { ...route(provider, 'generate'), api: 'responses', stream: true }
  }
  return { ...route(provider, 'generate'), unread: OLD_FORMAT }
}

const DEPLOYMENT = /\/openai\/deployments\/(?<model>[^/]+)\//

function withDeployment(found: PathRoute, path: string, { flavour }: ProviderForm): PathRoute {
  const model = flavour === 'azure' ? DEPLOYMENT.exec(path)?.groups?.['model'] : undefined
  return model === undefined ? found : { ...found, model: decodeName(model) }
}
