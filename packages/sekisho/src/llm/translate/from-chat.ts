import { isObject, type JsonObject, indexAt, objectAt, textAt } from '../hold/json-object.ts'
import { usageOf } from '../hold/usage-of.ts'
import { errorText, needObject, text } from './from-messages.ts'
import { ReplyBroken, type ReplyEvent, type ReplyParser, type Stop } from './reply-event.ts'

const STOPS: ReadonlyMap<unknown, Stop> = new Map<unknown, Stop>([
  ['stop', 'end'],
  ['tool_calls', 'calls'],
  ['function_call', 'calls'],
  ['length', 'length'],
  ['content_filter', 'filter'],
])

type Call = { id: string; name: string; arguments: string }

/** Replies of Chat Completions. */
export class FromChat implements ReplyParser {
  /** calls that are not whole, in the order of their indexes' arrival */
  readonly #calls = new Map<number, Call>()
  #hasBegun = false
  #stop: unknown = null
  #usage: unknown = null

  event(value: unknown): readonly ReplyEvent[] {
    const chunk = needObject(value)
    if (chunk['error'] !== undefined) return [{ kind: 'fault', message: errorText(chunk) }]
    const begin = this.#begin(chunk)
    this.#usage = chunk['usage'] ?? this.#usage
    const choice = firstOf(chunk)
    const said = choice === undefined ? [] : this.#add(objectAt(choice, 'delta') ?? {}, indexAt)
    this.#stop = choice?.['finish_reason'] ?? this.#stop
    return [...begin, ...said]
  }

  close(): readonly ReplyEvent[] {
    if (this.#stop === null) return [{ kind: 'fault', message: 'the reply broke off' }]
    return this.#end()
  }

  document(value: unknown): readonly ReplyEvent[] {
    const reply = needObject(value)
    if (reply['error'] !== undefined) return [{ kind: 'fault', message: errorText(reply) }]
    const choice = firstOf(reply)
    const message = choice === undefined ? undefined : objectAt(choice, 'message')
    if (message === undefined) throw new ReplyBroken('a reply without a message')
    this.#usage = reply['usage'] ?? null
    const begin = this.#begin(reply)
    // each is a call by itself, as it was judged, whatever index it has
    const said = this.#add(message, () => undefined)
    this.#stop = choice?.['finish_reason'] ?? 'stop'
    return [...begin, ...said, ...this.#end()]
  }

  #begin(reply: JsonObject): ReplyEvent[] {
    if (this.#hasBegun) return []
    this.#hasBegun = true
    return [{ kind: 'begin', id: textAt(reply, 'id') ?? '', model: textAt(reply, 'model') ?? '' }]
  }

  #add(delta: JsonObject, keyOf: typeof indexAt): ReplyEvent[] {
    if (isObject(delta['function_call'])) throw new ReplyBroken('a call in an old format')
    const calls: unknown = delta['tool_calls'] ?? []
    if (!Array.isArray(calls)) throw new ReplyBroken('calls that are no list')
    for (const call of calls.map(needObject)) this.#addCall(call, keyOf(call, 'index'))
    return [
      ...text('thinking', delta['reasoning_content'] ?? delta['reasoning']),
      ...text('text', delta['content']),
      ...text('text', delta['refusal']),
    ]
  }

  /** @param key undefined for a call by itself */
  #addCall(piece: JsonObject, key: number | undefined): void {
    const index = key ?? this.#calls.size
    const called = objectAt(piece, 'function')
    const call = this.#calls.get(index) ?? { id: '', name: '', arguments: '' }
    this.#calls.set(index, {
      id: textAt(piece, 'id') ?? call.id,
      name: (called === undefined ? undefined : textAt(called, 'name')) ?? call.name,
      arguments: call.arguments + (called === undefined ? '' : (textAt(called, 'arguments') ?? '')),
    })
  }

  #end(): ReplyEvent[] {
    const calls = [...this.#calls.values()].map((call): ReplyEvent => ({ kind: 'call', ...call }))
    const stop = calls.length > 0 ? 'calls' : (STOPS.get(this.#stop) ?? 'end')
    return [...calls, { kind: 'end', stop, usage: usageOf('chat', this.#usage) }]
  }
}

function firstOf(reply: JsonObject): JsonObject | undefined {
  const { choices } = reply
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined
  return isObject(first) ? first : undefined
}
