import { DONE, type FormatReader, readObject, textIn } from './format-reader.ts'
import type { Frame, FrameWriter } from './frame.ts'
import type { HeldCall } from './held-call.ts'
import { indexAt, isObject, type JsonObject, objectAt, textAt } from './json-object.ts'
import type { SkipEvents } from '../sse.ts'
import { readTextRun } from './messages-texts.ts'
import { MessagesView } from './messages-view.ts'
import { type BlockKind, blockKind, blocksOfDelta } from './messages-types.ts'
import type { Reply, TextKind } from './reply.ts'
import { malformed } from './reply-fault.ts'

type Block = { kind: BlockKind | 'unknown'; type: string; call: HeldCall | undefined }

type Reader = 'begin' | 'start' | 'delta' | 'stop' | 'messageDelta' | 'end' | 'ping' | 'error'

const READERS: Readonly<Record<string, Reader>> = {
  message_start: 'begin',
  content_block_start: 'start',
  content_block_delta: 'delta',
  content_block_stop: 'stop',
  message_delta: 'messageDelta',
  message_stop: 'end',
  ping: 'ping',
  error: 'error',
}

/**
 * A stream of the Messages API. A client runs a tool at the `content_block_stop` of its block,
 * while the stream is still open; from its `content_block_start` on everything waits.
 */
export class MessagesStream implements FormatReader {
  readonly #reply: Reply
  readonly #writer: FrameWriter
  readonly #view: MessagesView
  /** begun and not yet stopped, by index */
  readonly #blocks = new Map<number, Block>()
  readonly skip: SkipEvents
  readonly #readers: Readonly<Record<Reader, (frame: Frame, event: JsonObject) => void>>
  #lastIndex = -1
  #begunBlocks = 0
  #hasBegun = false
  /** of the call that is open: nothing else begins, goes on or ends inside of it */
  #openCall: number | undefined
  #usage: JsonObject = {}

  constructor(reply: Reply, writer: FrameWriter) {
    this.#reply = reply
    this.#writer = writer
    this.#view = new MessagesView(writer)
    const isOpen = (index: number, kind: TextKind): boolean =>
      this.#blocks.get(index)?.kind === kind
    this.skip = (bytes, at) => readTextRun(bytes, at, { reply, writer, isOpen })
    this.#readers = {
      begin: (frame, event) => this.#begin(frame, event),
      start: (frame, event) => this.#start(frame, event),
      delta: (frame, event) => this.#delta(frame, event),
      stop: (frame, event) => this.#stop(frame, event),
      messageDelta: (frame, event) => this.#messageDelta(frame, event),
      end: (frame) => this.#end(frame),
      ping: (frame) => this.#pass(frame),
      error: (frame) => {
        reply.dropOpen()
        this.#openCall = undefined
        this.#pass(frame)
      },
    }
  }

  read(frame: Frame): void {
    const { data } = frame
    if (data === null || data === DONE) return this.#pass(frame)
    const event = readObject(data)
    const type = textAt(event, 'type') ?? ''
    if (frame.name !== '' && frame.name !== type) {
      throw malformed('an event whose name is not its type')
    }
    const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined
    if (reader !== undefined) return this.#readers[reader](this.#named(frame, type), event)
    this.#reply.unknown(type, frame.raw.length)
    this.#pass(frame)
  }

  /**
   * Readers differ about an event without a name: Anthropic's own passes over it. Arguments would
   * be judged with a piece that is not in what the client runs.
   */
  #named(frame: Frame, type: string): Frame {
    if (frame.name !== '' || this.#writer.hasNames !== true) return frame
    return { ...frame, name: type, isPlain: false }
  }

  end(): void {
    if (this.#reply.hasOpenCalls) throw malformed('the reply broke off inside of a call')
    for (const [index, block] of this.#blocks) this.#flush(index, block)
  }

  close(say: string): readonly Buffer[] {
    return this.#view.close(say)
  }

  #end(frame: Frame): void {
    if (this.#blocks.size > 0) throw malformed('a message that ends inside of a block')
    this.#reply.pass(frame.raw.length, () => {
      this.#view.ended()
      return [this.#writer.same(frame)]
    })
  }

  #pass(frame: Frame): void {
    this.#reply.pass(frame.raw.length, () => [this.#writer.same(frame)])
  }

  #begin(frame: Frame, event: JsonObject): void {
    const message = objectAt(event, 'message') ?? {}
    const { content } = message
    // one client takes what stands here for the first blocks, another does not
    const isEmpty = Array.isArray(content)
      ? content.length === 0
      : (content ?? undefined) === undefined
    // and one counts its blocks anew
    if (!isEmpty || this.#hasBegun || this.#begunBlocks > 0) {
      throw malformed('a message that has begun')
    }
    this.#hasBegun = true
    this.#reply.facts.name(message['model'])
    this.#usage = objectAt(message, 'usage') ?? {}
    this.#reply.pass(frame.raw.length, () => {
      this.#view.began()
      return [this.#writer.same(frame)]
    })
  }

  #start(frame: Frame, event: JsonObject): void {
    const index = this.#newIndex(event)
    const content = objectAt(event, 'content_block') ?? {}
    const type = textAt(content, 'type') ?? ''
    const kind = blockKind(type) ?? 'unknown'
    if (kind === 'call') return this.#startCall(frame, index, content)
    this.#blocks.set(index, { kind, type, call: undefined })
    if (kind === 'text' || kind === 'thinking') {
      return this.#startText(frame, { event, content, kind, index })
    }
    if (kind === 'server') this.#reply.facts.server(textAt(content, 'name') ?? type)
    this.#startOther(frame, index, kind === 'unknown' ? { unknown: type } : { known: type })
  }

  #newIndex(event: JsonObject): number {
    const index = indexAt(event, 'index')
    if (index === undefined) throw malformed('a block without its index')
    if (index <= this.#lastIndex) throw malformed('a block with the index of another')
    this.#checkAlone(index)
    this.#lastIndex = index
    this.#begunBlocks += 1
    return index
  }

  #startOther(frame: Frame, index: number, type: { unknown: string } | { known: string }): void {
    if ('unknown' in type) this.#reply.unknown(type.unknown, frame.raw.length)
    else this.#reply.facts.countBytes(type.known, frame.raw.length)
    this.#reply.pass(frame.raw.length, () => {
      this.#view.opened(index)
      return [this.#writer.same(frame)]
    })
  }

  /**
   * Anthropic's readers find a block by how many were begun before it, others by its index, and some
   * take each piece of arguments for one of the call that began last, and each end for its own.
   */
  #checkPlace(index: number): void {
    if (index !== this.#begunBlocks - 1) throw malformed('a call whose index is not its place')
    if (this.#blocks.size > 0) throw malformed('a call inside of a block')
  }

  #checkAlone(index: number): void {
    if (this.#openCall !== undefined && this.#openCall !== index) {
      throw malformed('something else inside of a call')
    }
  }

  #startText(
    frame: Frame,
    at: { event: JsonObject; content: JsonObject; kind: TextKind; index: number },
  ): void {
    const { event, content, kind, index } = at
    const text = textIn(content, kind)
    const told = text === '' ? '' : this.#reply.text(kind, String(index), text)
    this.#reply.pass(frame.raw.length, () => {
      this.#view.opened(index)
      if (told === text) return [this.#writer.same(frame)]
      return [
        this.#writer.event(frame.name, { ...event, content_block: { ...content, [kind]: told } }),
      ]
    })
  }

  #startCall(frame: Frame, index: number, content: JsonObject): void {
    this.#checkPlace(index)
    const input = content['input'] ?? {}
    // clients differ in what becomes of it: a call is what its deltas say
    if (!isObject(input) || Object.keys(input).length > 0) {
      throw malformed('a call that begins with arguments')
    }
    this.#openCall = index
    const call = this.#reply.open({
      callId: textAt(content, 'id') ?? null,
      tool: textAt(content, 'name') ?? '',
      type: 'tool_use',
      format: 'json',
    })
    this.#blocks.set(index, { kind: 'call', type: 'tool_use', call })
    this.#reply.put({
      calls: [call],
      bytes: frame.raw.length,
      render: () => {
        if (call.say !== undefined) return this.#view.text(index, call.say)
        if (!call.isReleased) return []
        this.#view.released(index)
        return [this.#writer.same(frame)]
      },
    })
  }

  #delta(frame: Frame, event: JsonObject): void {
    const index = indexAt(event, 'index') ?? -1
    const block = this.#blocks.get(index)
    const delta = objectAt(event, 'delta')
    if (block === undefined || delta === undefined) throw malformed('a delta of no block')
    this.#checkAlone(index)
    const type = textAt(delta, 'type') ?? ''
    this.#checkDelta(frame, block, type)
    if (block.call !== undefined) return this.#callDelta(frame, block.call, delta)
    if (type === 'text_delta' || type === 'thinking_delta') {
      return this.#textDelta(frame, event, delta)
    }
    const part = type === 'signature_delta' ? 'signature' : block.type
    this.#reply.facts.countBytes(part, frame.raw.length)
    this.#pass(frame)
  }

  /** Of a block that nobody knows, any delta is as unknown as the block. */
  #checkDelta(frame: Frame, { kind }: Block, type: string): void {
    if (kind === 'unknown') return
    const kinds = blocksOfDelta(type)
    if (kinds === undefined) this.#reply.unknown(type, frame.raw.length)
    else if (!kinds.includes(kind)) throw malformed('a delta that its block cannot have')
  }

  #textDelta(frame: Frame, event: JsonObject, delta: JsonObject): void {
    const kind = delta['type'] === 'text_delta' ? 'text' : 'thinking'
    const text = textIn(delta, kind)
    const told = this.#reply.text(kind, String(event['index']), text)
    if (told === text) return this.#pass(frame)
    const changed = { ...event, delta: { ...delta, [kind]: told } }
    this.#reply.pass(frame.raw.length, () => [this.#writer.event(frame.name, changed)])
  }

  #callDelta(frame: Frame, call: HeldCall, delta: JsonObject): void {
    const piece = textAt(delta, 'partial_json')
    // of a type that nobody knows, it is none to a client
    if (piece === undefined || delta['type'] !== 'input_json_delta')
      throw malformed('a delta of a call without a text')
    this.#reply.append(call, piece)
    this.#putOf(call, frame, () => {})
  }

  #stop(frame: Frame, event: JsonObject): void {
    const index = indexAt(event, 'index') ?? -1
    const block = this.#blocks.get(index)
    if (block === undefined) throw malformed('the end of no block')
    this.#checkAlone(index)
    this.#openCall = undefined
    this.#blocks.delete(index)
    const { call } = block
    if (call !== undefined) {
      this.#putOf(call, frame, () => this.#view.stopped(index))
      return this.#reply.whole(call)
    }
    this.#flush(index, block)
    this.#reply.pass(frame.raw.length, () => {
      this.#view.stopped(index)
      return [this.#writer.same(frame)]
    })
  }

  #putOf(call: HeldCall, frame: Frame, leaves: () => void): void {
    this.#reply.put({
      calls: [call],
      bytes: frame.raw.length,
      render: () => {
        if (!call.isReleased) return []
        leaves()
        return [this.#writer.same(frame)]
      },
    })
  }

  /** What the filter has kept of a text leaves in front of the block's end. */
  #flush(index: number, { kind }: Block): void {
    if (kind !== 'text' && kind !== 'thinking') return
    const rest = this.#reply.endText(kind, String(index))
    if (rest === '') return
    this.#reply.pass(rest.length, () => [
      this.#view.delta(index, { type: `${kind}_delta`, [kind]: rest }),
    ])
  }

  #messageDelta(frame: Frame, event: JsonObject): void {
    if (this.#openCall !== undefined) throw malformed('a message that ends inside of a call')
    const delta = objectAt(event, 'delta') ?? {}
    const { facts } = this.#reply
    const reason = textAt(delta, 'stop_reason')
    if (reason !== undefined) facts.stop = reason
    this.#usage = { ...this.#usage, ...withoutNulls(objectAt(event, 'usage') ?? {}) }
    facts.spent(this.#usage)
    this.#reply.pass(frame.raw.length, () => {
      this.#view.stopping()
      if (reason !== 'tool_use' || !this.#view.hasOnlyReplaced) return [this.#writer.same(frame)]
      return [
        this.#writer.event(frame.name, { ...event, delta: { ...delta, stop_reason: 'end_turn' } }),
      ]
    })
  }
}

function withoutNulls(usage: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null))
}
