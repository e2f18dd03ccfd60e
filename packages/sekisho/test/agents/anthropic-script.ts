import * as z from 'zod'
import type { RecordedRequest, Script, ScriptedReply } from './scripted-server.ts'
import { callOf, jsonCall, parseJson, type SpellShell, type ToolCall, type Turn } from './turn.ts'

const Block = z.looseObject({ type: z.string() })
const MessagesRequest = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  tools: z.array(z.looseObject({ name: z.string().optional() })).optional(),
  messages: z.array(z.looseObject({ content: z.union([z.string(), z.array(Block)]) })),
})
type MessagesRequest = z.infer<typeof MessagesRequest>

const ToolResult = z.looseObject({
  type: z.literal('tool_result'),
  content: z
    .union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))])
    .optional(),
})

type Content = { type: 'text'; text: string } | ({ type: 'tool_use'; id: string } & ToolCall)

/**
 * The Messages API as far as the published Claude Code client needs it.
 *
 * The turn follows from the tool results in the request, not from a counter: a retried request
 * gets the same answer. Requests without tools are the client's side calls (titles, quota).
 */
export function anthropicScript(turns: readonly Turn[], shell: SpellShell): Script {
  return (request) => {
    const { pathname } = new URL(request.target, 'https://provider.invalid')
    if (request.method === 'GET' || request.method === 'HEAD') return ping(pathname)
    if (request.method === 'POST' && pathname === '/v1/messages/count_tokens') {
      return { kind: 'json', status: 200, body: { input_tokens: 1000 } }
    }
    if (request.method === 'POST' && pathname === '/v1/messages')
      return message(request, { turns, shell })
    return unknown(pathname)
  }
}

/** Texts of every tool result in the recorded requests, once each, in order. */
export function toolResultsSeen(requests: readonly RecordedRequest[]): string[] {
  const texts = requests.flatMap(({ target, body }) => {
    const parsed = target.startsWith('/v1/messages') ? parseRequest(body) : undefined
    return parsed === undefined ? [] : toolResults(parsed)
  })
  return [...new Set(texts)]
}

function ping(pathname: string): ScriptedReply {
  return pathname === '/' ? { kind: 'empty', status: 200 } : unknown(pathname)
}

function unknown(pathname: string): ScriptedReply {
  return failure(404, 'not_found_error', `the script has no ${pathname}`)
}

function failure(status: number, type: string, text: string): ScriptedReply {
  return { kind: 'json', status, body: { type: 'error', error: { type, message: text } } }
}

type Play = { turns: readonly Turn[]; shell: SpellShell }

function message(request: { body: string }, play: Play): ScriptedReply {
  const parsed = parseRequest(request.body)
  if (parsed === undefined) return failure(400, 'invalid_request_error', 'not a Messages request')
  const content = contentFor(parsed, play)
  const whole = {
    id: `msg_${contentId(parsed)}`,
    type: 'message',
    role: 'assistant',
    model: parsed.model,
    content: [content],
    stop_reason: content.type === 'tool_use' ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 100, output_tokens: 20 },
  }
  if (parsed.stream !== true) return { kind: 'json', status: 200, body: whole }
  return { kind: 'events', events: messageEvents(whole, content) }
}

function contentFor(request: MessagesRequest, { turns, shell }: Play): Content {
  const turn = (request.tools ?? []).length === 0 ? undefined : turns[toolResults(request).length]
  if (turn === undefined) return { type: 'text', text: 'Done.' }
  if (turn.kind === 'text') return { type: 'text', text: turn.text }
  return {
    type: 'tool_use',
    id: `toolu_${contentId(request)}`,
    ...jsonCall(callOf(turn, shell)),
  }
}

function contentId(request: MessagesRequest): string {
  return String(toolResults(request).length + 1).padStart(24, '0')
}

function messageEvents(
  whole: Readonly<Record<string, unknown>> & { stop_reason: string },
  content: Content,
): { event: string; data: unknown }[] {
  const opened = { ...whole, content: [], stop_reason: null }
  const delta = { stop_reason: whole.stop_reason, stop_sequence: null }
  const events = [
    { type: 'message_start', message: opened },
    { type: 'ping' },
    ...blockEvents(content),
    { type: 'message_delta', delta, usage: { output_tokens: 20 } },
    { type: 'message_stop' },
  ]
  return events.map((data) => ({ event: data.type, data }))
}

function blockEvents(content: Content): { type: string }[] {
  const index = 0
  const stop = { type: 'content_block_stop', index }
  const delta = (of: object): { type: string } => {
    return Object.assign({ type: 'content_block_delta', index }, { delta: of })
  }
  if (content.type === 'text') {
    const block = { type: 'text', text: '' }
    const start = { type: 'content_block_start', index, content_block: block }
    return [start, delta({ type: 'text_delta', text: content.text }), stop]
  }
  const start = { type: 'content_block_start', index, content_block: { ...content, input: {} } }
  const json = JSON.stringify(content.input)
  const half = Math.ceil(json.length / 2) // two pieces: a reader must join them
  const pieces = [json.slice(0, half), json.slice(half)]
  return [
    start,
    ...pieces.map((part) => delta({ type: 'input_json_delta', partial_json: part })),
    stop,
  ]
}

function toolResults(request: MessagesRequest): string[] {
  return request.messages.flatMap(({ content }) => {
    if (typeof content === 'string') return []
    return content.flatMap((block) => {
      const result = ToolResult.safeParse(block)
      return result.success ? [textOf(result.data.content)] : []
    })
  })
}

function textOf(content: z.infer<typeof ToolResult>['content']): string {
  if (content === undefined) return ''
  return typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('')
}

function parseRequest(body: string): MessagesRequest | undefined {
  const parsed = MessagesRequest.safeParse(parseJson(body))
  return parsed.success ? parsed.data : undefined
}
