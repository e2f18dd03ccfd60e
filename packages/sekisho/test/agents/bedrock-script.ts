import { chunkOf } from '../../src/llm/hold/bedrock-frames.ts'
import { whyNotByAccessKey } from './access-key.ts'
import { anthropicScript, toolResultsSeen } from './anthropic-script.ts'
import type { RecordedRequest, Script, ScriptedReply } from './scripted-server.ts'
import { parseJson, type SpellShell, type Turn } from './turn.ts'

const CALL =
  /^\/model\/(?<model>[^/]+)\/(?<method>invoke|invoke-with-response-stream|count-tokens)$/

/** `InvokeModel` and `InvokeModelWithResponseStream` of Bedrock, for models of Anthropic. */
export function bedrockScript(turns: readonly Turn[], shell: SpellShell): Script {
  const messages = anthropicScript(turns, shell)
  return (request) => {
    const read = asMessages(request)
    if (read === undefined) {
      return { kind: 'json', status: 404, body: { message: `the script has no ${request.target}` } }
    }
    const reply = messages(read)
    return reply.kind === 'events' ? inEventStream(reply.events) : reply
  }
}

/** As {@link bedrockScript}, for whoever signs with the one key that it knows. */
export function signedBedrockScript(turns: readonly Turn[], shell: SpellShell): Script {
  const script = bedrockScript(turns, shell)
  return (request) => {
    const fault = whyNotByAccessKey(request)
    if (fault === undefined) return script(request)
    return { kind: 'json', status: 403, body: { message: `not signed as it must be: ${fault}` } }
  }
}

/** As {@link toolResultsSeen}, of requests to these paths. */
export function bedrockResultsSeen(requests: readonly RecordedRequest[]): string[] {
  return toolResultsSeen(
    requests.flatMap((request) => {
      const read = asMessages(request)
      return read === undefined ? [] : [{ ...request, ...read }]
    }),
  )
}

type Asked = Omit<RecordedRequest, 'status'>

/** What it would be at the maker's own API, where the body says what the path says here. */
function asMessages(request: Asked): Asked | undefined {
  const { pathname } = new URL(request.target, 'https://provider.invalid')
  const { model, method } = CALL.exec(pathname)?.groups ?? {}
  if (request.method !== 'POST' || model === undefined) return undefined
  const stream = method === 'invoke-with-response-stream'
  const body = { ...Object(parseJson(request.body)), model: decodeURIComponent(model), stream }
  const target = method === 'count-tokens' ? '/v1/messages/count_tokens' : '/v1/messages'
  return { ...request, target, body: JSON.stringify(body) }
}

function inEventStream(
  events: Extract<ScriptedReply, { kind: 'events' }>['events'],
): ScriptedReply {
  return {
    kind: 'pieces',
    type: 'application/vnd.amazon.eventstream',
    pieces: events.map((event) => chunkOf('raw' in event ? event.raw : JSON.stringify(event.data))),
  }
}
