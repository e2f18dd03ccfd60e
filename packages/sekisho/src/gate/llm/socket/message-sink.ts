import { parseJson } from '../../../core/parse-json.ts'
import type { Json } from '../../../core/facts.ts'
import { SseReader } from '../../../llm/sse.ts'
import { type Fields, fieldValue } from '../../http-fields.ts'
import type { ReplySink } from '../../reply-sink.ts'
import { isObject, type JsonObject, parseObject } from '../json-object.ts'

/** Longest event that becomes a message. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024
/** Of an error's body, what is told. */
const MAX_ERROR_BYTES = 256 * 1024

export type MessageSinkParts = {
  /** one message to the client; false asks to wait for a drain */
  send: (text: string) => boolean
  isGone: () => boolean
  onGone: (listener: () => void) => void
  onDrain: (listener: () => void) => void
}

/** A posted call's reply, told as the messages of a WebSocket. */
export class MessageSink implements ReplySink {
  /** the response object that ended it; null where none did */
  readonly done: Promise<JsonObject | null>
  readonly #parts: MessageSinkParts
  readonly #settle: (response: JsonObject | null) => void
  readonly #reader = new SseReader(MAX_EVENT_BYTES)
  readonly #error: Buffer[] = []
  #errorBytes = 0
  #status = 0
  #isEvents = false
  #response: JsonObject | null = null
  isEnded = false

  constructor(parts: MessageSinkParts) {
    this.#parts = parts
    const { promise, resolve } = Promise.withResolvers<JsonObject | null>()
    this.done = promise
    this.#settle = resolve
    parts.onGone(() => resolve(null))
  }

  get isGone(): boolean {
    return this.#parts.isGone()
  }

  get hasHead(): boolean {
    return this.#status !== 0
  }

  get isFinished(): boolean {
    return this.isEnded
  }

  proceed(): void {}
  hint(): void {}
  flush(): void {}
  trailers(): void {}

  head(status: number, _message: string, fields: Fields): void {
    this.#status = status
    const type = fieldValue(fields, 'content-type') ?? ''
    this.#isEvents = status === 200 && type.toLowerCase().startsWith('text/event-stream')
  }

  write(bytes: Buffer): boolean {
    if (this.#isEvents) return this.#tell(bytes)
    this.#errorBytes += bytes.length
    if (this.#errorBytes <= MAX_ERROR_BYTES) this.#error.push(bytes)
    return true
  }

  end(bytes?: Buffer | string): void {
    if (this.isEnded) return
    if (bytes !== undefined) this.write(Buffer.from(bytes))
    this.isEnded = true
    if (!this.#isEvents) this.#parts.send(errorMessage(this.#status, Buffer.concat(this.#error)))
    this.#settle(this.#response)
  }

  /** The upstream broke off: a message says so, as there is no cut stream to see it by. */
  destroy(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.#parts.send(errorMessage(502, Buffer.alloc(0)))
    this.#settle(null)
  }

  onClose(listener: () => void): void {
    this.#parts.onGone(listener)
  }

  onDrain(listener: () => void): void {
    this.#parts.onDrain(listener)
  }

  #tell(bytes: Buffer): boolean {
    let isReady = true
    this.#reader.push(bytes, ({ data }) => {
      if (data === null) return
      isReady = this.#parts.send(data)
      if (data.includes('"response.completed"')) this.#response ??= completedIn(data)
    })
    return isReady
  }
}

function completedIn(data: string): JsonObject | null {
  const event: Json = parseJson(data) // the hold has parsed it, and written it
  if (!isObject(event) || event['type'] !== 'response.completed') return null
  const { response } = event
  return isObject(response) ? response : null
}

/** As the provider tells errors on a WebSocket. */
function errorMessage(status: number, body: Buffer): string {
  const fallback = { type: 'server_error', code: 'upstream_failed', message: 'the call has failed' }
  return JSON.stringify({
    type: 'error',
    status: status === 0 ? 502 : status,
    error: errorIn(body) ?? fallback,
  })
}

function errorIn(body: Buffer): Json | undefined {
  return parseObject(body)?.['error']
}
