import type { HttpRequestAction } from '../core/action.ts'
import type { LlmProvider } from '../wire/llm.ts'
import { knownProvider } from './known-providers.ts'
import { type PathRoute, readProviderPath } from './provider-path.ts'

export type ModelRoute = PathRoute & {
  /** `anthropic`, `openai`, `google`, or an id of models.yaml */
  provider: string
}

/**
 * What a request asks of a model provider.
 *
 * A provider reads paths less strictly than this: it may drop a slash at the end or take capitals
 * for small letters. What is a model call only by such a reading is one here as well, but with
 * `unread`, so that it is refused instead of passing for something harmless. So are replies of a
 * model that were kept by the provider and are fetched later: what was refused of them the first
 * time would come whole the second time.
 *
 * @param providers of models.yaml; they go before those that are known by their host
 * @returns undefined for a host that is no model provider
 */
export function readModelRoute(
  action: HttpRequestAction,
  providers: readonly LlmProvider[],
): ModelRoute | undefined {
  const own = providers.filter((each) => isAt(each, action))
  const [first] = own
  const known = first ?? knownProvider(action.host)
  if (known === undefined) return undefined
  const path = readProviderPath(action, known)
  const provider = own.find(({ api }) => api === path.api)?.id ?? known.id
  return { ...path, provider }
}

/**
 * Whether a reply of a model may come to this place: by scheme and port too, since models.yaml
 * names them, but not by path. A path beside the base is the same server.
 */
function isAt({ scheme, host, port }: LlmProvider, action: HttpRequestAction): boolean {
  return scheme === action.scheme && host === action.host && port === action.port
}
