import type { ModelApi } from '../../../core/action.ts'
import type { HoldOptions, Judged, ReplyHold, ReplyStep } from '../../format.ts'
import { makeReplyHold } from '../make-reply-hold.ts'
import { cut, play } from './play.ts'

export const OPTIONS: HoldOptions = {
  unsupported: 'deny',
  maxCallBytes: 200,
  maxHeldBytes: 20_000,
}

export type Event = { type: string } & Record<string, unknown>

export const named = (...events: Event[]): string => {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
}
export const plain = (...events: object[]): string => {
  return events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
}

export function holdOf(api: ModelApi, options: Partial<HoldOptions> = {}): ReplyHold {
  return makeReplyHold(api, { stream: true, ...OPTIONS, ...options })
}

export function run(
  api: ModelApi,
  text: string,
  judged: readonly Judged[] = [],
): ReturnType<typeof play> {
  const decide = (index: number): Judged => judged[index] ?? { kind: 'release' }
  return play(holdOf(api), cut(Buffer.from(text), [11]), { decide, picks: [-1] })
}

export const written = (steps: readonly ReplyStep[]): string => {
  return steps.flatMap((step) => (step.kind === 'write' ? [step.bytes.toString()] : [])).join('')
}

export const start = {
  type: 'message_start',
  message: { model: 'm', content: [], usage: { input_tokens: 9, output_tokens: 1 } },
}
export const useOf = (index: number, name = 'Bash', input: object = {}): Event => ({
  type: 'content_block_start',
  index,
  content_block: { type: 'tool_use', id: `t${index}`, name, input },
})
export const json = (index: number, partial_json: string): Event => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'input_json_delta', partial_json },
})
export const stop = (index: number): Event => ({ type: 'content_block_stop', index })
export const call = (index: number, text: string): Event[] => [
  useOf(index),
  json(index, text),
  stop(index),
]
export const end = [
  { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 5 } },
  { type: 'message_stop' },
]

export const item = (type: string, more: object): object => ({ id: 'i1', type, ...more })
export const added = (of: object, output_index = 0): Event => ({
  type: 'response.output_item.added',
  output_index,
  item: of,
})
export const done = (of: object, output_index = 0): Event => ({
  type: 'response.output_item.done',
  output_index,
  item: of,
})
export const completed = (...output: object[]): Event => ({
  type: 'response.completed',
  response: { id: 'r', status: 'completed', output },
})
export const fn = (args: string): object =>
  item('function_call', { call_id: 'c', name: 'exec', arguments: args })

export const chunk = (delta: object, finish_reason: string | null = null): object => ({
  choices: [{ index: 0, delta, finish_reason }],
})
export const tool = (entry: object): object => chunk({ tool_calls: [entry] })
