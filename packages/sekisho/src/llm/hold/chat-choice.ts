import { checkSame, type ChatCall, type ChatText, openCall } from './chat-fields.ts'
import type { HeldCall } from './held-call.ts'
import { indexAt, type JsonObject } from './json-object.ts'
import type { Reply } from './reply.ts'
import { malformed } from './reply-fault.ts'

/** A piece that brings nothing goes nowhere else with any reader. */
function isSaying({ id, name, piece }: ChatCall): boolean {
  return id !== '' || name !== '' || piece !== ''
}

/** Of a reply's id, what an id made of it has: the end, which differs most. */
const MAX_REPLY_ID = 32

/**
 * Some servers have each call under the same index. A piece under an id of its own, and with a name, is
 * another call: it leaves under another index.
 */
function isAnother({ id, name }: ChatCall, before: HeldCall): boolean {
  return id !== '' && name !== '' && id !== before.head.callId
}

/** One choice of a stream: its calls, its texts, and what of it its client has had. */
export class ChatChoice {
  readonly index: number
  readonly #reply: Reply
  readonly #replyId: string
  readonly #calls = new Map<number | 'legacy', HeldCall>()
  readonly #all: HeldCall[] = []
  readonly #ids = new Set<string>()
  /** the call that a next piece may go on with */
  #open: HeldCall | undefined
  /** texts that a filter may have kept something of */
  #streams = new Map<string, ChatText & { stream: string }>()
  #round = 0
  #isFinished = false
  #isIndexed: boolean | undefined
  readonly #sentAs = new Map<HeldCall, number>()
  /** the highest index of a call that has been told */
  #lastSent = -1
  #released = 0
  #replaced = 0
  #hasText = false
  isFinishSent = false

  /** @param replyId for ids of calls that have none */
  constructor(reply: Reply, index: number, replyId = '') {
    this.#reply = reply
    this.index = index
    this.#replyId = replyId.replaceAll(/\W/g, '').slice(-MAX_REPLY_ID)
  }

  get hasReleased(): boolean {
    return this.#released > 0
  }

  get hasOnlyReplaced(): boolean {
    return this.#replaced > 0 && this.#released === 0
  }

  /** @param entry whose `index` says which call it goes on with; without one it is a call itself */
  call(read: ChatCall, entry: JsonObject): HeldCall {
    const key = read.type === 'function_call' ? 'legacy' : this.#keyOf(entry)
    if (this.#isFinished) throw malformed('a call behind the end of its choice')
    const known = this.#knownAt(key, read)
    const call = known ?? this.#begin(read, key)
    if (known === undefined) this.#open = call
    this.#reply.append(call, read.piece)
    return call
  }

  /** @returns undefined where a call begins */
  #knownAt(key: number | 'legacy' | undefined, read: ChatCall): HeldCall | undefined {
    const known = key === undefined ? undefined : this.#calls.get(key)
    if (known === undefined || isAnother(read, known)) return undefined
    checkSame(known, read)
    if (isSaying(read) && known !== this.#open) {
      throw malformed('a call that goes on behind something else')
    }
    return known
  }

  #begin(read: ChatCall, key: number | 'legacy' | undefined): HeldCall {
    if (read.name === '') throw malformed('a call that begins without a name')
    const count = this.#all.length
    const id = read.id === '' && count > 0 ? `call_sekisho_${this.#replyId}_${count}` : read.id
    // a reader that tells calls apart by their ids gives this name to the arguments of another
    if (this.#ids.has(id)) throw malformed('a call without an id of its own')
    const call = openCall(this.#reply, { ...read, id })
    this.#ids.add(id)
    this.#all.push(call)
    if (key !== undefined) this.#calls.set(key, call)
    return call
  }

  /**
   * Something other than a call comes. Readers that have one call at a time, OpenClaw's among them,
   * end it there, or pass over calls beside a text: what they run lacks the pieces behind.
   */
  interrupt(): void {
    this.#open = undefined
  }

  get hasCalls(): boolean {
    return this.#all.length > 0
  }

  /** To one client a call without an index is one of its own, to another the first. */
  #keyOf(entry: JsonObject): number | undefined {
    const key = indexAt(entry, 'index')
    const came = entry['index'] ?? undefined
    if (key === undefined && came !== undefined) throw malformed('a call whose index is none')
    this.#isIndexed ??= key !== undefined
    if (this.#isIndexed !== (key !== undefined))
      throw malformed('calls of which some have an index')
    return key
  }

  /** No more of this choice's calls comes: their arguments are whole. */
  finish(): void {
    if (this.#isFinished) return
    this.#isFinished = true
    for (const call of this.#all) if (!call.isSettled) this.#reply.whole(call)
  }

  /** @returns what of a text may be told now */
  text({ name, kind, text }: ChatText): string {
    const stream = `${this.index}.${name}.${this.#round}`
    if (this.#reply.hasFilter) this.#streams.set(name, { name, kind, text: '', stream })
    return this.#reply.text(kind, stream, text)
  }

  /** What a filter has kept of all texts so far, by the member that it belongs to. */
  flush(): Map<string, string> {
    const rests = new Map<string, string>()
    for (const { name, kind, stream } of this.#streams.values()) {
      const rest = this.#reply.endText(kind, stream)
      if (rest !== '') rests.set(name, rest)
    }
    if (this.#streams.size > 0) this.#round += 1
    this.#streams = new Map()
    return rests
  }

  /** The client has text, to which more is added. */
  told(): void {
    this.#hasText = true
  }

  /** What stands in the place of a call, behind whatever text there is. */
  saying(say: string): string {
    const text = this.#hasText ? `\n\n${say}` : say
    this.#hasText = true
    return text
  }

  /**
   * How a call is told, the first time that it is: under an index that no other has been told under,
   * without a hole where calls in front of it have been replaced.
   *
   * @param index as the provider has it; -1 for none
   */
  sends(call: HeldCall, index: number): number {
    const known = this.#sentAs.get(call)
    if (known !== undefined) return known
    if (call.isReleased) this.#released += 1
    else this.#replaced += 1
    const own = index === -1 ? -1 : this.#freeIndex(index)
    this.#sentAs.set(call, own)
    if (call.isReleased) this.#lastSent = Math.max(this.#lastSent, own)
    return own
  }

  isSent(call: HeldCall): boolean {
    return this.#sentAs.has(call)
  }

  /** Servers count in different ways: from one on, in any order, or each call as the first. */
  #freeIndex(index: number): number {
    const next = this.#lastSent + 1
    return this.#replaced === 0 ? Math.max(index, next) : next
  }
}
