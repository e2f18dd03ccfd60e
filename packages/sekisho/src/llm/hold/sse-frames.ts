import { encodeSse, type SkipEvents, type SseEvent, SseFault, SseReader } from '../sse.ts'
import { DONE } from './format-reader.ts'
import type { Frame, FrameReader, FrameWriter } from './frame.ts'
import { malformed, oversize } from './reply-fault.ts'
import { readStrictJson } from './strict-json.ts'

/** Frames of an event stream. */
export class SseFrames implements FrameReader {
  readonly #reader: SseReader

  constructor(maxBytes: number) {
    this.#reader = new SseReader(maxBytes)
  }

  push(bytes: Buffer, found: (frame: Frame) => void, skip?: SkipEvents): void {
    try {
      this.#reader.push(bytes, found, skip)
    } catch (error) {
      throw toReplyFault(error)
    }
  }

  /**
   * What no empty line has ended: an event where it is whole, since many clients take it for one,
   * and nothing where the stream broke off inside of it.
   */
  end(): readonly Frame[] {
    const last = this.#last()
    if (last === undefined || last.data === null) return []
    const isWhole = last.data.trim() === DONE || !('problem' in readStrictJson(last.data))
    return isWhole ? [{ ...last, isPlain: false }] : []
  }

  #last(): SseEvent | undefined {
    try {
      return this.#reader.end()
    } catch (error) {
      // a character that was cut in two is a stream that broke off
      if (error instanceof SseFault && error.kind === 'encoding') return undefined
      throw toReplyFault(error)
    }
  }
}

function toReplyFault(error: unknown): unknown {
  if (!(error instanceof SseFault)) return error
  const { kind, message } = error
  return kind === 'oversize' ? oversize(message) : malformed(message)
}

const LF = 0x0a
const CR = 0x0d

/**
 * Writes events in the stream's own line ends: some clients look for these alone. To them an event
 * with others is none, or a part of the next.
 */
export class SseWriter implements FrameWriter {
  readonly hasNames = true
  #newline: '\n' | '\r\n' | undefined

  same(frame: Frame): Buffer {
    const { raw, name, data, isPlain } = frame
    this.#newline ??= raw.at(-2) === CR ? '\r\n' : '\n'
    if (isPlain && hasLineEnds(raw, this.#newline)) return raw
    // LF in JSON stands between tokens, where a space says the same
    return data === null ? NOTHING : this.#encode(name, data.replaceAll('\n', ' '))
  }

  event(name: string, value: object): Buffer {
    return this.#encode(name, JSON.stringify(value))
  }

  /** whether the client has been told lines that end in LF alone */
  get isLf(): boolean {
    return this.#newline === '\n'
  }

  /** `[DONE]` is no JSON */
  text(data: string): Buffer {
    return this.#encode('', data)
  }

  close(): Buffer {
    return Buffer.alloc(0)
  }

  /** Of events of our own, in the line ends of the stream: what comes in others is not found. */
  lines(text: string): Buffer {
    this.#newline ??= '\n'
    return Buffer.from(text.replaceAll('\n', this.#newline))
  }

  #encode(name: string, data: string): Buffer {
    return encodeSse(name, data, this.#newline ?? '\n')
  }
}

const NOTHING = Buffer.alloc(0)

/** Whether every line of it ends in this. */
function hasLineEnds(raw: Buffer, newline: '\n' | '\r\n'): boolean {
  if (newline === '\n') return !raw.includes(CR)
  let unpaired = 0
  for (let at = raw.indexOf(CR); at !== -1; at = raw.indexOf(CR, at + 1)) unpaired += 1
  for (let at = raw.indexOf(LF); at !== -1; at = raw.indexOf(LF, at + 1)) {
    if (raw[at - 1] !== CR) return false
    unpaired -= 1
  }
  return unpaired === 0
}
