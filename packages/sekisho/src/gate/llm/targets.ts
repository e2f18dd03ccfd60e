import type { HttpRequestAction, ModelApi } from '../../core/action.ts'
import { matchesHost } from '../../core/host.ts'
import type { GateCredential } from '../../wire/gate.ts'
import type { LlmAlias, LlmProvider, LlmSettings } from '../../wire/llm.ts'
import { placeholderSignature } from '../aws-signature.ts'

/** The name at which the gate itself is asked for a model. */
export const GATEWAY_HOST = 'llm.sekisho.internal'

/** Providers that need no line in models.yaml. */
const KNOWN: readonly LlmProvider[] = [
  provider('anthropic', 'messages', { host: 'api.anthropic.com', basePath: '/v1' }),
  provider('openai', 'responses', { host: 'api.openai.com', basePath: '/v1' }),
  provider('openai-chat', 'chat', { host: 'api.openai.com', basePath: '/v1' }),
  provider('google', 'gemini', { host: 'generativelanguage.googleapis.com', basePath: '/v1beta' }),
]

function provider(
  id: string,
  api: ModelApi,
  at: Pick<LlmProvider, 'host' | 'basePath'>,
): LlmProvider {
  return { id, api, flavour: 'native', scheme: 'https', port: 443, ...at }
}

/** Whom one call may go to. */
export type Target = { provider: LlmProvider; model: string }

export type Targets = {
  /** undefined where the client named a provider and a model of its own */
  alias: LlmAlias | undefined
  /** each to be tried `1 + retries` times, in this order; at least one */
  targets: readonly Target[]
  retries: number
}

/**
 * Whom a model name leads to: an alias of models.yaml, else `provider/model`.
 *
 * @param pick a number from 0 up to 1, by which a balanced alias chooses whom it begins with
 */
export function targetsFor(
  name: string,
  settings: Pick<LlmSettings, 'aliases' | 'providers'>,
  pick: number,
): Targets | undefined {
  const find = (id: string): LlmProvider | undefined =>
    [...settings.providers, ...KNOWN].find((each) => each.id === id)
  const alias = settings.aliases.find((each) => each.name === name)
  if (alias === undefined) {
    const slash = name.indexOf('/')
    const found = slash === -1 ? undefined : find(name.slice(0, slash))
    if (found === undefined) return undefined
    const target = { provider: found, model: name.slice(slash + 1) }
    return { alias: undefined, targets: [target], retries: 1 }
  }
  const ordered = alias.strategy === 'balance' ? rotate(alias.targets, pick) : alias.targets
  const targets = ordered.flatMap(({ provider: id, model }): Target[] => {
    const found = find(id)
    return found === undefined ? [] : [{ provider: found, model }]
  })
  return targets.length === 0 ? undefined : { alias, targets, retries: alias.retries }
}

/** By weight the first; the others follow in their order. */
function rotate(targets: LlmAlias['targets'], pick: number): LlmAlias['targets'] {
  const total = targets.reduce((sum, { weight }) => sum + weight, 0)
  let left = pick * total
  const first = targets.findIndex(({ weight }) => {
    left -= weight
    return left < 0
  })
  const at = Math.max(first, 0)
  return [...targets.slice(at), ...targets.slice(0, at)]
}

/** Where a client's own format is spoken at the gate; undefined for no such path. */
export function readGatewayPath(
  path: string,
):
  | { api: ModelApi; what: 'generate' | 'count-tokens' | 'models'; model: string | null }
  | undefined {
  if (path === '/v1/models' || path === '/v1beta/models') {
    return { api: path === '/v1/models' ? 'chat' : 'gemini', what: 'models', model: null }
  }
  const exact = PATHS.get(path)
  if (exact !== undefined) return { ...exact, model: null }
  const { model, method } = GEMINI.exec(path)?.groups ?? {}
  if (model === undefined || method === undefined) return undefined
  const what = method === 'countTokens' ? 'count-tokens' : 'generate'
  return { api: 'gemini', what, model }
}

const GEMINI =
  /^\/v1(?:beta)?\/models\/(?<model>[^/:%]+):(?<method>generateContent|streamGenerateContent|countTokens)$/

const PATHS: ReadonlyMap<string, { api: ModelApi; what: 'generate' | 'count-tokens' }> = new Map([
  ['/v1/messages', { api: 'messages', what: 'generate' }],
  ['/v1/messages/count_tokens', { api: 'messages', what: 'count-tokens' }],
  ['/v1/responses', { api: 'responses', what: 'generate' }],
  ['/v1/chat/completions', { api: 'chat', what: 'generate' }],
])

/** The request line of a call at its provider. */
export function providerAction(
  { provider: to, model }: Target,
  asked: { what: 'generate' | 'count-tokens'; stream: boolean },
): HttpRequestAction {
  const { scheme, host, port } = to
  const at = pathOf(to, { model, ...asked })
  const query = to.api === 'gemini' && asked.stream && asked.what === 'generate' ? 'alt=sse' : null
  return {
    kind: 'http.request',
    scheme,
    host,
    port,
    method: 'POST',
    path: at.path,
    query: at.query ?? query,
  }
}

type Place = { path: string; query?: string }

type Wanted = { model: string; what: 'generate' | 'count-tokens'; stream: boolean }

function pathOf(to: LlmProvider, wanted: Wanted): Place {
  const { api, flavour, basePath } = to
  const name = encodeURIComponent(wanted.model)
  if (flavour === 'azure' && api === 'chat') {
    const path = `${basePath}/openai/deployments/${name}/chat/completions`
    return { path, query: 'api-version=2024-10-21' }
  }
  if (flavour === 'vertex') return { path: `${basePath}/publishers/${vertexModel(api, wanted)}` }
  const isCount = wanted.what === 'count-tokens'
  switch (api) {
    case 'messages':
      return { path: `${basePath}/messages${isCount ? '/count_tokens' : ''}` }
    case 'responses':
      return { path: `${basePath}/responses${isCount ? '/input_tokens' : ''}` }
    case 'chat':
      return { path: `${basePath}/chat/completions` }
    case 'gemini':
      return { path: `${basePath}/models/${name}:${geminiMethod(wanted)}` }
  }
}

function vertexModel(api: ModelApi, wanted: Wanted): string {
  const name = encodeURIComponent(wanted.model)
  if (api === 'gemini') return `google/models/${name}:${geminiMethod(wanted)}`
  return `anthropic/models/${name}:${rawMethod(wanted)}`
}

function rawMethod({ stream }: Wanted): string {
  return stream ? 'streamRawPredict' : 'rawPredict'
}

function geminiMethod({ what, stream }: Wanted): string {
  if (what === 'count-tokens') return 'countTokens'
  return stream ? 'streamGenerateContent' : 'generateContent'
}

/** The session's own key for a target, as its provider wants it: name, value. */
export function keyFields(
  { host, port }: Pick<LlmProvider, 'host' | 'port'>,
  credentials: readonly GateCredential[],
): string[] {
  const bound = credentials.find(
    (each) => each.port === port && each.hosts.some((pattern) => matchesHost(pattern, host)),
  )
  if (bound === undefined) return []
  if (bound.aws !== undefined) return ['authorization', placeholderSignature(bound, host)]
  const { header, placeholder } = bound
  return [header, header === 'authorization' ? `Bearer ${placeholder}` : placeholder]
}
