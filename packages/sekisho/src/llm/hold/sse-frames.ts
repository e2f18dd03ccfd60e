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

/** Writes events in the stream's own line ends: some clients look for these alone. */
export class SseWriter implements FrameWriter {
  readonly hasNames = true
  #newline: '\n' | '\r\n' | undefined

  same(frame: Frame): Buffer {
    const { raw, name, data, isPlain } = frame
    this.#newline ??= raw.at(-2) === 0x0d ? '\r\n' : '\n'
    if (isPlain) return raw
    // LF in JSON stands between tokens, where a space says the same
    return data === null ? NOTHING : this.#encode(name, data.replaceAll('\n', ' '))
  }

  event(name: string, value: object): Buffer {
    return this.#encode(name, JSON.stringify(value))
  }

  /** `[DONE]` is no JSON */
  text(data: string): Buffer {
    return this.#encode('', data)
  }

  close(): Buffer {
    return Buffer.alloc(0)
  }

  #encode(name: string, data: string): Buffer {
    return encodeSse(name, data, this.#newline ?? '\n')
  }
}

const NOTHING = Buffer.alloc(0)
