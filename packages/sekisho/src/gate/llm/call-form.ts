import type { ModelApi } from '../../core/action.ts'
import { type FormedCall, formCall } from '../../llm/translate/form-call.ts'
import { parseObject } from './json-object.ts'
import type { Target } from './targets.ts'

/** A call as its client wrote it. */
export type CallForm = {
  api: ModelApi
  what: 'generate' | 'count-tokens'
  body: Buffer
  isStream: boolean
}

/** Which model is meant, and whether the reply is to stream. */
export function readAsked(
  { api, model }: { api: ModelApi; model: string | null },
  { body, path }: { body: Buffer; path: string },
): { kind: 'read'; model: string; isStream: boolean } | { kind: 'malformed'; reason: string } {
  const parsed = parseObject(body)
  if (parsed === undefined)
    return { kind: 'malformed', reason: 'no JSON object, or too large a one' }
  const isStream =
    api === 'gemini' ? path.endsWith(':streamGenerateContent') : parsed['stream'] === true
  const named = model ?? parsed['model']
  if (typeof named === 'string') return { kind: 'read', model: named, isStream }
  return { kind: 'malformed', reason: 'no model is named' }
}

/** The same call as one target takes it. */
export function formFor({ api, what, body }: CallForm, target: Target): FormedCall {
  return formCall({ api, what, body }, target)
}
