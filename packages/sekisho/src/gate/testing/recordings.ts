import { hash } from 'node:crypto'
import type * as z from 'zod'
import type { putRecording } from '../../wire/recordings.ts'

type Put = z.infer<(typeof putRecording)['params']>
type Answer = z.infer<(typeof putRecording)['result']>

export type KeptRecording = {
  side: 'request' | 'reply'
  digest: string
  /** put together again */
  content: Buffer
  /** of them, what was sent */
  sentBytes: number
  pieces: number
}

/** Keeps what gates say of model calls in memory, and holds them to what they say. */
export class FakeRecordings {
  readonly kept: KeptRecording[] = []
  /** asks for everything with nothing left out, as after a restart */
  forgetsBases = false
  /** thrown for the next, and every one behind it */
  failure: Error | undefined
  readonly #pieces = new Map<string, Buffer[]>()

  put(put: Put): Answer {
    if (this.failure !== undefined) throw this.failure
    const middle = this.#receive(put)
    if (middle.length < put.totalBytes) return { kind: 'more' }
    const before = this.kept.find(({ digest }) => digest === put.base?.digest)
    if (put.base !== null && (before === undefined || this.forgetsBases)) return { kind: 'whole' }
    const content = splice(before?.content ?? Buffer.alloc(0), put.base, middle)
    check(put, content)
    const digest = `sha256:${hash('sha256', `keyed ${put.sha256}`)}`
    const { length: pieces } = this.#pieces.get(put.upload) ?? []
    this.#pieces.delete(put.upload)
    this.kept.push({ side: put.side, digest, content, sentBytes: middle.length, pieces })
    return { kind: 'kept', digest }
  }

  #receive({ upload, offset, piece }: Put): Buffer {
    const pieces = this.#pieces.get(upload) ?? []
    if (Buffer.concat(pieces).length !== offset) throw new Error('a piece out of place')
    pieces.push(Buffer.from(piece, 'base64'))
    this.#pieces.set(upload, pieces)
    return Buffer.concat(pieces)
  }
}

function check({ bytes, sha256 }: Put, content: Buffer): void {
  if (content.length !== bytes) throw new Error(`${content.length} bytes, not ${bytes}`)
  if (`sha256:${hash('sha256', content)}` !== sha256) throw new Error('not what was said')
}

function splice(before: Buffer, base: Put['base'], middle: Buffer): Buffer {
  const { prefixBytes, suffixBytes } = base ?? { prefixBytes: 0, suffixBytes: 0 }
  const suffix = before.subarray(before.length - suffixBytes)
  return Buffer.concat([before.subarray(0, prefixBytes), middle, suffix])
}
