import { parseJson } from '../../core/parse-json.ts'
import { encodeSse } from '../sse.ts'
import type { TokenUsage } from '../../wire/llm.ts'
import { ReplyBroken, type ReplyEvent, type ReplyWriter, type Stop } from './reply-event.ts'
import { readStrictJson } from '../hold/strict-json.ts'
import { isObject } from '../hold/json-object.ts'

const STOPS: Readonly<Record<Stop, string>> = {
  end: 'end_turn',
  calls: 'tool_use',
  length: 'max_tokens',
  'stop-sequence': 'stop_sequence',
  filter: 'refusal',
}

/**
 * A stream of the Messages API. Thinking is left out: a client gives it back to the provider, which
 * takes none that it has not signed.
 */
export class ToMessagesStream implements ReplyWriter {
  readonly contentType = 'text/event-stream'
  #index = 0
  #hasOpenText = false

  write(event: ReplyEvent): string {
    switch (event.kind) {
      case 'begin':
        return sse('message_start', { message: emptyMessage(event) })
      case 'text':
        return this.#openText() + this.#delta({ type: 'text_delta', text: event.text })
      case 'thinking':
      case 'alive':
        return sse('ping', {})
      case 'call':
        return this.#closeText() + this.#call(event)
      case 'end':
        return this.#closeText() + endOf(event)
      case 'fault':
        return (
          this.#closeText() + sse('error', { error: { type: 'api_error', message: event.message } })
        )
    }
  }

  #openText(): string {
    if (this.#hasOpenText) return ''
    this.#hasOpenText = true
    return sse('content_block_start', {
      index: this.#index,
      content_block: { type: 'text', text: '' },
    })
  }

  #closeText(): string {
    if (!this.#hasOpenText) return ''
    this.#hasOpenText = false
    return this.#stop()
  }

  #call({ id, name, arguments: args }: ReplyEvent & { kind: 'call' }): string {
    const content_block = { type: 'tool_use', id, name, input: {} }
    const start = sse('content_block_start', { index: this.#index, content_block })
    const delta = this.#delta({ type: 'input_json_delta', partial_json: objectText(args) })
    return start + delta + this.#stop()
  }

  #delta(delta: object): string {
    return sse('content_block_delta', { index: this.#index, delta })
  }

  #stop(): string {
    const stop = sse('content_block_stop', { index: this.#index })
    this.#index += 1
    return stop
  }
}

/** A whole reply of the Messages API. */
export class ToMessagesDocument implements ReplyWriter {
  readonly contentType = 'application/json'
  #message: object = {}
  readonly #content: object[] = []
  #text = ''

  write(event: ReplyEvent): string {
    switch (event.kind) {
      case 'begin':
        this.#message = emptyMessage(event)
        return ''
      case 'text':
        this.#text += event.text
        return ''
      case 'call': {
        const { id, name } = event
        this.#closeText()
        this.#content.push({
          type: 'tool_use',
          id,
          name,
          input: parseJson(objectText(event.arguments)),
        })
        return ''
      }
      case 'end': {
        this.#closeText()
        const { stop, usage } = event
        const end = { content: this.#content, stop_reason: STOPS[stop], usage: usageIn(usage) }
        return JSON.stringify({ ...this.#message, ...end })
      }
      case 'fault':
        return JSON.stringify({
          type: 'error',
          error: { type: 'api_error', message: event.message },
        })
      case 'thinking':
      case 'alive':
        return ''
    }
  }

  #closeText(): void {
    if (this.#text !== '') this.#content.push({ type: 'text', text: this.#text })
    this.#text = ''
  }
}

function emptyMessage({ id, model }: { id: string; model: string }): object {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: usageIn(null),
  }
}

function endOf({ stop, usage }: ReplyEvent & { kind: 'end' }): string {
  const delta = { stop_reason: STOPS[stop], stop_sequence: null }
  return sse('message_delta', { delta, usage: usageIn(usage) }) + sse('message_stop', {})
}

function usageIn(usage: TokenUsage | null): object {
  return {
    input_tokens: usage?.input ?? 0,
    cache_read_input_tokens: usage?.cacheRead ?? 0,
    cache_creation_input_tokens: usage?.cacheWrite ?? 0,
    output_tokens: usage?.output ?? 0,
  }
}

/** @throws ReplyBroken for arguments that are no object, which this format cannot say */
function objectText(text: string): string {
  if (text.trim() === '') return '{}'
  const read = readStrictJson(text)
  if ('value' in read && isObject(read.value)) return text
  throw new ReplyBroken('arguments that are no JSON object')
}

function sse(type: string, value: object): string {
  return encodeSse(type, JSON.stringify({ type, ...value }), '\n').toString()
}
