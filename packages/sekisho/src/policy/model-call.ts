import type { HttpRequestAction, ModelCallAction } from '../core/action.ts'

/** The request by which a model is called, as the rules of an agent file are asked about it. */
export function requestOf({ scheme, host, port, path }: ModelCallAction): HttpRequestAction {
  return { kind: 'http.request', scheme, method: 'POST', host, port, path, query: null }
}
