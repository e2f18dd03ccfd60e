import * as z from 'zod'
import type { RecordedRequest, Script, ScriptedReply } from './scripted-server.ts'
import { callOf, jsonCall, parseJson, type SpellShell, type Turn } from './turn.ts'

const Part = z.looseObject({ text: z.string().optional() })
const Message = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(Part), z.null()]).optional(),
})
const ChatRequest = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  tools: z.array(z.unknown()).optional(),
  messages: z.array(Message),
})
type ChatRequest = z.infer<typeof ChatRequest>

const USAGE = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 0 },
}

/**
 * Chat Completions as far as published clients need them. The turn follows from the results in the
 * request; a request without tools is a side call, such as for a title.
 */
export function chatScript(turns: readonly Turn[], shell: SpellShell): Script {
  return (request) => {
    const { pathname } = new URL(request.target, 'https://provider.invalid')
    if (request.method !== 'POST' || pathname !== '/v1/chat/completions') {
      return failure(404, `the script has no ${pathname}`)
    }
    const parsed = parseRequest(request.body)
    if (parsed === undefined) return failure(400, 'not a Chat Completions request')
    return completion(parsed, messageFor(parsed, turns, shell))
  }
}

/** Texts of every tool message in the recorded requests, once each, in order. */
export function toolMessagesSeen(requests: readonly RecordedRequest[]): string[] {
  const texts = requests.flatMap(({ target, body }) => {
    const parsed = target.startsWith('/v1/chat/') ? parseRequest(body) : undefined
    return parsed === undefined ? [] : toolMessages(parsed)
  })
  return [...new Set(texts)]
}

function failure(status: number, message: string): ScriptedReply {
  return { kind: 'json', status, body: { error: { message, type: 'invalid_request_error' } } }
}

type Said =
  | { finish: 'stop'; text: string }
  | { finish: 'tool_calls'; id: string; name: string; json: string }

function messageFor(request: ChatRequest, turns: readonly Turn[], shell: SpellShell): Said {
  const seen = toolMessages(request).length
  const turn = (request.tools ?? []).length === 0 ? undefined : turns[seen]
  if (turn === undefined) return { finish: 'stop', text: 'Done.' }
  if (turn.kind === 'text') return { finish: 'stop', text: turn.text }
  const { name, input } = jsonCall(callOf(turn, shell))
  return { finish: 'tool_calls', id: `call_${seen}`, name, json: JSON.stringify(input) }
}

function completion(request: ChatRequest, said: Said): ScriptedReply {
  const head = { id: 'chatcmpl-1', created: 1_700_000_000, model: request.model }
  if (request.stream !== true) {
    const message =
      said.finish === 'stop' ? { content: said.text } : { content: null, tool_calls: [call(said)] }
    const choice = {
      index: 0,
      message: { role: 'assistant', ...message },
      finish_reason: said.finish,
    }
    const body = { ...head, object: 'chat.completion', choices: [choice], usage: USAGE }
    return { kind: 'json', status: 200, body }
  }
  const chunk = (delta: object, finish: string | null = null): unknown => {
    const choices = [{ index: 0, delta, finish_reason: finish }]
    return { ...head, object: 'chat.completion.chunk', choices }
  }
  const last = { ...head, object: 'chat.completion.chunk', choices: [], usage: USAGE }
  const chunks = [...deltas(said).map((delta) => chunk(delta)), chunk({}, said.finish), last]
  return { kind: 'events', events: [...chunks.map((data) => ({ data })), { raw: '[DONE]' }] }
}

function deltas(said: Said): object[] {
  const role = 'assistant'
  if (said.finish === 'stop') return [{ role, content: '' }, { content: said.text }]
  const half = Math.ceil(said.json.length / 2) // two pieces: a reader must join them
  const pieces = [said.json.slice(0, half), said.json.slice(half)]
  return [
    { role, content: null, tool_calls: [{ index: 0, ...call({ ...said, json: '' }) }] },
    ...pieces.map((part) => ({ tool_calls: [{ index: 0, function: { arguments: part } }] })),
  ]
}

function call({ id, name, json }: { id: string; name: string; json: string }): object {
  return { id, type: 'function', function: { name, arguments: json } }
}

function toolMessages({ messages }: ChatRequest): string[] {
  return messages.filter(({ role }) => role === 'tool').map(({ content }) => textOf(content))
}

function textOf(content: z.infer<typeof Message>['content']): string {
  if (typeof content === 'string') return content
  return (content ?? []).map(({ text }) => text ?? '').join('')
}

function parseRequest(body: string): ChatRequest | undefined {
  const parsed = ChatRequest.safeParse(parseJson(body))
  return parsed.success ? parsed.data : undefined
}
