import { isObject, type JsonObject, indexAt, objectAt, textAt } from '../hold/json-object.ts'
import { usageOf } from '../hold/usage-of.ts'
import { ReplyBroken, type ReplyEvent, type ReplyParser, type Stop } from './reply-event.ts'

const STOPS: ReadonlyMap<unknown, Stop> = new Map<unknown, Stop>([
  ['end_turn', 'end'],
  ['tool_use', 'calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['stop_sequence', 'stop-sequence'],
  ['refusal', 'filter'],
])

/** Replies of the Messages API. */
export class FromMessages implements ReplyParser {
  /** calls that are not whole, by their block's index */
  readonly #calls = new Map<number, { id: string; name: string; input: string; json: string }>()
  #usage: JsonObject = {}
  #stop: unknown = null
  #isOver = false

  event(value: unknown): readonly ReplyEvent[] {
    const event = needObject(value)
    switch (event['type']) {
      case 'message_start':
        return [this.#begin(needObject(event['message']))]
      case 'content_block_start':
      case 'content_block_delta':
      case 'content_block_stop':
        return this.#block(event)
      case 'message_delta':
        return this.#keepStop(event)
      case 'message_stop':
        return [this.#end()]
      case 'error':
        return [{ kind: 'fault', message: errorText(event) }]
      case 'ping':
        return [{ kind: 'alive' }]
      default:
        return []
    }
  }

  /** By its type, as it was judged: what else an event has is not looked at by anybody. */
  #block(event: JsonObject): readonly ReplyEvent[] {
    const index = indexOf(event)
    if (event['type'] === 'content_block_stop') return this.#stopBlock(index)
    return event['type'] === 'content_block_start'
      ? this.#open(index, needObject(event['content_block']))
      : this.#add(index, needObject(event['delta']))
  }

  close(): readonly ReplyEvent[] {
    return this.#isOver ? [] : [{ kind: 'fault', message: 'the reply broke off' }]
  }

  document(value: unknown): readonly ReplyEvent[] {
    const message = needObject(value)
    if (message['type'] === 'error') return [{ kind: 'fault', message: errorText(message) }]
    const content = message['content']
    if (!Array.isArray(content)) throw new ReplyBroken('a reply without content')
    const begin = this.#begin(message)
    const said = content.flatMap((each, index) => {
      const events = this.#open(index, needObject(each))
      return [...events, ...this.#stopBlock(index)]
    })
    this.#stop = message['stop_reason']
    return [begin, ...said, this.#end()]
  }

  #begin(message: JsonObject): ReplyEvent {
    this.#keepUsage(message['usage'])
    return { kind: 'begin', id: textAt(message, 'id') ?? '', model: textAt(message, 'model') ?? '' }
  }

  #open(index: number, block: JsonObject): ReplyEvent[] {
    switch (block['type']) {
      case 'text':
        return text('text', block['text'])
      case 'thinking':
        return text('thinking', block['thinking'])
      case 'redacted_thinking':
        return []
      case 'tool_use': {
        const [id, name] = [textAt(block, 'id'), textAt(block, 'name')]
        if (id === undefined || name === undefined) throw new ReplyBroken('a call without a name')
        const input = JSON.stringify(block['input'] ?? {})
        this.#calls.set(index, { id, name, input, json: '' })
        return []
      }
      default:
        throw new ReplyBroken('a block that the client’s format does not have')
    }
  }

  #add(index: number, delta: JsonObject): ReplyEvent[] {
    switch (delta['type']) {
      case 'text_delta':
        return text('text', delta['text'])
      case 'thinking_delta':
        return text('thinking', delta['thinking'])
      case 'input_json_delta': {
        const call = this.#calls.get(index)
        if (call === undefined) throw new ReplyBroken('arguments of no call')
        call.json += textAt(delta, 'partial_json') ?? ''
        return []
      }
      default:
        return []
    }
  }

  #stopBlock(index: number): ReplyEvent[] {
    const call = this.#calls.get(index)
    if (call === undefined) return []
    this.#calls.delete(index)
    const { id, name, json, input } = call
    return [{ kind: 'call', id, name, arguments: json === '' ? input : json }]
  }

  #keepStop(event: JsonObject): readonly ReplyEvent[] {
    this.#keepUsage(event['usage'])
    this.#stop = objectAt(event, 'delta')?.['stop_reason'] ?? this.#stop
    return []
  }

  /** The later of two values counts; what the later one leaves out stays. */
  #keepUsage(usage: unknown): void {
    if (isObject(usage)) this.#usage = { ...this.#usage, ...withoutNulls(usage) }
  }

  #end(): ReplyEvent {
    this.#isOver = true
    const stop = STOPS.get(this.#stop) ?? 'end'
    return { kind: 'end', stop, usage: usageOf('messages', this.#usage) }
  }
}

function withoutNulls(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
}

function indexOf(event: JsonObject): number {
  const index = indexAt(event, 'index')
  if (index === undefined) throw new ReplyBroken('an event of no block')
  return index
}

export function text(kind: 'text' | 'thinking', value: unknown): ReplyEvent[] {
  return typeof value === 'string' && value !== '' ? [{ kind, text: value }] : []
}

export function needObject(value: unknown): JsonObject {
  if (!isObject(value)) throw new ReplyBroken('no object')
  return value
}

/** Of an error in any of the formats. */
export function errorText(value: JsonObject): string {
  const error = objectAt(value, 'error') ?? value
  return textAt(error, 'message') ?? textAt(value, 'error') ?? 'the provider failed'
}
