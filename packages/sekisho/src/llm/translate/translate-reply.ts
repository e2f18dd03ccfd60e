import { parseJson } from '../../core/parse-json.ts'
import { isObject } from '../hold/json-object.ts'
import { refusalBody } from '../refusal/refusal-for.ts'
import { type SseEvent, SseFault, SseReader } from '../sse.ts'
import { errorText, FromMessages } from './from-messages.ts'
import { FromChat } from './from-chat.ts'
import { FromResponses } from './from-responses.ts'
import { ReplyBroken, type ReplyEvent, type ReplyParser, type ReplyWriter } from './reply-event.ts'
import { ToChatDocument, ToChatStream } from './to-chat.ts'
import { ToMessagesDocument, ToMessagesStream } from './to-messages.ts'
import { ToResponses } from './to-responses.ts'
import type { ReplyPlan } from './translate-request.ts'

/** Of one event, and of a reply that is one document. */
const MAX_REPLY_BYTES = 32 * 1024 * 1024
/** Of an error; what comes behind is not told. */
const MAX_ERROR_BYTES = 64 * 1024

/** A reply in another format than the client's, on its way to be one that it understands. */
export interface ReplyTranslator {
  readonly contentType: string
  /** bytes of the body in the clear, in pieces of any length */
  push(bytes: Buffer): Buffer
  end(): Buffer
}

/** @param head of the provider's reply */
export function makeReplyTranslator(
  plan: ReplyPlan,
  head: { status: number; contentType: string },
): ReplyTranslator {
  if (head.status >= 400) return new ErrorTranslator(plan, head.status)
  const isEvents = /^\s*text\/event-stream\b/i.test(head.contentType)
  const parser = parserOf(plan)
  const source = isEvents ? new SseSource(parser) : new DocumentSource(parser)
  return new Translator(source, writerOf(plan))
}

type Emit = (event: ReplyEvent) => void

/** What a reply is made of: values one after another. */
interface Source {
  /** @throws ReplyBroken, SseFault behind what has been emitted */
  push(bytes: Buffer, emit: Emit): void
  end(emit: Emit): void
}

class Translator implements ReplyTranslator {
  readonly contentType: string
  readonly #source: Source
  readonly #writer: ReplyWriter
  #isOver = false

  constructor(source: Source, writer: ReplyWriter) {
    this.#source = source
    this.#writer = writer
    this.contentType = writer.contentType
  }

  push(bytes: Buffer): Buffer {
    return this.#write((emit) => this.#source.push(bytes, emit))
  }

  end(): Buffer {
    return this.#write((emit) => this.#source.end(emit))
  }

  #write(read: (emit: Emit) => void): Buffer {
    if (this.#isOver) return Buffer.alloc(0)
    const pieces: string[] = []
    const emit = (event: ReplyEvent): void => {
      pieces.push(this.#writeOne(event))
    }
    try {
      read(emit)
    } catch (error) {
      if (!(error instanceof ReplyBroken) && !(error instanceof SseFault)) throw error
      emit({ kind: 'fault', message: `a reply that cannot be translated: ${error.message}` })
    }
    return Buffer.from(pieces.join(''))
  }

  #writeOne(event: ReplyEvent): string {
    if (this.#isOver) return ''
    const text = this.#writer.write(event)
    this.#isOver = event.kind === 'end' || event.kind === 'fault'
    return text
  }
}

function parserOf({ from }: ReplyPlan): ReplyParser {
  switch (from) {
    case 'messages':
      return new FromMessages()
    case 'responses':
      return new FromResponses()
    case 'chat':
      return new FromChat()
  }
}

function writerOf({ to, isStream, tellsUsage, changed }: ReplyPlan): ReplyWriter {
  switch (to) {
    case 'messages':
      return isStream ? new ToMessagesStream() : new ToMessagesDocument()
    case 'responses':
      return new ToResponses({ isStream, changed })
    case 'chat':
      return isStream ? new ToChatStream(tellsUsage) : new ToChatDocument()
  }
}

class SseSource implements Source {
  readonly #reader = new SseReader(MAX_REPLY_BYTES)
  readonly #parser: ReplyParser

  constructor(parser: ReplyParser) {
    this.#parser = parser
  }

  push(bytes: Buffer, emit: Emit): void {
    this.#reader.push(bytes, (event) => this.#read(event, emit))
  }

  end(emit: Emit): void {
    const last = this.#reader.end()
    if (last !== undefined) this.#read(last, emit)
    for (const event of this.#parser.close()) emit(event)
  }

  #read({ data }: SseEvent, emit: Emit): void {
    for (const event of this.#eventsOf(data)) emit(event)
  }

  #eventsOf(data: string | null): readonly ReplyEvent[] {
    if (data === null || data === '') return [{ kind: 'alive' }]
    // the end of Chat Completions
    return data === '[DONE]' ? this.#parser.close() : this.#parser.event(parse(data))
  }
}

class DocumentSource implements Source {
  readonly #parser: ReplyParser
  readonly #pieces: Buffer[] = []
  #bytes = 0

  constructor(parser: ReplyParser) {
    this.#parser = parser
  }

  push(bytes: Buffer): void {
    this.#bytes += bytes.length
    if (this.#bytes > MAX_REPLY_BYTES) throw new ReplyBroken('too long')
    this.#pieces.push(bytes)
  }

  end(emit: Emit): void {
    const value = parse(Buffer.concat(this.#pieces).toString())
    for (const event of this.#parser.document(value)) emit(event)
  }
}

function parse(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new ReplyBroken('no JSON')
  }
}

/** A reply that is no reply of a model: its words in the client's own format. */
class ErrorTranslator implements ReplyTranslator {
  readonly contentType = 'application/json'
  readonly #plan: ReplyPlan
  readonly #status: number
  #text = Buffer.alloc(0)

  constructor(plan: ReplyPlan, status: number) {
    this.#plan = plan
    this.#status = status
  }

  push(bytes: Buffer): Buffer {
    const room = Math.max(0, MAX_ERROR_BYTES - this.#text.length)
    this.#text = Buffer.concat([this.#text, bytes.subarray(0, room)])
    return Buffer.alloc(0)
  }

  end(): Buffer {
    const message = messageIn(this.#text.toString())
    return Buffer.from(refusalBody(this.#plan.to, this.#status, message))
  }
}

const MAX_MESSAGE = 1024

function messageIn(text: string): string {
  try {
    const value: unknown = parseJson(text)
    if (isObject(value)) return errorText(value)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return text.slice(0, MAX_MESSAGE)
}
