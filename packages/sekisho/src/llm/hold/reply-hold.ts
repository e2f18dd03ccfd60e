import type { Judged, ReplyFacts, ReplyHold, ReplyStep } from '../format.ts'
import type { FormatReader } from './format-reader.ts'
import type { FrameReader } from './frame.ts'
import type { Reply } from './reply.ts'
import { malformed, ReplyFault } from './reply-fault.ts'

export type HoldParts = {
  reply: Reply
  frames: FrameReader
  format: FormatReader
  /** undefined where nothing is harmless */
  keepAlive?: () => Buffer
}

/** The hold of one reply, whatever its format and its framing. */
export class FramedHold implements ReplyHold {
  readonly #keepAlive: (() => Buffer) | undefined
  readonly #reply: Reply
  readonly #frames: FrameReader
  readonly #format: FormatReader
  #isOver = false

  constructor({ reply, frames, format, keepAlive }: HoldParts) {
    this.#reply = reply
    this.#frames = frames
    this.#format = format
    this.#keepAlive = keepAlive
  }

  get keepAlive(): Buffer | null {
    return this.#keepAlive?.() ?? null
  }

  get facts(): ReplyFacts {
    return this.#reply.facts
  }

  push(bytes: Buffer): readonly ReplyStep[] {
    return this.#steps(() => {
      this.#frames.push(bytes, (frame) => this.#format.read(frame), this.#format.skip)
    })
  }

  end(): readonly ReplyStep[] {
    return this.#steps(() => {
      for (const frame of this.#frames.end()) this.#format.read(frame)
      this.#format.end()
    })
  }

  settle(index: number, judged: Judged): readonly ReplyStep[] {
    return this.#steps(() => this.#reply.settle(index, judged))
  }

  cutOff(say: string): readonly ReplyStep[] {
    if (this.#isOver) return []
    this.#isOver = true
    return this.#close(say)
  }

  #steps(act: () => void): readonly ReplyStep[] {
    if (this.#isOver) return []
    try {
      act()
    } catch (error) {
      return this.#refuse(faultOf(error))
    }
    return joined(this.#reply.take())
  }

  #refuse({ rule, message }: ReplyFault): readonly ReplyStep[] {
    this.#isOver = true
    const told = this.#close(`[sekisho] The rest of this reply was refused: ${message}.`)
    return [...told, { kind: 'refuse', rule, reason: message }]
  }

  #close(say: string): readonly ReplyStep[] {
    this.#reply.discard()
    const writes = this.#reply.take()
    const end = this.#format.close(say).map((bytes): ReplyStep => ({ kind: 'write', bytes }))
    return joined([...writes, ...end])
  }
}

/** What is beyond any bound, of a filter or of the language, is no reply; all else is ours. */
function faultOf(error: unknown): ReplyFault {
  if (error instanceof ReplyFault) return error
  if (error instanceof RangeError) return malformed(error.message.slice(0, 256))
  throw error
}

/** One write for bytes that leave together. */
function joined(steps: readonly ReplyStep[]): ReplyStep[] {
  const all: ReplyStep[] = []
  let writes: Buffer[] = []
  const flush = (): void => {
    const [first] = writes
    if (first !== undefined) {
      all.push({ kind: 'write', bytes: writes.length > 1 ? Buffer.concat(writes) : first })
    }
    writes = []
  }
  for (const step of steps) {
    if (step.kind === 'write') {
      writes.push(step.bytes)
      continue
    }
    flush()
    all.push(step)
  }
  flush()
  return all
}
