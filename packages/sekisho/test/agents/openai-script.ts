import * as z from 'zod'
import type { RecordedRequest, Script, ScriptedReply } from './scripted-server.ts'
import { parseJson, type Turn } from './turn.ts'

const Item = z.looseObject({ type: z.string() })
const ResponsesRequest = z.looseObject({ model: z.string(), input: z.array(Item) })
type ResponsesRequest = z.infer<typeof ResponsesRequest>

const ToolOutput = z.looseObject({
  type: z.literal('custom_tool_call_output'),
  output: z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]),
})

type OutputItem = Readonly<Record<string, unknown>> & { type: string; id: string }

/**
 * The Responses API as far as the published Codex client needs it. Codex asks for a WebSocket
 * first; 426 makes it take server-sent events (RFC 9110 §15.5.22).
 */
export function openaiScript(turns: readonly Turn[]): Script {
  return (request) => {
    const { pathname } = new URL(request.target, 'https://provider.invalid')
    if (pathname !== '/v1/responses') return failure(404, `the script has no ${pathname}`)
    if (request.method === 'GET') return failure(426, 'use POST')
    const parsed = parseRequest(request.body)
    if (parsed === undefined) return failure(400, 'not a Responses request')
    return { kind: 'events', events: responseEvents(parsed, turns) }
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

function responseEvents(
  request: ResponsesRequest,
  turns: readonly Turn[],
): { event: string; data: unknown }[] {
  const seen = toolOutputs(request).length
  const turn = turns[seen] ?? { kind: 'text', text: 'Done.' }
  const id = `resp_${seen}`
  const item = turn.kind === 'text' ? messageItem(turn.text, seen) : toolItem(turn.command, seen)
  const opened = { id, object: 'response', status: 'in_progress', model: request.model, output: [] }
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 20,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 120,
  }
  const completed = { ...opened, status: 'completed', output: [item], usage }
  const at = { output_index: 0 }
  const events = [
    { type: 'response.created', response: opened },
    { type: 'response.output_item.added', ...at, item: { ...item, status: 'in_progress' } },
    { type: 'response.output_item.done', ...at, item },
    { type: 'response.completed', response: completed },
  ]
  return events.map((data, sequence) => {
    return { event: data.type, data: { ...data, sequence_number: sequence } }
  })
}

/** Codex's one tool takes JavaScript and calls its shell from there. */
function toolItem(command: string, seen: number): OutputItem {
  const options = { cmd: command, yield_time_ms: 30_000, max_output_tokens: 20_000 }
  const input = `text((await tools.exec_command(${JSON.stringify(options)})).output)`
  const id = `ctc_${seen}`
  return {
    type: 'custom_tool_call',
    id,
    call_id: `call_${seen}`,
    name: 'exec',
    input,
    status: 'completed',
  }
}

function messageItem(text: string, seen: number): OutputItem {
  const content = [{ type: 'output_text', text, annotations: [] }]
  return { type: 'message', id: `msg_${seen}`, role: 'assistant', content, status: 'completed' }
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
