import { encodeSse } from '../sse.ts'
import type { TokenUsage } from '../../wire/llm.ts'
import type { ReplyEvent, ReplyWriter, Stop } from './reply-event.ts'

const STOPS: Readonly<Record<Stop, string>> = {
  end: 'stop',
  calls: 'tool_calls',
  length: 'length',
  'stop-sequence': 'stop',
  filter: 'content_filter',
}

type Head = { id: string; model: string }

/** A stream of Chat Completions. */
export class ToChatStream implements ReplyWriter {
  readonly contentType = 'text/event-stream'
  readonly #tellsUsage: boolean
  #head: Head = { id: '', model: '' }
  #calls = 0

  constructor(tellsUsage: boolean) {
    this.#tellsUsage = tellsUsage
  }

  write(event: ReplyEvent): string {
    switch (event.kind) {
      case 'begin':
        this.#head = { id: event.id, model: event.model }
        return this.#delta({ role: 'assistant', content: '' })
      case 'text':
        return this.#delta({ content: event.text })
      case 'thinking':
        return this.#delta({ reasoning_content: event.text })
      case 'call': {
        const call = { index: this.#calls, ...callIn(event) }
        this.#calls += 1
        return this.#delta({ tool_calls: [call] })
      }
      case 'alive':
        return ': \n\n'
      case 'end':
        return this.#end(event)
      case 'fault':
        return sse({ error: { message: event.message, type: 'server_error', code: null } })
    }
  }

  #end({ stop, usage }: ReplyEvent & { kind: 'end' }): string {
    const last = this.#delta({}, STOPS[stop])
    const told = this.#tellsUsage ? this.#chunk({ choices: [], usage: usageIn(usage) }) : ''
    return `${last}${told}data: [DONE]\n\n`
  }

  #delta(delta: object, finish: string | null = null): string {
    return this.#chunk({ choices: [{ index: 0, delta, finish_reason: finish }] })
  }

  #chunk(value: object): string {
    const { id, model } = this.#head
    return sse({ id, object: 'chat.completion.chunk', created: 0, model, ...value })
  }
}

/** A whole reply of Chat Completions. */
export class ToChatDocument implements ReplyWriter {
  readonly contentType = 'application/json'
  #head: Head = { id: '', model: '' }
  #text = ''
  #thinking = ''
  readonly #calls: object[] = []

  write(event: ReplyEvent): string {
    switch (event.kind) {
      case 'begin':
        this.#head = { id: event.id, model: event.model }
        return ''
      case 'text':
        this.#text += event.text
        return ''
      case 'thinking':
        this.#thinking += event.text
        return ''
      case 'call':
        this.#calls.push(callIn(event))
        return ''
      case 'alive':
        return ''
      case 'end':
        return this.#end(event)
      case 'fault':
        return JSON.stringify({
          error: { message: event.message, type: 'server_error', code: null },
        })
    }
  }

  #end({ stop, usage }: ReplyEvent & { kind: 'end' }): string {
    const message = {
      role: 'assistant',
      content: this.#text === '' ? null : this.#text,
      ...(this.#thinking === '' ? {} : { reasoning_content: this.#thinking }),
      ...(this.#calls.length === 0 ? {} : { tool_calls: this.#calls }),
    }
    const choices = [{ index: 0, message, finish_reason: STOPS[stop] }]
    const { id, model } = this.#head
    const head = { id, object: 'chat.completion', created: 0, model }
    return JSON.stringify({ ...head, choices, usage: usageIn(usage) })
  }
}

function callIn({ id, name, arguments: args }: ReplyEvent & { kind: 'call' }): object {
  return { id, type: 'function', function: { name, arguments: args } }
}

function usageIn(usage: TokenUsage | null): object {
  const { input = 0, cacheRead = 0, cacheWrite = 0, output = 0 } = usage ?? {}
  const prompt = input + cacheRead + cacheWrite
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
  }
}

function sse(value: object): string {
  return encodeSse('', JSON.stringify(value), '\n').toString()
}
