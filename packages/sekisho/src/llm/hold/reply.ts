import type { ModelApi } from '../../core/action.ts'
import type { HoldOptions, Judged, ReplyStep } from '../format.ts'
import { type CallHead, HeldCall } from './held-call.ts'
import { FactsBook } from './reply-facts.ts'
import { malformed, oversize, ReplyFault } from './reply-fault.ts'

/** Calls that one reply may propose. */
const MAX_CALLS = 512
/** What a place takes beside its bytes: many short ones would be more than few long ones. */
const PLACE_BYTES = 96

/** Something that leaves in its turn, when every call that it tells of has been settled. */
export type Place = {
  calls: readonly HeldCall[]
  /** what it takes while it waits */
  bytes: number
  /** asked once, when it leaves */
  render: () => readonly Buffer[]
}

export type TextKind = 'text' | 'thinking'

const NONE: readonly HeldCall[] = []

/**
 * What one reply is on its way: places in order, the calls among them, and what has been seen. The
 * first place that waits for a call holds back everything behind it.
 */
export class Reply {
  readonly facts: FactsBook
  readonly #options: HoldOptions
  readonly #calls: HeldCall[] = []
  /** texts as they came, and as they are told */
  readonly #changed = new Map<string, string>()
  #rememberedBytes = 0
  #queue: Place[] = []
  #heldBytes = 0
  /** places that have left the queue */
  #gone = 0
  #steps: ReplyStep[] = []

  constructor(api: ModelApi, options: HoldOptions) {
    this.facts = new FactsBook(api)
    this.#options = options
  }

  /** whether what comes now would wait for something */
  get isWaiting(): boolean {
    return this.#queue.length > 0
  }

  get hasFilter(): boolean {
    return this.#options.filter !== undefined
  }

  get maxHeldBytes(): number {
    return this.#options.maxHeldBytes
  }

  /** steps since the last time */
  take(): ReplyStep[] {
    const steps = this.#steps
    this.#steps = []
    return steps
  }

  /** What waits never leaves, and nobody needs to judge it any more. */
  discard(): void {
    this.#queue = []
    this.#heldBytes = 0
    this.#steps = this.#steps.filter(({ kind }) => kind !== 'judge')
  }

  /** Leaves as soon as everything in front of it has. */
  pass(bytes: number, render: Place['render']): void {
    this.put({ calls: NONE, bytes, render })
  }

  put(place: Place): void {
    if (this.#queue.length === 0 && isDue(place)) return this.#write(place)
    this.#heldBytes += place.bytes + PLACE_BYTES
    if (this.#heldBytes > this.#options.maxHeldBytes) {
      throw oversize(`more than ${this.#options.maxHeldBytes} bytes behind a call`)
    }
    for (const call of place.calls) call.lastPlace = this.#gone + this.#queue.length
    this.#queue.push(place)
  }

  open(head: CallHead): HeldCall {
    if (this.#calls.length === MAX_CALLS) throw malformed(`more than ${MAX_CALLS} calls`)
    const call = new HeldCall(this.#calls.length, head, this.#options.maxCallBytes)
    this.#calls.push(call)
    return call
  }

  append(call: HeldCall, piece: string): void {
    call.append(piece)
    this.facts.count('reply calls', piece)
  }

  /** The call's arguments are whole: it is to be judged. */
  whole(call: HeldCall): void {
    this.#steps.push({ kind: 'judge', call: call.end() })
  }

  /** Calls that will never be whole, since the reply has failed. */
  dropOpen(): void {
    for (const call of this.#calls) if (!call.isWhole) call.settle({ kind: 'drop' })
    this.#drain()
  }

  /** A call that its provider says is not whole. */
  drop(call: HeldCall): void {
    call.settle({ kind: 'drop' })
    this.#drain()
  }

  get hasOpenCalls(): boolean {
    return this.#calls.some((call) => !call.isWhole && !call.isSettled)
  }

  settle(index: number, judged: Judged): void {
    const call = this.#calls[index]
    if (call === undefined || !call.isWhole) return
    call.settle(judged)
    this.#drain()
  }

  /** @returns what of it may be told now; a filter may keep its end until later */
  text(kind: TextKind, stream: string, text: string): string {
    this.facts.count(kind === 'text' ? 'reply text' : 'reply thinking', text)
    return this.#options.filter?.push(`${kind}:${stream}`, text) ?? text
  }

  /** @returns what the filter had kept */
  endText(kind: TextKind, stream: string): string {
    return this.#options.filter?.end(`${kind}:${stream}`) ?? ''
  }

  /**
   * A text that is told whole, perhaps more than once: the same one reads the same every time.
   * Not counted, since it may have been told in pieces.
   */
  wholeText(kind: TextKind, text: string): string {
    const { filter } = this.#options
    if (filter === undefined || text === '') return text
    const known = this.#changed.get(text)
    if (known !== undefined) return known
    const stream = `${kind}:whole.${this.#changed.size}`
    const told = filter.push(stream, text) + filter.end(stream)
    this.remember(text, told)
    return told
  }

  /** What a text that came in pieces came to. */
  remember(text: string, told: string): void {
    this.#rememberedBytes += text.length + told.length
    if (this.#rememberedBytes > this.#options.maxHeldBytes) {
      throw oversize(`texts of more than ${this.#options.maxHeldBytes} characters`)
    }
    this.#changed.set(text, told)
  }

  /** @throws ReplyFault unless the bundle lets pass what nobody can look into */
  unknown(type: string, bytes: number): void {
    this.facts.unknown(type, bytes)
    if (this.#options.unsupported === 'pass') return
    throw new ReplyFault('llm.unsupported', `a part of type ${shown(type)}`)
  }

  #drain(): void {
    for (;;) {
      const due = this.#countDue()
      if (due === 0) return
      for (const place of this.#queue.splice(0, due)) {
        this.#heldBytes -= place.bytes + PLACE_BYTES
        this.#write(place)
      }
      this.#gone += due
    }
  }

  /**
   * How many of the first places leave together. A call leaves whole or not at all: a client that
   * has the beginning of one might run what it has when the reply is ended early.
   */
  #countDue(): number {
    let count = Math.min(1, this.#queue.length)
    for (let at = 0; at < count; at += 1) {
      const place = this.#queue[at]
      if (place === undefined || !isDue(place)) return 0
      for (const call of place.calls) count = Math.max(count, call.lastPlace - this.#gone + 1)
    }
    return count
  }

  #write(place: Place): void {
    for (const bytes of place.render()) {
      if (bytes.length > 0) this.#steps.push({ kind: 'write', bytes })
    }
  }
}

function isDue(place: Place): boolean {
  return place.calls.every(({ isSettled }) => isSettled)
}

function shown(type: string): string {
  return JSON.stringify(type.slice(0, 64).toWellFormed())
}
