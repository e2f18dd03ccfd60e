import type { HttpRequestAction, ModelCallAction } from '../../core/action.ts'
import type { ModelRequest } from '../../llm/format.ts'
import type { ModelRoute } from '../../llm/routes.ts'

/** Longest texts of an action, and the most tools of the provider that it names. */
const MODEL_CHARACTERS = 256
const TYPE_CHARACTERS = 128
const MAX_SERVER_TOOLS = 64

/**
 * What a request asks of a model, as it is decided and recorded.
 *
 * @param at.shown the request as the log may have it
 * @returns why an action cannot say all of it. To cut it off would be to have another request decided
 *   than the one that leaves: `fetch:a.example.com` in place of `fetch:a.example.com.evil.example`
 */
export function readCallAction(
  request: Pick<ModelRequest, 'model' | 'stream' | 'tools'>,
  { route, shown }: { route: ModelRoute; shown: HttpRequestAction },
): ModelCallAction | string {
  const { model, stream, tools } = request
  const served = tools.filter(({ isServerSide }) => isServerSide).map(({ type }) => type)
  const serverTools = [...new Set(served)]
  const untold = whyUntold(model, serverTools)
  if (untold !== undefined) return untold
  const { scheme, host, port, path } = shown
  const { provider, api } = route
  return {
    kind: 'llm.generate',
    provider,
    model,
    api,
    stream,
    serverTools,
    scheme,
    host,
    port,
    path,
  }
}

function whyUntold(model: string, types: readonly string[]): string | undefined {
  if (![model, ...types].every((text) => text.isWellFormed())) return 'a name with half a character'
  if (model.length > MODEL_CHARACTERS) return 'the name of the model is too long'
  if (types.length > MAX_SERVER_TOOLS) return 'more tools of the provider than are decided about'
  const isLong = types.some((type) => type.length > TYPE_CHARACTERS)
  return isLong ? 'the name of a tool of the provider is too long' : undefined
}
