import { isReadAlike } from './chat-alike.ts'
import { ChatChoice } from './chat-choice.ts'
import { type ChatPart, renderChat } from './chat-render.ts'
import { checkBeside, hasText, readCall, readLegacyCall, readTexts } from './chat-fields.ts'
import { DONE, type FormatReader, isOnlyError, listAt, readObject } from './format-reader.ts'
import type { Frame } from './frame.ts'
import { indexAt, isObject, type JsonObject, objectAt, textAt } from './json-object.ts'
import type { Reply } from './reply.ts'
import { malformed } from './reply-fault.ts'
import type { SseWriter } from './sse-frames.ts'

/**
 * A stream of Chat Completions. A client runs a tool as soon as its arguments parse; that they are
 * whole is known when the choice is finished, or the stream.
 */
export class ChatStream implements FormatReader {
  readonly #reply: Reply
  readonly #writer: SseWriter
  readonly #choices = new Map<number, ChatChoice>()
  #last: JsonObject = { id: 'chatcmpl-sekisho', created: 0, model: 'sekisho' }
  #id: string | undefined
  #hasFinished = false
  #isDoneSent = false

  constructor(reply: Reply, writer: SseWriter) {
    this.#reply = reply
    this.#writer = writer
  }

  read(came: Frame): void {
    const { data } = came
    if (data === null) return this.#pass(came)
    const frame = unnamed(came)
    if (data.trim() === DONE) return this.#done(frame)
    const chunk = readObject(data)
    if (isOnlyError(chunk, 'choices')) {
      this.#reply.dropOpen()
      return this.#pass(frame)
    }
    this.#reply.facts.name(chunk['model'])
    this.#id ??= textAt(chunk, 'id')
    const parts = listAt(chunk, 'choices').map((source) => this.#part(source))
    this.#check(chunk, parts)
    this.#put(frame, chunk, parts)
    for (const { choice, finish } of parts) if (finish !== undefined) choice.finish()
    this.#hasFinished ||= parts.some(({ finish }) => finish !== undefined)
    // some servers count from the first chunk on
    if (this.#hasFinished && isObject(chunk['usage'])) this.#reply.facts.spent(chunk['usage'])
  }

  end(): void {
    this.#finishAll()
  }

  close(say: string): readonly Buffer[] {
    if (this.#isDoneSent) return []
    this.#isDoneSent = true
    if (this.#choices.size === 0) this.#choiceAt(0)
    const chunks = [...this.#choices.values()]
      .filter(({ isFinishSent }) => !isFinishSent)
      .flatMap((choice) => [
        this.#chunk(choice, { role: 'assistant', content: choice.saying(say) }, null),
        this.#chunk(choice, {}, choice.hasReleased ? 'tool_calls' : 'stop'),
      ])
    return [...chunks, this.#writer.text(DONE)]
  }

  #pass(frame: Frame): void {
    this.#reply.pass(frame.raw.length, () => [this.#writer.same(frame)])
  }

  #done(frame: Frame): void {
    this.#finishAll()
    this.#reply.pass(frame.raw.length, () => {
      this.#isDoneSent = true
      return [this.#writer.same(frame)]
    })
  }

  #finishAll(): void {
    for (const choice of this.#choices.values()) {
      const rests = choice.flush()
      if (rests.size > 0) {
        this.#reply.pass(0, () => [this.#chunk(choice, Object.fromEntries(rests), null)])
      }
      choice.finish()
    }
  }

  /**
   * Most readers have one choice: the first of each chunk, whatever its index. To them pieces of
   * another are pieces of the same call, or are not there.
   */
  #check(chunk: JsonObject, parts: readonly ChatPart[]): void {
    if (parts.some(({ calls }) => calls.length > 0) && !isReadAlike(chunk)) {
      throw malformed('a call in a chunk that some readers pass over')
    }
    if (new Set(parts.map(({ choice }) => choice)).size < parts.length) {
      throw malformed('a choice that stands twice in one chunk')
    }
    if (this.#choices.size < 2) return
    if ([...this.#choices.values()].some(({ hasCalls }) => hasCalls)) {
      throw malformed('a call beside another choice')
    }
  }

  #part(source: JsonObject): ChatPart {
    const choice = this.#choiceAt(indexOf(source))
    const delta = objectAt(source, 'delta') ?? {}
    checkBeside(this.#reply, source, 'message')
    const finish = textAt(source, 'finish_reason')
    if (finish !== undefined) this.#reply.facts.stop = finish
    const texts = new Map<string, string>()
    const part: ChatPart = { choice, source, delta, texts, calls: [], others: [], finish }
    this.#readTexts(part)
    this.#readCalls(part)
    if (finish === undefined && part.calls.length === 0) return part
    for (const [name, rest] of choice.flush()) {
      texts.set(name, (texts.get(name) ?? textAt(delta, name) ?? '') + rest)
    }
    return part
  }

  #readTexts({ choice, delta, texts }: ChatPart): void {
    for (const text of readTexts(this.#reply, delta)) {
      const told = text.text === '' ? '' : choice.text(text)
      if (told !== text.text) texts.set(text.name, told)
    }
  }

  #readCalls({ choice, delta, calls, others }: ChatPart): void {
    const isInterrupted = hasText(delta)
    if (isInterrupted) choice.interrupt()
    for (const entry of listAt(delta, 'tool_calls')) {
      const read = readCall(this.#reply, entry)
      if (read === undefined) others.push(entry)
      else calls.push({ call: choice.call(read, entry), entry, isLegacy: false })
    }
    const legacy = readLegacyCall(delta)
    if (legacy !== undefined) {
      calls.push({ call: choice.call(legacy, {}), entry: {}, isLegacy: true })
    }
    if (isInterrupted) choice.interrupt()
  }

  #put(frame: Frame, chunk: JsonObject, parts: readonly ChatPart[]): void {
    const { choices: _, usage: __, ...head } = chunk
    this.#reply.put({
      calls: parts.flatMap(({ calls }) => calls.map(({ call }) => call)),
      bytes: frame.raw.length,
      render: () => {
        this.#last = head
        const choices = parts.map((part) => renderChat(part))
        if (choices.every((choice, index) => choice === parts[index]?.source)) {
          return [this.#writer.same(frame)]
        }
        const isEmpty = choices.every((choice) => choice === undefined)
        if (isEmpty && !isObject(chunk['usage'])) return []
        const told = choices.filter((choice) => choice !== undefined)
        return [this.#writer.event(frame.name, { ...chunk, choices: told })]
      },
    })
  }

  #chunk(choice: ChatChoice, delta: object, finish: string | null): Buffer {
    const choices = [{ index: choice.index, delta, finish_reason: finish }]
    return this.#writer.event('', { ...this.#last, object: 'chat.completion.chunk', choices })
  }

  #choiceAt(index: number): ChatChoice {
    const known = this.#choices.get(index)
    if (known !== undefined) return known
    if (this.#choices.size === MAX_CHOICES) throw malformed(`more than ${MAX_CHOICES} choices`)
    const choice = new ChatChoice(this.#reply, index, this.#id)
    this.#choices.set(index, choice)
    return choice
  }
}

/** A name means nothing here, but OpenAI's own reader passes over events of some. */
function unnamed(frame: Frame): Frame {
  return frame.name === '' ? frame : { ...frame, name: '', isPlain: false }
}

function indexOf(source: JsonObject): number {
  const index = indexAt(source, 'index')
  const came = source['index'] ?? undefined
  if (index === undefined && came !== undefined) throw malformed('a choice whose index is none')
  return index ?? 0
}

/** `n` of a request is at most 128. */
const MAX_CHOICES = 128
