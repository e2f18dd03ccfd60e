import type { ModelApi } from '../../core/action.ts'

/** Why a model call has no reply. */
export type RefusalKind = 'denied' | 'held-denied' | 'budget' | 'malformed' | 'unavailable'

export type Refusal = {
  status: number
  /** name, value, … */
  fields: readonly string[]
  body: string
}

/** A status, and what the format calls it. */
type Told = { status: number; type: string }

/**
 * Statuses with which each client gives up at once, as measured, but for `unavailable`, which is
 * worth another try. 403 ends a turn of Claude Code, Gemini CLI and opencode; Codex tries it again
 * and takes only 400 for an end. 429 is tried again by all, whatever it says.
 */
const TOLD: Readonly<Record<ModelApi, Readonly<Record<RefusalKind, Told>>>> = {
  messages: {
    denied: { status: 403, type: 'permission_error' },
    'held-denied': { status: 403, type: 'permission_error' },
    budget: { status: 402, type: 'billing_error' },
    malformed: { status: 400, type: 'invalid_request_error' },
    unavailable: { status: 503, type: 'api_error' },
  },
  responses: {
    denied: { status: 400, type: 'invalid_prompt' },
    'held-denied': { status: 400, type: 'invalid_prompt' },
    budget: { status: 400, type: 'budget_exceeded' },
    malformed: { status: 400, type: 'invalid_request' },
    unavailable: { status: 503, type: 'server_error' },
  },
  chat: {
    denied: { status: 403, type: 'permission_denied' },
    'held-denied': { status: 403, type: 'permission_denied' },
    budget: { status: 402, type: 'budget_exceeded' },
    malformed: { status: 400, type: 'invalid_request' },
    unavailable: { status: 503, type: 'server_error' },
  },
  gemini: {
    denied: { status: 403, type: 'PERMISSION_DENIED' },
    'held-denied': { status: 403, type: 'PERMISSION_DENIED' },
    // RESOURCE_EXHAUSTED is tried again, and with another model
    budget: { status: 400, type: 'FAILED_PRECONDITION' },
    malformed: { status: 400, type: 'INVALID_ARGUMENT' },
    unavailable: { status: 503, type: 'UNAVAILABLE' },
  },
}

const RETRY_AFTER_SECONDS = 5

/**
 * The answer to a model call that is refused before any of its reply has come: an error in the
 * format of the call, which is JSON for a streamed call as well.
 *
 * @param say for the client's user; the kind of refusal and not its inputs
 */
export function refusalFor(api: ModelApi, kind: RefusalKind, say: string): Refusal {
  const told = TOLD[api][kind]
  const isFinal = kind !== 'unavailable'
  return {
    status: told.status,
    fields: [
      'content-type',
      'application/json',
      // heeded by the client libraries of Anthropic and OpenAI, whatever the status
      'x-should-retry',
      String(!isFinal),
      ...(isFinal ? [] : ['retry-after', String(RETRY_AFTER_SECONDS)]),
    ],
    body: JSON.stringify(errorOf(api, told, say)),
  }
}

function errorOf(api: ModelApi, { status, type }: Told, message: string): object {
  switch (api) {
    case 'messages':
      return { type: 'error', error: { type, message } }
    case 'gemini':
      return { error: { code: status, message, status: type } }
    case 'responses':
    case 'chat': {
      const family = status >= 500 ? 'server_error' : 'invalid_request_error'
      return { error: { message, type: family, param: null, code: type } }
    }
  }
}

/** What the formats call a status that their provider has answered with. */
const TYPES: ReadonlyMap<number, { messages: string; gemini: string; openai: string }> = new Map([
  [
    400,
    { messages: 'invalid_request_error', gemini: 'INVALID_ARGUMENT', openai: 'invalid_request' },
  ],
  [401, { messages: 'authentication_error', gemini: 'UNAUTHENTICATED', openai: 'invalid_api_key' }],
  [402, { messages: 'billing_error', gemini: 'FAILED_PRECONDITION', openai: 'insufficient_quota' }],
  [403, { messages: 'permission_error', gemini: 'PERMISSION_DENIED', openai: 'permission_denied' }],
  [404, { messages: 'not_found_error', gemini: 'NOT_FOUND', openai: 'not_found' }],
  [413, { messages: 'request_too_large', gemini: 'INVALID_ARGUMENT', openai: 'request_too_large' }],
  [
    429,
    { messages: 'rate_limit_error', gemini: 'RESOURCE_EXHAUSTED', openai: 'rate_limit_exceeded' },
  ],
  [503, { messages: 'overloaded_error', gemini: 'UNAVAILABLE', openai: 'server_error' }],
  [529, { messages: 'overloaded_error', gemini: 'UNAVAILABLE', openai: 'server_error' }],
])

/** An error of a provider in another format's words. @param status of the answer that it goes with */
export function refusalBody(api: ModelApi, status: number, message: string): string {
  const known = TYPES.get(status) ?? {
    messages: 'api_error',
    gemini: 'INTERNAL',
    openai: 'server_error',
  }
  const type = api === 'messages' || api === 'gemini' ? known[api] : known.openai
  return JSON.stringify(errorOf(api, { status, type }, message))
}
