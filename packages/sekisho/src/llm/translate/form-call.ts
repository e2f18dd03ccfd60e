import { parseJson } from '../../core/parse-json.ts'
import type { ModelApi } from '../../core/action.ts'
import type { LlmProvider } from '../../wire/llm.ts'
import { isObject } from '../hold/json-object.ts'
import { membersAt, setMember, splice } from '../request/splice.ts'
import { makeReplyTranslator, type ReplyTranslator } from './translate-reply.ts'
import { TRANSLATED_APIS, type TranslatedApi, translateRequest } from './translate-request.ts'

/** Of the header field, which clients of Anthropic's own format send. */
const ANTHROPIC_VERSION = '2023-06-01'
/** Of the member that stands in for it on Vertex. */
const VERTEX_VERSION = 'vertex-2023-10-16'

export type ClientCall = {
  api: ModelApi
  what: 'generate' | 'count-tokens'
  /** JSON, an object */
  body: Buffer
}

export type FormedCall =
  | {
      kind: 'formed'
      body: Buffer
      /** undefined where the client's format is the provider's */
      translate?: (status: number, contentType: string) => ReplyTranslator
    }
  | { kind: 'untranslatable'; reason: string }

type Place = { provider: LlmProvider; model: string }

/** The same call as one provider takes it. In its own format only the model's name changes. */
export function formCall(call: ClientCall, at: Place): FormedCall {
  if (call.api !== at.provider.api) return translateCall(call, at)
  return { kind: 'formed', body: onFlavour(nameModel(call, at.model), at.provider) }
}

function translateCall({ api, what, body }: ClientCall, { provider, model }: Place): FormedCall {
  const [from, to] = [translatedApi(api), translatedApi(provider.api)]
  if (from === undefined || to === undefined || what !== 'generate') {
    return { kind: 'untranslatable', reason: `${what} of ${api} for a provider of ${provider.api}` }
  }
  const limitName = takesNewLimit(provider) ? 'max_completion_tokens' : 'max_tokens'
  const translated = translateRequest({ from, to }, body, { model, limitName })
  if (translated.kind === 'untranslatable') {
    const { path, reason } = translated
    return { kind: 'untranslatable', reason: `${path}: ${reason}`.slice(0, 512) }
  }
  const { reply } = translated
  return {
    kind: 'formed',
    body: onFlavour(translated.body, provider),
    translate: (status, contentType) => makeReplyTranslator(reply, { status, contentType }),
  }
}

function translatedApi(api: ModelApi): TranslatedApi | undefined {
  return TRANSLATED_APIS.find((each) => each === api)
}

function takesNewLimit({ flavour, host }: LlmProvider): boolean {
  return flavour === 'azure' || host === 'api.openai.com' || host.endsWith('.api.openai.com')
}

/** Every other byte is as it came. Gemini's is named in the path. */
function nameModel({ api, body }: ClientCall, model: string): Buffer {
  if (api === 'gemini') return body
  return splice(body, [setMember(membersAt(body, 0), 'model', JSON.stringify(model))])
}

/** On Vertex the path names Anthropic's models, and the body the version of the format. */
function onFlavour(body: Buffer, { flavour, api }: LlmProvider): Buffer {
  if (flavour !== 'vertex' || api !== 'messages') return body
  const value: unknown = parseJson(body.toString())
  if (!isObject(value)) return body
  const { model: _, ...rest } = value
  return Buffer.from(JSON.stringify({ anthropic_version: VERTEX_VERSION, ...rest }))
}

/** Fields that a provider wants and that clients of other formats do not send. */
export function fieldsFor({ api, flavour }: LlmProvider, has: (name: string) => boolean): string[] {
  const isAnthropic = api === 'messages' && flavour !== 'vertex'
  return isAnthropic && !has('anthropic-version') ? ['anthropic-version', ANTHROPIC_VERSION] : []
}
