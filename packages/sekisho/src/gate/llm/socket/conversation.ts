import type { Json } from '../../../core/facts.ts'
import { RequestFault } from '../../../llm/request/request-fault.ts'
import { countValues, isObject, type JsonObject, parseObject } from '../json-object.ts'

/** Replies of one connection that a later call may build upon; of older ones the provider may know. */
const MAX_REMEMBERED = 8
/** Of what is remembered of all connections of a session: as JSON, and for each value. */
const MAX_REMEMBERED_BYTES = 128 * 1024 * 1024
const VALUE_BYTES = 32

export type Begun =
  /** the whole call, as it would have been posted */
  | { kind: 'call'; body: Buffer; input: Json[] }
  /** nothing is asked of the model yet; what the client is told */
  | { kind: 'prewarm'; events: readonly string[] }
  | { kind: 'refused'; reason: string }

type Remembered = { items: Json[]; bytes: number }

/** What the conversations of one session remember, together. */
export class RememberedRoom {
  #bytes = 0

  /** @returns whether there was room; it is given back with {@link give} */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > MAX_REMEMBERED_BYTES) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

/**
 * The calls of one WebSocket. A client sends only what is new, and names the reply that it goes on
 * from; here each call is made whole again, so that it is looked at, counted and kept as any other.
 */
export class Conversation {
  readonly #newId: () => string
  readonly #replies = new Map<string, Remembered>()
  readonly #room: RememberedRoom

  /** @param newId of a reply of our own */
  constructor(newId: () => string, room: RememberedRoom) {
    this.#newId = newId
    this.#room = room
  }

  /** @param bytes one message of the client */
  begin(bytes: Buffer): Begun {
    const message = parseObject(bytes)
    if (message === undefined) return refused('a message that is no JSON object')
    if (message['type'] !== 'response.create') return refused('a message of a type nobody knows')
    const { type: _, generate, previous_response_id: before, ...rest } = message
    const fresh = inputOf(rest['input'])
    if (fresh === undefined) return refused('an input that is neither text nor a list')
    const known = typeof before === 'string' ? this.#replies.get(before) : undefined
    const input = [...(known?.items ?? []), ...fresh]
    if (generate === false) return this.#prewarm(rest, input)
    const past = known === undefined ? pastElsewhere(before) : {}
    const body = { ...rest, input, stream: true, ...past }
    return { kind: 'call', body: Buffer.from(JSON.stringify(body)), input }
  }

  /** A reply has come whole. @param response as the client has it */
  remember(response: JsonObject, input: readonly Json[]): void {
    const { id, output } = response
    if (typeof id !== 'string' || !Array.isArray(output)) return
    this.#keep(id, [...input, ...output.filter(canBeSaidAgain)])
  }

  #prewarm(asked: JsonObject, input: Json[]): Begun {
    const id = this.#newId()
    this.#keep(id, input)
    const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }
    const response = { id, object: 'response', model: asked['model'] ?? '', output: [] }
    const events = [
      {
        type: 'response.created',
        sequence_number: 0,
        response: { ...response, status: 'in_progress' },
      },
      {
        type: 'response.completed',
        sequence_number: 1,
        response: { ...response, status: 'completed', usage },
      },
    ]
    return { kind: 'prewarm', events: events.map((event) => JSON.stringify(event)) }
  }

  /** The connection is over. */
  forgetAll(): void {
    for (const id of this.#replies.keys()) this.#forget(id)
  }

  /** What there is no room for is not remembered: the provider may know it. */
  #keep(id: string, items: Json[]): void {
    this.#forget(id)
    const bytes = weightOf(items)
    if (bytes === undefined) return
    if (this.#replies.size >= MAX_REMEMBERED) this.#forgetOldest()
    while (!this.#room.take(bytes)) {
      if (this.#replies.size === 0) return
      this.#forgetOldest()
    }
    this.#replies.set(id, { items, bytes })
  }

  #forgetOldest(): void {
    const [oldest] = this.#replies.keys()
    if (oldest !== undefined) this.#forget(oldest)
  }

  #forget(id: string): void {
    this.#room.give(this.#replies.get(id)?.bytes ?? 0)
    this.#replies.delete(id)
  }
}

/** @returns undefined for more values than anybody reads */
function weightOf(items: readonly Json[]): number | undefined {
  const text = Buffer.from(JSON.stringify(items))
  try {
    return text.length + VALUE_BYTES * countValues(text)
  } catch (error) {
    if (error instanceof RequestFault) return undefined
    throw error
  }
}

/** What is not known here may be known to the provider. */
function pastElsewhere(before: Json | undefined): JsonObject {
  return before === undefined || before === null ? {} : { previous_response_id: before }
}

/** Reasoning that the provider alone can read back is nothing to a provider that keeps nothing. */
function canBeSaidAgain(item: Json): boolean {
  if (!isObject(item) || item['type'] !== 'reasoning') return true
  return typeof item['encrypted_content'] === 'string'
}

function inputOf(input: Json | undefined): Json[] | undefined {
  if (input === undefined || input === null) return []
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }]
  return Array.isArray(input) ? input : undefined
}

function refused(reason: string): Begun {
  return { kind: 'refused', reason }
}
