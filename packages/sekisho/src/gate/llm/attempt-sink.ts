import { type Fields, fieldValue, withoutFields } from '../http-fields.ts'
import { PassingSink } from '../packages/passing-sink.ts'
import type { ReplySink } from '../reply-sink.ts'

/** A reply in another format than the client's, on its way to be one that it understands. */
export interface ReplyTranslator {
  readonly contentType: string
  push(bytes: Buffer): Buffer
  end(): Buffer
}

/** undefined for a reply that the client understands as it is */
export type Translate = (status: number, contentType: string) => ReplyTranslator | undefined

/** Answers after which the same call may be made anew: nothing has come of it. */
const RETRYABLE: ReadonlySet<number> = new Set([408, 409, 429, 500, 502, 503, 504, 529])

const CONTENT: ReadonlySet<string> = new Set(['content-type', 'content-length', 'content-encoding'])

/** The reply of one target: swallowed where another target may do better, else passed on. */
export class AttemptSink extends PassingSink {
  readonly #isLast: boolean
  readonly #translate: Translate | undefined
  #translator: ReplyTranslator | undefined
  #isSwallowed = false
  #retryAfterMs: number | undefined

  constructor(
    inner: ReplySink,
    options: {
      isLast: boolean
      translate?: Translate | undefined
    },
  ) {
    super(inner)
    this.#isLast = options.isLast
    this.#translate = options.translate
  }

  /** nothing of it has reached the client */
  get isSwallowed(): boolean {
    return this.#isSwallowed
  }

  /** as the provider asks for it */
  get retryAfterMs(): number | undefined {
    return this.#retryAfterMs
  }

  override get hasHead(): boolean {
    return this.#isSwallowed || this.inner.hasHead
  }

  override head(status: number, message: string, fields: Fields): void {
    if (!this.#isLast && RETRYABLE.has(status)) {
      this.#isSwallowed = true
      this.#retryAfterMs = retryAfterMs(fields)
      return
    }
    this.#translator = this.#translate?.(status, fieldValue(fields, 'content-type') ?? '')
    if (this.#translator === undefined) return super.head(status, message, fields)
    const { contentType } = this.#translator
    super.head(status, message, [...withoutFields(fields, CONTENT), 'content-type', contentType])
  }

  override flush(): void {
    if (!this.#isSwallowed) super.flush()
  }

  override write(bytes: Buffer): boolean {
    if (this.#isSwallowed) return true
    if (this.#translator === undefined) return super.write(bytes)
    const translated = this.#translator.push(bytes)
    return translated.length === 0 || super.write(translated)
  }

  override trailers(fields: Fields): void {
    if (!this.#isSwallowed) super.trailers(fields)
  }

  override end(bytes?: Buffer | string): void {
    if (bytes !== undefined) this.write(Buffer.from(bytes))
    if (this.#isSwallowed) return
    const rest = this.#translator?.end()
    if (rest === undefined || rest.length === 0) super.end()
    else super.end(rest)
  }

  /** What broke before its head may be tried at another target. */
  override destroy(): void {
    if (!this.#isSwallowed) super.destroy()
  }
}

function retryAfterMs(fields: Fields): number | undefined {
  const text = fieldValue(fields, 'retry-after')
  const seconds = text === undefined ? Number.NaN : Number(text)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined
}
