import type { Judged, ProposedCall } from '../format.ts'
import { isObject } from './json-object.ts'
import { malformed, oversize } from './reply-fault.ts'
import { isWellFormedJson, readStrictJson } from './strict-json.ts'

export type CallHead = Pick<ProposedCall, 'callId' | 'tool' | 'type' | 'format'>

/** The longest name or id that is not a way to carry something else. */
const MAX_NAME_CHARACTERS = 256

/**
 * A call of a tool from its first event on. It is whole when its arguments are, settled when it has
 * been judged, and dropped when it can become neither.
 */
export class HeldCall {
  readonly head: CallHead
  readonly index: number
  /** of the places that tell of it, counted over the whole reply */
  lastPlace = -1
  readonly #maxBytes: number
  #pieces: string[] = []
  #bytes = 0
  #isWhole = false
  #judged: Judged | { kind: 'drop' } | undefined

  constructor(index: number, head: CallHead, maxBytes: number) {
    for (const name of [head.tool, head.callId ?? '']) {
      if (name.length > MAX_NAME_CHARACTERS) throw malformed('a call with a very long name or id')
      if (!name.isWellFormed()) throw malformed('a call with a lone surrogate in its name or id')
    }
    this.index = index
    this.head = head
    this.#maxBytes = maxBytes
  }

  get isWhole(): boolean {
    return this.#isWhole
  }

  get isSettled(): boolean {
    return this.#judged !== undefined
  }

  get isReleased(): boolean {
    return this.#judged?.kind === 'release'
  }

  /** what stands in its place; undefined where it was released, or dropped */
  get say(): string | undefined {
    return this.#judged?.kind === 'replace' ? this.#judged.say : undefined
  }

  get text(): string {
    const [first = ''] = this.#pieces
    if (this.#pieces.length < 2) return first
    const text = this.#pieces.join('')
    this.#pieces = [text]
    return text
  }

  append(piece: string): void {
    if (this.#isWhole) throw malformed('arguments of a call that was whole')
    if (piece === '') return
    this.#bytes += Buffer.byteLength(piece)
    if (this.#bytes > this.#maxBytes) {
      throw oversize(`a call with more than ${this.#maxBytes} bytes of arguments`)
    }
    this.#pieces.push(piece)
  }

  /** The call as it is judged. @throws ReplyFault for arguments that do not have one meaning */
  end(): ProposedCall {
    const { tool, format } = this.head
    if (this.#isWhole) throw malformed('a call that is whole twice')
    if (tool === '') throw malformed('a call without a name')
    const text = this.text
    this.#isWhole = true
    if (format === 'json') return this.#proposed(jsonArguments(text))
    // of a pair, one half may come with the next piece; by now both are there
    if (!text.isWellFormed()) throw malformed('a lone surrogate in what a tool is called with')
    return this.#proposed(text)
  }

  settle(judged: Judged | { kind: 'drop' }): void {
    this.#judged ??= judged
    this.#pieces = []
  }

  #proposed(text: string): ProposedCall {
    return { index: this.index, ...this.head, arguments: text }
  }
}

/**
 * An object, so that no beginning of it is JSON by itself: clients that run a call as soon as its
 * arguments parse see what has been judged. None at all is an empty one, to every client.
 */
function jsonArguments(text: string): string {
  if (text.trim() === '') return '{}'
  const read = readStrictJson(text)
  if ('problem' in read) throw malformed(`arguments of a call: ${read.problem}`)
  if (!isObject(read.value)) throw malformed('arguments of a call that are no object')
  if (!isWellFormedJson(read.value)) throw malformed('arguments of a call with a lone surrogate')
  return text
}
