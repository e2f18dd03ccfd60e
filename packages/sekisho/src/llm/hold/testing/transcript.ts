import type { ModelApi } from '../../../core/action.ts'

/** One thing that a model says. */
export type Part =
  | { kind: 'text' | 'thinking'; pieces: readonly string[] }
  /** calls that come one after the other, or in one chunk where that means one thing */
  | { kind: 'calls'; calls: readonly Call[]; isInterleaved: boolean }

export type Call = { id: string; name: string; pieces: readonly string[] }

/** Events of a whole reply, each as the provider would send it. */
export type Transcript = { events: readonly string[]; calls: readonly Call[] }

type Event = { type: string } & Record<string, unknown>

export function transcriptOf(api: ModelApi, parts: readonly Part[]): Transcript {
  const calls = parts.flatMap((part) => (part.kind === 'calls' ? part.calls : []))
  return { events: WRITERS[api](parts, calls), calls }
}

type Writer = (parts: readonly Part[], calls: readonly Call[]) => string[]

const WRITERS: Readonly<Record<ModelApi, Writer>> = {
  messages: messagesEvents,
  responses: (parts) => responsesEvents(parts).map(named),
  chat: chatEvents,
  gemini: (parts) => geminiChunks(parts).map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`),
}

function named(event: Event): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

function messagesEvents(parts: readonly Part[], calls: readonly Call[]): string[] {
  let index = 0
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'model-1', content: [] }
  const usage = { input_tokens: 10, cache_read_input_tokens: 3, output_tokens: 1 }
  const stop_reason = calls.length > 0 ? 'tool_use' : 'end_turn'
  const blocks = parts.flatMap((part) => {
    if (part.kind === 'calls') {
      return part.calls.flatMap((call) => callBlock(call, index++))
    }
    const { kind, pieces } = part
    const deltas = pieces.map((piece) => ({ type: `${kind}_delta`, [kind]: piece }))
    const rest = kind === 'thinking' ? [{ type: 'signature_delta', signature: 'c2ln' }] : []
    return block(index++, { type: kind, [kind]: '' }, [...deltas, ...rest])
  })
  return [
    { type: 'message_start', message: { ...message, usage } },
    { type: 'ping' },
    ...blocks,
    {
      type: 'message_delta',
      delta: { stop_reason, stop_sequence: null },
      usage: { output_tokens: 20 },
    },
    { type: 'message_stop' },
  ].map(named)
}

function callBlock({ id, name, pieces }: Call, index: number): Event[] {
  const deltas = pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json }))
  return block(index, { type: 'tool_use', id, name, input: {} }, deltas)
}

function block(index: number, content_block: object, deltas: readonly object[]): Event[] {
  return [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
}

/** Of a stream, and of a WebSocket, whose messages they are. */
export function responsesEvents(parts: readonly Part[]): Event[] {
  const response = {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    status: 'in_progress',
    model: 'model-1',
    output: [],
  }
  const output: object[] = []
  let index = 0
  const items = parts.flatMap((part) => {
    if (part.kind === 'calls') {
      const lists = part.calls.map((call) => {
        const { events, item } = callItem(call, index++)
        output.push(item)
        return events
      })
      return lists.flat()
    }
    const { events, item } = textItem(part.kind, part.pieces, index++)
    output.push(item)
    return events
  })
  const usage = {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 3 },
    output_tokens: 20,
    total_tokens: 30,
  }
  const events: Event[] = [
    { type: 'response.created', response },
    { type: 'response.in_progress', response },
    ...items,
    { type: 'response.completed', response: { ...response, status: 'completed', output, usage } },
  ]
  return events.map((event, sequence_number) => ({ ...event, sequence_number }))
}

type ItemEvents = { events: Event[]; item: object }

function textItem(
  kind: 'text' | 'thinking',
  pieces: readonly string[],
  output_index: number,
): ItemEvents {
  const text = pieces.join('')
  const isText = kind === 'text'
  const item_id = `${kind}_${output_index}`
  const base = isText ? 'response.output_text' : 'response.reasoning_summary_text'
  const partBase = isText ? 'response.content_part' : 'response.reasoning_summary_part'
  const place = isText ? { content_index: 0 } : { summary_index: 0 }
  const at = { item_id, output_index, ...place }
  const part = isText
    ? { type: 'output_text', text, annotations: [] }
    : { type: 'summary_text', text }
  const item = isText
    ? { type: 'message', id: item_id, role: 'assistant', status: 'completed', content: [part] }
    : { type: 'reasoning', id: item_id, summary: [part], encrypted_content: 'abc' }
  const begun = { ...item, ...(isText ? { content: [] } : { summary: [] }) }
  return {
    item,
    events: [
      { type: 'response.output_item.added', output_index, item: begun },
      { type: `${partBase}.added`, ...at, part: { ...part, text: '' } },
      ...pieces.map((delta) => ({ type: `${base}.delta`, ...at, delta })),
      { type: `${base}.done`, ...at, text },
      { type: `${partBase}.done`, ...at, part },
      { type: 'response.output_item.done', output_index, item },
    ],
  }
}

function callItem({ id, name, pieces }: Call, output_index: number): ItemEvents {
  const text = pieces.join('')
  const item_id = `fc_${id}`
  const at = { item_id, output_index }
  const item = {
    type: 'function_call',
    id: item_id,
    call_id: id,
    name,
    arguments: text,
    status: 'completed',
  }
  const base = 'response.function_call_arguments'
  return {
    item,
    events: [
      {
        type: 'response.output_item.added',
        output_index,
        item: { ...item, arguments: '', status: 'in_progress' },
      },
      ...pieces.map((delta) => ({ type: `${base}.delta`, ...at, delta })),
      { type: `${base}.done`, ...at, arguments: text },
      { type: 'response.output_item.done', output_index, item },
    ],
  }
}

function chatEvents(parts: readonly Part[], calls: readonly Call[]): string[] {
  let index = 0
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'model-1' }
  const deltas = parts.flatMap((part): object[] => {
    if (part.kind === 'calls') {
      return part.calls.flatMap((call) => callDeltas(call, index++))
    }
    const member = part.kind === 'text' ? 'content' : 'reasoning_content'
    return part.pieces.map((piece) => ({ [member]: piece }))
  })
  const chunk = (delta: object, finish_reason: string | null = null): object => {
    return { ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason }] }
  }
  const usage = {
    prompt_tokens: 10,
    completion_tokens: 20,
    prompt_tokens_details: { cached_tokens: 3 },
  }
  const chunks = [
    chunk({ role: 'assistant', content: '' }),
    ...deltas.map((delta) => chunk(delta)),
    chunk({}, calls.length > 0 ? 'tool_calls' : 'stop'),
    { ...head, choices: [], usage },
  ]
  return [...chunks.map((one) => `data: ${JSON.stringify(one)}\n\n`), 'data: [DONE]\n\n']
}

function callDeltas({ id, name, pieces }: Call, index: number): object[] {
  const begun = { index, id, type: 'function', function: { name, arguments: '' } }
  return [
    { tool_calls: [begun] },
    ...pieces.map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ]
}

/** Of a stream with `alt=sse`, of an array without it, and one of a whole reply. */
export function geminiChunks(parts: readonly Part[]): object[] {
  const usageMetadata = {
    promptTokenCount: 10,
    cachedContentTokenCount: 3,
    candidatesTokenCount: 20,
  }
  const chunk = (said: readonly object[], finish: object = {}): object => ({
    candidates: [{ content: { parts: said, role: 'model' }, ...finish, index: 0 }],
    usageMetadata,
    modelVersion: 'model-1',
  })
  const chunks = parts.flatMap((part) => {
    if (part.kind !== 'calls') {
      const thought = part.kind === 'thinking' ? { thought: true } : {}
      return part.pieces.map((text) => chunk([{ text, ...thought }]))
    }
    const said = part.calls.map(({ id, name, pieces }) => {
      const args: unknown = JSON.parse(pieces.join(''))
      return { functionCall: { id, name, args }, thoughtSignature: 'c2ln' }
    })
    return part.isInterleaved ? [chunk(said)] : said.map((one) => chunk([one]))
  })
  return [...chunks, chunk([{ text: '' }], { finishReason: 'STOP' })]
}
