import { DONE, type FormatReader, listAt, readObject, textIn } from './format-reader.ts'
import type { Frame, FrameWriter } from './frame.ts'
import type { HeldCall } from './held-call.ts'
import { indexAt, type JsonObject, objectAt, textAt } from './json-object.ts'
import type { Reply } from './reply.ts'
import { malformed } from './reply-fault.ts'
import { hasText, readItemCall } from './responses-calls.ts'
import {
  countItem,
  KnownCalls,
  readOutput,
  renderOutput,
  toldItem,
  toldPart,
} from './responses-output.ts'
import { ResponsesTexts } from './responses-texts.ts'
import { type EventKind, eventKind, itemKind } from './responses-types.ts'
import { ResponsesView } from './responses-view.ts'

/** An item that has been added and is not done. */
type Item = {
  type: string
  name: unknown
  call: HeldCall | undefined
  /** its arguments, each time that they were told whole */
  told: string[]
  hasDeltas: boolean
}

type Event = { frame: Frame; event: JsonObject; type: string }

/**
 * A stream of the Responses API, as events or as messages of a WebSocket. A client runs a tool at
 * the `response.output_item.done` of its item, before `response.completed`; from its first event
 * on everything waits.
 */
export class ResponsesStream implements FormatReader {
  readonly #reply: Reply
  readonly #writer: FrameWriter
  readonly #view: ResponsesView
  readonly #texts: ResponsesTexts
  readonly #known = new KnownCalls()
  readonly #items = new Map<string, Item>()
  /** the item that was added last, as long as no call has ended since */
  #last: string | undefined
  readonly #readers: Readonly<Record<EventKind, (read: Event) => void>> = {
    lifecycle: (read) => this.#lifecycle(read),
    terminal: (read) => this.#terminal(read),
    added: (read) => this.#added(read),
    done: (read) => this.#done(read),
    delta: (read) => this.#delta(read),
    'text-done': (read) => this.#textDone(read),
    part: (read) => this.#part(read),
    arguments: (read) => this.#arguments(read, 'delta'),
    'arguments-done': (read) => this.#arguments(read, 'done'),
    harmless: (read) => this.#beside(read),
    failure: (read) => this.#failure(read),
  }

  constructor(reply: Reply, writer: FrameWriter) {
    this.#reply = reply
    this.#writer = writer
    this.#view = new ResponsesView(writer, reply.maxHeldBytes)
    this.#texts = new ResponsesTexts(reply)
  }

  read(frame: Frame): void {
    const { data } = frame
    if (data === null || data.trim() === DONE)
      return this.#reply.pass(frame.raw.length, () => [this.#writer.same(frame)])
    const event = readObject(data)
    const type = textAt(event, 'type') ?? ''
    if (frame.name !== '' && frame.name !== type) {
      throw malformed('an event whose name is not its type')
    }
    this.#readEvent({ frame, event, type })
  }

  end(): void {
    if (this.#reply.hasOpenCalls) throw malformed('the reply broke off inside of a call')
    this.#putRests(this.#texts.endAll())
  }

  close(say: string): readonly Buffer[] {
    return this.#view.close(say)
  }

  #readEvent(read: Event): void {
    const kind = eventKind(read.type)
    if (kind !== undefined) return this.#readers[kind](read)
    this.#reply.unknown(read.type, read.frame.raw.length)
    this.#putBeside(read)
  }

  #lifecycle(read: Event): void {
    const response = objectAt(read.event, 'response') ?? {}
    this.#reply.facts.name(response['model'])
    if (listAt(response, 'output').length > 0) throw malformed('a response that has begun')
    const { output: _, ...head } = response
    this.#pass(read, () => {
      this.#view.began(head)
      return read.event
    })
  }

  #terminal(read: Event): void {
    const response = objectAt(read.event, 'response') ?? {}
    const { facts } = this.#reply
    if (read.type === 'response.completed' && this.#reply.hasOpenCalls) {
      throw malformed('a response that is completed inside of a call')
    }
    this.#reply.dropOpen()
    facts.name(response['model'])
    facts.spent(response['usage'])
    const reason = objectAt(response, 'incomplete_details')
    facts.stop = (reason && textAt(reason, 'reason')) ?? textAt(response, 'status') ?? null
    this.#putRests(this.#texts.endAll())
    const { items, fresh } = readOutput(this.#reply, {
      known: this.#known,
      items: listAt(response, 'output'),
      isCut: read.type !== 'response.completed',
    })
    this.#reply.put({
      calls: fresh,
      bytes: read.frame.raw.length,
      render: () => {
        this.#view.ended()
        const output = renderOutput(items)
        const told =
          output === undefined ? read.event : { ...read.event, response: { ...response, output } }
        return this.#bytes(read, told)
      },
    })
    for (const call of fresh) this.#reply.whole(call)
  }

  #added(read: Event): void {
    const { event } = read
    const item = objectAt(event, 'item')
    if (item === undefined) throw malformed('an item that is none')
    const key = keyOf(event, item)
    if (this.#items.has(key)) throw malformed('an item in the place of another')
    const type = textAt(item, 'type') ?? ''
    const kind = itemKind(item)
    const { name } = item
    const opened: Item = { type, name, call: undefined, told: [], hasDeltas: false }
    this.#items.set(key, opened)
    this.#last = key
    if (kind === undefined) this.#reply.unknown(type, read.frame.raw.length)
    if (kind !== 'call') {
      const told = toldItem(this.#reply, item)
      return this.#pass(read, () => {
        this.#view.added(indexAt(event, 'output_index') ?? -1, told)
        return told === item ? event : { ...event, item: told }
      })
    }
    const { head, text } = readItemCall(item)
    opened.call = this.#reply.open(head)
    if (hasText(item) && text !== '') opened.told.push(text)
    this.#putCall(read, opened.call, { isFirst: true })
  }

  #done(read: Event): void {
    const { event, frame } = read
    const item = objectAt(event, 'item')
    if (item === undefined) throw malformed('an item that is none')
    const key = keyOf(event, item)
    const opened = this.#items.get(key)
    this.#items.delete(key)
    if (opened !== undefined && opened.type !== item['type']) {
      throw malformed('an item that ends as another than it began')
    }
    const outputIndex = indexAt(event, 'output_index') ?? -1
    if (itemKind(item) === 'call') return this.#callDone(read, item, opened)
    if (opened?.call !== undefined) throw malformed('a call that ends as none')
    this.#putRests(this.#texts.endAll(outputIndex))
    if (opened?.hasDeltas !== true) countItem(this.#reply, item)
    const told = toldItem(this.#reply, item)
    this.#pass(read, () => {
      this.#view.finished(outputIndex, told, frame.raw.length)
      return told === item ? event : { ...event, item: told }
    })
  }

  #callDone(read: Event, item: JsonObject, opened: Item | undefined): void {
    const { head, text } = readItemCall(item)
    const call = opened?.call ?? this.#reply.open(head)
    this.#known.add(item, call)
    this.#last = undefined
    this.#putCall(read, call, { isFirst: opened === undefined, item })
    if (item['status'] === 'incomplete') return this.#reply.drop(call)
    if (opened !== undefined) checkSame(opened, head, text)
    if (call.text === '') this.#reply.append(call, text)
    this.#reply.whole(call)
  }

  /**
   * Readers that have one call at a time, OpenClaw's among them, take arguments for those of the item
   * that was added last, whichever they name: another call would be run with what was judged as these.
   */
  #arguments(read: Event, how: 'delta' | 'done'): void {
    const { event } = read
    const key = keyOf(event, event)
    const item = this.#items.get(key)
    if (item?.call === undefined) throw malformed('arguments of no call')
    if (how === 'delta') {
      if (key !== this.#last) throw malformed('a call that goes on behind something else')
      this.#reply.append(item.call, pieceOf(event))
    } else item.told.push(...toldWhole(event, item))
    // told whole once more at the end of its item
    if (key !== this.#last) return
    this.#putCall(read, item.call, { isFirst: false })
  }

  #beside(read: Event): void {
    this.#reply.facts.countBytes(read.type, read.frame.raw.length)
    this.#putBeside(read)
  }

  /** Beside an item: of a call, it goes where the call goes. */
  #putBeside(read: Event): void {
    const call = this.#items.get(keyOf(read.event, read.event))?.call
    if (call === undefined) return this.#pass(read, () => read.event)
    this.#putCall(read, call, { isFirst: false })
  }

  #failure(read: Event): void {
    this.#reply.dropOpen()
    this.#pass(read, () => read.event)
  }

  #delta(read: Event): void {
    const { event, type } = read
    const item = this.#noCall(event)
    if (item !== undefined) item.hasDeltas = true
    const piece = pieceOf(event)
    const told = this.#texts.delta(event, type, piece)
    const changed = told === piece ? event : { ...event, delta: told, ...noLogprobs(event) }
    this.#pass(read, () => {
      if (type === 'response.output_text.delta') {
        const outputIndex = indexAt(event, 'output_index') ?? -1
        this.#view.told(outputIndex, indexAt(event, 'content_index') ?? 0, told)
      }
      return changed
    })
  }

  #textDone(read: Event): void {
    const { event, type } = read
    this.#noCall(event)
    this.#putRests(this.#texts.end(event, type))
    const member = type === 'response.refusal.done' ? 'refusal' : 'text'
    const text = textIn(event, member)
    const kind = type.startsWith('response.reasoning') ? 'thinking' : 'text'
    const told = this.#reply.wholeText(kind, text)
    const changed = told === text ? event : { ...event, [member]: told, ...noLogprobs(event) }
    this.#pass(read, () => changed)
  }

  #part(read: Event): void {
    const { event } = read
    this.#noCall(event)
    const part = objectAt(event, 'part')
    if (part === undefined) throw malformed('a part that is none')
    const told = toldPart(this.#reply, part)
    this.#pass(read, () => (told === part ? event : { ...event, part: told }))
  }

  /** Texts of an item say that it is no call. */
  #noCall(event: JsonObject): Item | undefined {
    const item = this.#items.get(keyOf(event, event))
    if (item?.call !== undefined) throw malformed('a text in a call')
    return item
  }

  #putRests(rests: readonly { type: string; members: JsonObject }[]): void {
    for (const { type, members } of rests) {
      this.#reply.pass(0, () => [this.#view.delta(type, members)])
    }
  }

  #putCall(read: Event, call: HeldCall, how: { isFirst: boolean; item?: JsonObject }): void {
    const outputIndex = indexAt(read.event, 'output_index') ?? 0
    this.#reply.put({
      calls: [call],
      bytes: read.frame.raw.length,
      render: () => {
        if (how.isFirst && call.say !== undefined) {
          return this.#view.saying(outputIndex, String(call.index), call.say)
        }
        if (!call.isReleased) return []
        if (how.item !== undefined) {
          this.#view.finished(outputIndex, how.item, read.frame.raw.length)
        }
        return this.#bytes(read, read.event)
      },
    })
  }

  #pass(read: Event, told: () => JsonObject): void {
    this.#reply.pass(read.frame.raw.length, () => this.#bytes(read, told()))
  }

  #bytes({ frame, event }: Event, told: JsonObject): Buffer[] {
    const numbered = this.#view.numbered(told)
    if (numbered === event) return [this.#writer.same(frame)]
    return [this.#writer.event(frame.name, numbered)]
  }
}

/** Where an item stands: events of it name that place, or at least its id. */
function keyOf(event: JsonObject, item: JsonObject): string {
  const index = indexAt(event, 'output_index')
  if (index !== undefined) return `at ${index}`
  return `id ${textAt(event, 'item_id') ?? textAt(item, 'id') ?? ''}`
}

/** Clients differ in which of two tellings they take. */
function checkSame({ call, told }: Item, head: HeldCall['head'], text: string): void {
  const before = call?.head
  if (before?.tool !== head.tool || before.callId !== head.callId) {
    throw malformed('a call with two names or ids')
  }
  const all = [...told, ...(call === undefined || call.text === '' ? [] : [call.text])]
  if (all.some((one) => one !== text)) {
    throw malformed('arguments of a call that are told in two ways')
  }
}

/** Null is a text as well where it is joined to one. */
function pieceOf(event: JsonObject): string {
  const { delta } = event
  if (typeof delta !== 'string') throw malformed('a delta that is no text')
  return delta
}

/** What an event says that all of the arguments are. */
function toldWhole(event: JsonObject, { name }: Item): string[] {
  const named = event['name'] ?? undefined
  if (named !== undefined && named !== name) throw malformed('a call with two names or ids')
  const told = ['arguments', 'input'].filter((member) => (event[member] ?? undefined) !== undefined)
  return told.length === 0 ? [''] : told.map((member) => textIn(event, member))
}

function noLogprobs(event: JsonObject): JsonObject {
  return event['logprobs'] === undefined ? {} : { logprobs: [] }
}
