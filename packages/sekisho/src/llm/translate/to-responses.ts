import type { TokenUsage } from '../../wire/llm.ts'
import { isObject, textAt } from '../hold/json-object.ts'
import { readStrictJson } from '../hold/strict-json.ts'
import { encodeSse } from '../sse.ts'
import type { ChangedTools } from './conversation.ts'
import { ReplyBroken, type ReplyEvent, type ReplyWriter } from './reply-event.ts'

type Item = Readonly<Record<string, unknown>> & { id: string; type: string }
type Open = { kind: 'text' | 'thinking'; id: string; text: string }

/** A stream of the Responses API; `isWhole` for a reply that is one document. */
export class ToResponses implements ReplyWriter {
  readonly contentType: string
  readonly #isStream: boolean
  readonly #changed: ChangedTools
  #head = { id: '', model: '' }
  readonly #output: Item[] = []
  #open: Open | undefined
  #sequence = 0

  constructor({ isStream, changed }: { isStream: boolean; changed: ChangedTools }) {
    this.#isStream = isStream
    this.#changed = changed
    this.contentType = isStream ? 'text/event-stream' : 'application/json'
  }

  write(event: ReplyEvent): string {
    switch (event.kind) {
      case 'begin':
        return this.#begin(event)
      case 'text':
      case 'thinking':
        return this.#say(event.kind, event.text)
      case 'call':
        return this.#close() + this.#call(this.#callItem(event))
      case 'alive':
        return this.#isStream ? ': \n\n' : ''
      case 'end':
        return this.#close() + this.#end(event)
      case 'fault':
        return this.#close() + this.#fault(event.message)
    }
  }

  #begin({ id, model }: { id: string; model: string }): string {
    this.#head = { id, model }
    const response = this.#response('in_progress', null)
    return (
      this.#event('response.created', { response }) +
      this.#event('response.in_progress', { response })
    )
  }

  #say(kind: Open['kind'], text: string): string {
    const opened = this.#open?.kind === kind ? '' : this.#close() + this.#openItem(kind)
    const open = this.#open
    if (open === undefined) return opened
    open.text += text
    const name =
      kind === 'text' ? 'response.output_text.delta' : 'response.reasoning_summary_text.delta'
    return opened + this.#event(name, { ...this.#place(open), delta: text })
  }

  #openItem(kind: Open['kind']): string {
    const id = this.#newId(kind === 'text' ? 'msg' : 'rs')
    this.#open = { kind, id, text: '' }
    const item = itemOf(this.#open, 'in_progress')
    const part = partOf(this.#open)
    const name =
      kind === 'text' ? 'response.content_part.added' : 'response.reasoning_summary_part.added'
    return (
      this.#event('response.output_item.added', { output_index: this.#output.length, item }) +
      this.#event(name, { ...this.#place(this.#open), part })
    )
  }

  #close(): string {
    const open = this.#open
    if (open === undefined) return ''
    this.#open = undefined
    const { kind, text } = open
    const place = this.#place(open)
    const names =
      kind === 'text'
        ? (['response.output_text.done', 'response.content_part.done'] as const)
        : ([
            'response.reasoning_summary_text.done',
            'response.reasoning_summary_part.done',
          ] as const)
    const done = this.#event(names[0], { ...place, text })
    const part = this.#event(names[1], { ...place, part: partOf(open) })
    return done + part + this.#done(itemOf(open, 'completed'))
  }

  /** Of a part within an item. */
  #place({ kind, id }: Open): object {
    const index = kind === 'text' ? { content_index: 0 } : { summary_index: 0 }
    return { item_id: id, output_index: this.#output.length, ...index }
  }

  #call(item: Item): string {
    const isCustom = item.type === 'custom_tool_call'
    const name = isCustom ? 'response.custom_tool_call_input' : 'response.function_call_arguments'
    const member = isCustom ? 'input' : 'arguments'
    const place = { item_id: item.id, output_index: this.#output.length }
    const added = { ...item, [member]: '', status: 'in_progress' }
    return (
      this.#event('response.output_item.added', {
        output_index: this.#output.length,
        item: added,
      }) +
      this.#event(`${name}.delta`, { ...place, delta: item[member] }) +
      this.#event(`${name}.done`, { ...place, [member]: item[member] }) +
      this.#done(item)
    )
  }

  /** @throws ReplyBroken for a text that has not come as one: nobody has judged what it would be */
  #callItem({ id, name, arguments: args }: ReplyEvent & { kind: 'call' }): Item {
    const changed = this.#changed.get(name)
    const own = { call_id: id, name: changed?.name ?? name, status: 'completed' }
    const namespace = changed?.namespace == null ? {} : { namespace: changed.namespace }
    if (changed?.isCustom !== true) {
      const item = { id: this.#newId('fc'), type: 'function_call', ...own, ...namespace }
      return { ...item, arguments: args === '' ? '{}' : args }
    }
    const item = { id: this.#newId('ctc'), type: 'custom_tool_call', ...own, ...namespace }
    return { ...item, input: onlyInput(args) }
  }

  #done(item: Item): string {
    const event = this.#event('response.output_item.done', {
      output_index: this.#output.length,
      item,
    })
    this.#output.push(item)
    return event
  }

  #end({ stop, usage }: ReplyEvent & { kind: 'end' }): string {
    const reasons = { length: 'max_output_tokens', filter: 'content_filter' } as const
    const reason = stop === 'length' || stop === 'filter' ? reasons[stop] : null
    const status = reason === null ? 'completed' : 'incomplete'
    const details = reason === null ? {} : { incomplete_details: { reason } }
    const response = { ...this.#response(status, usage), ...details }
    return this.#isStream
      ? this.#event(`response.${status}`, { response })
      : JSON.stringify(response)
  }

  #fault(message: string): string {
    const error = { code: 'server_error', message }
    const response = { ...this.#response('failed', null), error }
    return this.#isStream ? this.#event('response.failed', { response }) : JSON.stringify(response)
  }

  #response(status: string, usage: TokenUsage | null): object {
    return {
      ...this.#head,
      object: 'response',
      created_at: 0,
      status,
      error: null,
      incomplete_details: null,
      output: [...this.#output],
      parallel_tool_calls: true,
      tool_choice: 'auto',
      tools: [],
      usage: usage === null ? null : usageIn(usage),
    }
  }

  #newId(prefix: string): string {
    return `${prefix}_${this.#output.length}_${this.#head.id}`
  }

  #event(type: string, value: object): string {
    if (!this.#isStream) return ''
    const data = JSON.stringify({ type, sequence_number: this.#sequence, ...value })
    this.#sequence += 1
    return encodeSse(type, data, '\n').toString()
  }
}

function onlyInput(args: string): string {
  const read = readStrictJson(args)
  const value = 'value' in read && isObject(read.value) ? read.value : {}
  const input = textAt(value, 'input')
  if (input === undefined || Object.keys(value).length !== 1) {
    throw new ReplyBroken('arguments that are not the text of the tool')
  }
  return input
}

function itemOf({ kind, id, text }: Open, status: string): Item {
  if (kind === 'thinking')
    return { id, type: 'reasoning', summary: [{ type: 'summary_text', text }] }
  const content = status === 'completed' ? [{ type: 'output_text', text, annotations: [] }] : []
  return { id, type: 'message', role: 'assistant', status, content }
}

function partOf({ kind, text }: Open): object {
  return kind === 'text'
    ? { type: 'output_text', text, annotations: [] }
    : { type: 'summary_text', text }
}

function usageIn({ input, cacheRead, cacheWrite, output }: TokenUsage): object {
  const prompt = input + cacheRead + cacheWrite
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: prompt + output,
  }
}
