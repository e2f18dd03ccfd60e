import { DocumentFrames, DocumentWriter } from './document-frames.ts'
import type { Frame, FrameReader, FrameWriter } from './frame.ts'
import { ArrayFrames, ArrayWriter } from './array-frames.ts'
import { SseFrames, SseWriter } from './sse-frames.ts'

type Framing = { reader: FrameReader; writer: FrameWriter }

const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b

/**
 * The framing of a Gemini reply, as its first byte tells it: events with `alt=sse`, without it an
 * array whose elements come one after the other, or one document.
 */
export class GeminiFrames implements FrameReader, FrameWriter {
  readonly #maxBytes: number
  readonly #isStream: boolean
  #framing: Framing | undefined

  constructor(maxBytes: number, isStream: boolean) {
    this.#maxBytes = maxBytes
    this.#isStream = isStream
  }

  push(bytes: Buffer, found: (frame: Frame) => void): void {
    if (this.#framing === undefined) {
      const first = bytes.find((byte) => !isSpace(byte))
      this.#framing = first === undefined ? undefined : this.#framingOf(first)
    }
    // space in front of the first byte says nothing in any of them
    this.#framing?.reader.push(bytes, found)
  }

  end(): readonly Frame[] {
    return this.#framing?.reader.end() ?? []
  }

  same(frame: Frame): Buffer {
    return this.#known().writer.same(frame)
  }

  event(name: string, value: object): Buffer {
    return this.#known().writer.event(name, value)
  }

  close(): Buffer {
    return this.#known().writer.close()
  }

  #known(): Framing {
    this.#framing ??= this.#framingOf(this.#isStream ? 0 : OPEN_OBJECT)
    return this.#framing
  }

  #framingOf(first: number): Framing {
    if (first === OPEN_ARRAY) {
      return { reader: new ArrayFrames(this.#maxBytes), writer: new ArrayWriter() }
    }
    if (first === OPEN_OBJECT || !this.#isStream) {
      return { reader: new DocumentFrames(this.#maxBytes), writer: new DocumentWriter() }
    }
    return { reader: new SseFrames(this.#maxBytes), writer: new SseWriter() }
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}
