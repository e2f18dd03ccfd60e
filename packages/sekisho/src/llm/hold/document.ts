import { type FormatReader, readObject } from './format-reader.ts'
import type { Frame, FrameWriter } from './frame.ts'
import type { HeldCall } from './held-call.ts'
import type { JsonObject } from './json-object.ts'
import type { CallHead } from './held-call.ts'
import type { Reply, TextKind } from './reply.ts'

/** What one format makes of a whole reply. */
export type DocumentForm = {
  /** @returns how the document reads once all of its calls are settled, itself for as it came */
  read: (document: JsonObject, parts: DocumentParts) => () => JsonObject
  /** a whole reply that says only this */
  saying: (say: string) => object
}

/** A whole reply: judged as a whole before any byte of it leaves. */
export class DocumentFormat implements FormatReader {
  readonly #reply: Reply
  readonly #writer: FrameWriter
  readonly #form: DocumentForm
  #isSent = false

  constructor(reply: Reply, writer: FrameWriter, form: DocumentForm) {
    this.#reply = reply
    this.#writer = writer
    this.#form = form
  }

  read(frame: Frame): void {
    const document = readObject(frame.data ?? '')
    const parts = new DocumentParts(this.#reply)
    const render = isFailure(document) ? () => document : this.#form.read(document, parts)
    this.#reply.put({
      calls: parts.calls,
      bytes: frame.raw.length,
      render: () => {
        this.#isSent = true
        const told = render()
        return [told === document ? this.#writer.same(frame) : this.#writer.event('', told)]
      },
    })
    for (const call of parts.calls) this.#reply.whole(call)
  }

  end(): void {}

  close(say: string): readonly Buffer[] {
    return this.#isSent ? [] : [this.#writer.event('', this.#form.saying(say))]
  }
}

/** Parts of a whole reply on their way to the client. */
export class DocumentParts {
  readonly calls: HeldCall[] = []
  readonly reply: Reply
  #texts = 0

  constructor(reply: Reply) {
    this.reply = reply
  }

  text(kind: TextKind, text: string): string {
    if (text === '') return text
    const stream = String(this.#texts)
    this.#texts += 1
    return this.reply.text(kind, stream, text) + this.reply.endText(kind, stream)
  }

  call(head: CallHead, text: string): HeldCall {
    const call = this.reply.open(head)
    this.reply.append(call, text)
    this.calls.push(call)
    return call
  }
}

/** What a provider says that failed: it has no place for a call in any format. */
function isFailure(document: JsonObject): boolean {
  const names = Object.keys(document)
  const { error } = document
  return error !== undefined && error !== null && names.every((name) => FAILURE.has(name))
}

const FAILURE: ReadonlySet<string> = new Set([
  'error',
  'type',
  'request_id',
  'status',
  'message',
  'code',
])
