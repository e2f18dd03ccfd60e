import type { Frame, FrameReader, FrameWriter } from './frame.ts'
import { malformed, oversize } from './reply-fault.ts'

/** A reply that is one JSON document: a single frame, when all of it is there. */
export class DocumentFrames implements FrameReader {
  readonly #maxBytes: number
  #pieces: Buffer[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(bytes: Buffer): void {
    this.#bytes += bytes.length
    if (this.#bytes > this.#maxBytes) throw oversize(`a reply of more than ${this.#maxBytes} bytes`)
    this.#pieces.push(bytes)
  }

  end(): readonly Frame[] {
    const raw = Buffer.concat(this.#pieces)
    this.#pieces = []
    return raw.length === 0 ? [] : [{ raw, name: '', data: decodeUtf8(raw), isPlain: true }]
  }
}

export class DocumentWriter implements FrameWriter {
  same(frame: Frame): Buffer {
    return frame.raw
  }

  event(_name: string, value: object): Buffer {
    return Buffer.from(JSON.stringify(value))
  }

  close(): Buffer {
    return Buffer.alloc(0)
  }
}

export function decodeUtf8(raw: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw)
  } catch (error) {
    if (error instanceof TypeError) throw malformed('bytes that are no UTF-8')
    throw error
  }
}
