import { type JsonObject, objectAt, textAt } from '../hold/json-object.ts'
import { usageOf } from '../hold/usage-of.ts'
import { errorText, needObject, text } from './from-messages.ts'
import { ReplyBroken, type ReplyEvent, type ReplyParser, type Stop } from './reply-event.ts'

const PIECES: ReadonlyMap<unknown, 'text' | 'thinking'> = new Map([
  ['response.output_text.delta', 'text'],
  ['response.refusal.delta', 'text'],
  ['response.reasoning_summary_text.delta', 'thinking'],
  ['response.reasoning_text.delta', 'thinking'],
])

/** Replies of the Responses API. */
export class FromResponses implements ReplyParser {
  /** items of which pieces have been told */
  readonly #told = new Set<unknown>()
  #hasCalls = false
  #isOver = false

  event(value: unknown): readonly ReplyEvent[] {
    const event = needObject(value)
    switch (event['type']) {
      case 'response.created':
        return [beginOf(needObject(event['response']))]
      case 'response.output_item.done':
        return this.#item(needObject(event['item']))
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return [this.#end(needObject(event['response']))]
      case 'error':
        return [this.#fault(event)]
      default:
        return this.#piece(event)
    }
  }

  #piece(event: JsonObject): readonly ReplyEvent[] {
    const kind = PIECES.get(event['type'])
    if (kind === undefined) return []
    this.#told.add(event['item_id'])
    return text(kind, event['delta'])
  }

  close(): readonly ReplyEvent[] {
    return this.#isOver ? [] : [{ kind: 'fault', message: 'the reply broke off' }]
  }

  document(value: unknown): readonly ReplyEvent[] {
    const reply = needObject(value)
    const { output } = reply
    if (!Array.isArray(output)) {
      if (reply['error'] !== undefined) return [this.#fault(reply)]
      throw new ReplyBroken('a reply without output')
    }
    const said = output.flatMap((item) => this.#item(needObject(item)))
    return [beginOf(reply), ...said, this.#end(reply)]
  }

  #item(item: JsonObject): ReplyEvent[] {
    switch (item['type']) {
      case 'message':
        return this.#told.has(item['id']) ? [] : textsIn(item['content'], 'text')
      case 'reasoning':
        return this.#told.has(item['id']) ? [] : textsIn(item['summary'], 'thinking')
      case 'function_call':
        return [this.#call(item, 'arguments')]
      case 'custom_tool_call':
        return [this.#call(item, 'input')]
      default:
        throw new ReplyBroken('an item that the client’s format does not have')
    }
  }

  #call(item: JsonObject, member: 'arguments' | 'input'): ReplyEvent {
    const [id, name] = [textAt(item, 'call_id'), textAt(item, 'name')]
    if (id === undefined || name === undefined) throw new ReplyBroken('a call without a name')
    // judged as a tool of a server; without the namespace it would be one of the client's own
    if (item['namespace'] !== undefined && item['namespace'] !== null) {
      throw new ReplyBroken('a call in a namespace')
    }
    this.#hasCalls = true
    return { kind: 'call', id, name, arguments: textAt(item, member) ?? '' }
  }

  #end(response: JsonObject): ReplyEvent {
    if (response['status'] === 'failed') return this.#fault(response)
    this.#isOver = true
    return {
      kind: 'end',
      stop: this.#stopOf(response),
      usage: usageOf('responses', response['usage']),
    }
  }

  #stopOf(response: JsonObject): Stop {
    if (response['status'] === 'incomplete') {
      const reason = objectAt(response, 'incomplete_details')?.['reason']
      return reason === 'content_filter' ? 'filter' : 'length'
    }
    return this.#hasCalls ? 'calls' : 'end'
  }

  #fault(value: JsonObject): ReplyEvent {
    this.#isOver = true
    return { kind: 'fault', message: errorText(value) }
  }
}

function beginOf(response: JsonObject): ReplyEvent {
  return { kind: 'begin', id: textAt(response, 'id') ?? '', model: textAt(response, 'model') ?? '' }
}

function textsIn(parts: unknown, kind: 'text' | 'thinking'): ReplyEvent[] {
  if (!Array.isArray(parts)) return []
  return parts.flatMap((part) => {
    const said = needObject(part)
    return text(kind, said['text'] ?? said['refusal'])
  })
}
