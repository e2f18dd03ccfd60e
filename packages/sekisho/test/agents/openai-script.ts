import * as z from 'zod'
import type { RecordedRequest, Script, ScriptedReply } from './scripted-server.ts'
import {
  callOf,
  parseJson,
  type SpellShell,
  type TextCall,
  type ToolCall,
  type Turn,
} from './turn.ts'

/** A message may stand without a type. */
const Item = z.looseObject({ type: z.string().optional() })
const ResponsesRequest = z.looseObject({
  model: z.string(),
  input: z.array(Item),
  tools: z.array(z.unknown()).optional(),
})
type ResponsesRequest = z.infer<typeof ResponsesRequest>

const ToolOutput = z.looseObject({
  type: z.enum(['custom_tool_call_output', 'function_call_output']),
  output: z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]),
})

type OutputItem = Readonly<Record<string, unknown>> & { type: string; id: string }

/**
 * The Responses API as far as the published Codex client needs it. Codex asks for a WebSocket
 * first; 426 makes it take server-sent events (RFC 9110 §15.5.22).
 */
export function openaiScript(turns: readonly Turn[], shell: SpellShell): Script {
  return (request) => {
    const { pathname } = new URL(request.target, 'https://provider.invalid')
    if (pathname !== '/v1/responses') return failure(404, `the script has no ${pathname}`)
    if (request.method === 'GET') return failure(426, 'use POST')
    const parsed = parseRequest(request.body)
    if (parsed === undefined) return failure(400, 'not a Responses request')
    return { kind: 'events', events: responseEvents(parsed, { turns, shell }) }
  }
}

/** Texts of every tool output in the recorded requests, once each, in order. */
export function toolOutputsSeen(requests: readonly RecordedRequest[]): string[] {
  const texts = requests.flatMap(({ target, body }) => {
    const parsed = target.startsWith('/v1/responses') ? parseRequest(body) : undefined
    return parsed === undefined ? [] : toolOutputs(parsed)
  })
  return [...new Set(texts)]
}

function failure(status: number, message: string): ScriptedReply {
  return { kind: 'json', status, body: { error: { message, type: 'invalid_request_error' } } }
}

type Play = { turns: readonly Turn[]; shell: SpellShell }

function responseEvents(
  request: ResponsesRequest,
  { turns, shell }: Play,
): { event: string; data: unknown }[] {
  const seen = toolOutputs(request).length
  const turn = (offersTools(request) ? turns[seen] : undefined) ?? { kind: 'text', text: 'Done.' }
  const id = `resp_${seen}`
  const said =
    turn.kind === 'text' ? messageItem(turn.text, seen) : toolItem(callOf(turn, shell), seen)
  const opened = { id, object: 'response', status: 'in_progress', model: request.model, output: [] }
  const completed = { ...opened, status: 'completed', output: [said.item], usage: USAGE }
  const events: Event[] = [
    { type: 'response.created', response: opened },
    ...itemEvents(said),
    { type: 'response.completed', response: completed },
  ]
  return events.map((data, sequence) => {
    return { event: data.type, data: { ...data, sequence_number: sequence } }
  })
}

const USAGE = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 120,
}

/** An item of the output; `field` of it comes in deltas of the named kind. */
type Said = { item: OutputItem; delta: string; field: string; text: string }

type Event = Readonly<Record<string, unknown>> & { type: string }

function itemEvents({ item, delta, field, text }: Said): Event[] {
  const at = { output_index: 0 }
  const of = { ...at, item_id: item.id, ...(item.type === 'message' ? { content_index: 0 } : {}) }
  const half = Math.ceil(text.length / 2) // two pieces: a reader must join them
  const pieces = [text.slice(0, half), text.slice(half)]
  const opened = { ...item, status: 'in_progress', [field]: field === 'content' ? [] : '' }
  const part = { type: 'output_text', text: '', annotations: [] }
  return [
    { type: 'response.output_item.added', ...at, item: opened },
    ...(item.type === 'message' ? [{ type: 'response.content_part.added', ...of, part }] : []),
    ...pieces.map((piece) => ({ type: `${delta}.delta`, ...of, delta: piece })),
    { type: `${delta}.done`, ...of, [item.type === 'message' ? 'text' : field]: text },
    { type: 'response.output_item.done', ...at, item },
  ]
}

function toolItem({ name, input }: ToolCall | TextCall, seen: number): Said {
  const same = { call_id: `call_${seen}`, name, status: 'completed' }
  if (typeof input === 'string') {
    const item = { type: 'custom_tool_call', id: `ctc_${seen}`, ...same, input }
    return { item, delta: 'response.custom_tool_call_input', field: 'input', text: input }
  }
  const text = JSON.stringify(input)
  const item = { type: 'function_call', id: `fc_${seen}`, ...same, arguments: text }
  return { item, delta: 'response.function_call_arguments', field: 'arguments', text }
}

function messageItem(text: string, seen: number): Said {
  const content = [{ type: 'output_text', text, annotations: [] }]
  const same = { id: `msg_${seen}`, role: 'assistant', status: 'completed' }
  const item = { type: 'message', ...same, content }
  return { item, delta: 'response.output_text', field: 'content', text }
}

/** Codex has its tools among the input. A request without any is a side call, such as for a title. */
function offersTools({ tools = [], input }: ResponsesRequest): boolean {
  return tools.length > 0 || input.some(({ type }) => type === 'additional_tools')
}

function toolOutputs(request: ResponsesRequest): string[] {
  return request.input.flatMap((item) => {
    const parsed = ToolOutput.safeParse(item)
    return parsed.success ? [textOf(parsed.data.output)] : []
  })
}

function textOf(output: z.infer<typeof ToolOutput>['output']): string {
  return typeof output === 'string' ? output : output.map(({ text }) => text ?? '').join('')
}

function parseRequest(body: string): ResponsesRequest | undefined {
  const parsed = ResponsesRequest.safeParse(parseJson(body))
  return parsed.success ? parsed.data : undefined
}
