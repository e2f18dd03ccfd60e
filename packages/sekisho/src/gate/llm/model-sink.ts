import { toSekishoError } from '../../core/error.ts'
import type { Deny } from '../../core/verdict.ts'
import type { Judged, ProposedCall, ReplyHold, ReplyStep } from '../../llm/format.ts'
import type { ReplyFraming } from '../../llm/provider-path.ts'
import type { Refusal } from '../../llm/refusal/refusal-for.ts'
import { type Fields, fieldValue, isRepeated, withoutFields } from '../http-fields.ts'
import { PassingSink } from '../packages/passing-sink.ts'
import type { ReplySink } from '../reply-sink.ts'

/** An idle client is told so often that its call is being judged. */
const KEEP_ALIVE_MS = 10_000

/** Written anew: what is released may be longer or shorter than what came. */
const LENGTHS: ReadonlySet<string> = new Set(['content-length', 'content-md5', 'digest', 'etag'])

const BODY: ReadonlySet<string> = new Set([...LENGTHS, 'content-type', 'content-encoding'])

/** Of a reply that nothing has passed of; the operator finds the rest in the log. */
const REFUSED = '[Sekisho] This reply was refused.'

/** How a reply is written: as events as they come, or as one document. */
export type ReplyForm = 'events' | 'document'

export type ModelSinkParts = {
  /** how its client reads events, where that is not as server-sent ones */
  framing?: ReplyFraming | undefined
  /** @returns undefined where nobody can look into such a reply, which then is refused */
  newHold: (form: ReplyForm) => ReplyHold | undefined
  judge: (call: ProposedCall) => Promise<Judged>
  /** the body as the provider sent it */
  seen: (bytes: Buffer) => void
  /** the rest is refused; the client has been told, the upstream is to be broken off */
  refused: (rule: string, reason: string) => void
  /** what a client of this format takes for a refusal, where no reply has begun */
  refusal: (reason: string) => Refusal
  /** left out where each piece may pass as soon as it has been read */
  whole?: WholeLook | undefined
}

/** What looks at a reply when it is whole, and before any of it passes. */
export type WholeLook = {
  /** asked when the reply begins */
  isWanted: () => boolean
  /** Never rejects. @returns why the reply is refused */
  look: () => Promise<Deny | undefined>
  /** events that say this and nothing else, as a client of this format takes a reply */
  saying: (text: string) => Buffer
}

type State =
  | { kind: 'waiting' }
  /** nothing that a client could act upon */
  | { kind: 'passing' }
  /** a head alone: what stands below it is for nobody */
  | { kind: 'bare' }
  | { kind: 'holding'; hold: ReplyHold; form: ReplyForm }
  | { kind: 'closed' }

type Head = { status: number; message: string; fields: Fields }

/**
 * The reply of a model on its way to the client. What a client would act upon leaves when it has
 * been judged, and not before.
 */
export class ModelSink extends PassingSink {
  /** Resolves when nothing more is written, whatever came of it. */
  readonly settled: Promise<void>
  readonly #parts: ModelSinkParts
  readonly #kept: Buffer[] = []
  #settle: () => void
  #state: State = { kind: 'waiting' }
  #head: Head | undefined
  #isPastEnd = false
  /** nothing passes before all of it has been looked at */
  #isWhole = false
  #isLooking = false
  #pending = 0
  #judging: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(inner: ReplySink, parts: ModelSinkParts) {
    super(inner)
    this.#parts = parts
    const { promise, resolve } = Promise.withResolvers<void>()
    this.settled = promise
    this.#settle = resolve
    inner.onClose(() => {
      if (this.#state.kind !== 'passing') this.#close()
      this.#settle()
    })
  }

  get hold(): ReplyHold | undefined {
    return this.#state.kind === 'holding' ? this.#state.hold : undefined
  }

  override head(status: number, message: string, fields: Fields): void {
    if (this.#state.kind === 'closed') return
    const form = formAt(status, fields, this.#parts.framing)
    if (form === 'none') return this.#pass({ status, message, fields })
    if (form === 'bare') return this.#passHead({ status, message, fields })
    const hold = form === 'unknown' ? undefined : this.#parts.newHold(form)
    if (hold === undefined || form === 'unknown') {
      return this.#refuse('llm.unreadable-reply', `a reply of type ${typeOf(fields)}`)
    }
    this.#head = { status, message, fields: withoutFields(fields, LENGTHS) }
    this.#begin(hold, form)
  }

  override flush(): void {
    if (this.inner.hasHead) super.flush()
  }

  override write(bytes: Buffer): boolean {
    if (this.#state.kind === 'passing') {
      this.#parts.seen(bytes)
      return super.write(bytes)
    }
    if (this.#state.kind === 'bare') this.#parts.seen(bytes)
    if (this.#state.kind !== 'holding') return true
    const isReady = this.#take(this.#state.hold.push(bytes))
    this.#parts.seen(bytes) // by what has been read of it, it may be ended here
    return isReady
  }

  override trailers(fields: Fields): void {
    if (this.#state.kind === 'passing') super.trailers(fields)
  }

  override end(bytes?: Buffer | string): void {
    if (bytes !== undefined) this.write(Buffer.from(bytes))
    if (this.#state.kind === 'passing' || this.#state.kind === 'bare') {
      super.end()
      return this.#settle()
    }
    if (this.#state.kind !== 'holding' || this.#isPastEnd) return
    this.#isPastEnd = true
    this.#take(this.#state.hold.end())
    this.#finishIfDone()
  }

  override destroy(): void {
    if (this.#state.kind === 'closed' && this.inner.isEnded) return
    this.#close()
    super.destroy()
    this.#settle()
  }

  /** Ends the reply as a client of this format takes an end; nothing that is held leaves. */
  cutOff(say: string): void {
    if (this.#state.kind !== 'holding') return
    if (this.#isWhole) return this.#finishSaying(say)
    this.#take(this.#state.hold.cutOff(say))
    this.#finish()
  }

  /** In place of what nobody has looked at yet. */
  #finishSaying(say: string): void {
    if (this.#state.kind !== 'holding') return
    const { form } = this.#state
    const said = form === 'events' ? this.#parts.whole?.saying(say) : undefined
    this.#kept.length = 0
    if (said !== undefined) this.#kept.push(said)
    this.#finish()
    this.#sendRefusal(say)
  }

  #begin(hold: ReplyHold, form: ReplyForm): void {
    this.#state = { kind: 'holding', hold, form }
    this.#isWhole = this.#parts.whole?.isWanted() ?? false
    if (form === 'events') this.#sendHead()
    if (this.#isWhole) this.#keepAlive()
  }

  #pass(head: Head): void {
    this.#state = { kind: 'passing' }
    super.head(head.status, head.message, head.fields)
  }

  #passHead({ status, message, fields }: Head): void {
    this.#state = { kind: 'bare' }
    super.head(status, message, withoutFields(fields, BODY))
  }

  /** @returns whether the client keeps up */
  #take(steps: readonly ReplyStep[]): boolean {
    let isReady = true
    for (const step of steps) {
      if (step.kind === 'write') isReady = this.#put(step.bytes)
      else if (step.kind === 'judge') this.#ask(step.call)
      else this.#refuse(step.rule, step.reason)
    }
    return isReady
  }

  #put(bytes: Buffer): boolean {
    if (this.#state.kind !== 'holding') return true
    if (this.#state.form === 'events' && !this.#isWhole) return this.inner.write(bytes)
    this.#kept.push(bytes)
    return true
  }

  /**
   * One after the other: a call that waits behind one that people are asked about is judged when that
   * one is settled, by the rules of then, and not before.
   */
  #ask(call: ProposedCall): void {
    this.#pending += 1
    this.#keepAlive()
    // nobody waits for this: what it throws would end the gate, with all of its sessions
    this.#judging = this.#judging
      .then(() => this.#judge(call))
      .catch((thrown: unknown) => this.#breakOff(thrown))
  }

  async #judge(call: ProposedCall): Promise<void> {
    if (this.#state.kind !== 'holding') return
    const judged = await this.#parts.judge(call).catch((thrown: unknown): Judged => {
      const { code } = toSekishoError(thrown)
      return { kind: 'replace', say: `The call of ${call.tool} could not be recorded (${code}).` }
    })
    this.#judged(call, judged)
  }

  #judged(call: ProposedCall, judged: Judged): void {
    this.#pending -= 1
    if (this.#pending === 0 && !this.#isWhole) this.#stopKeepAlive()
    if (this.#state.kind !== 'holding') return
    this.#take(this.#state.hold.settle(call.index, judged))
    this.#finishIfDone()
  }

  #breakOff(thrown: unknown): void {
    this.#close()
    const { message } = toSekishoError(thrown)
    this.#refuse('llm.unreadable-reply', `what was judged cannot be told: ${message}`)
    if (!this.inner.isEnded) this.inner.destroy()
  }

  #finishIfDone(): void {
    if (!this.#isPastEnd || this.#pending > 0) return
    const isEmpty = this.#kept.length === 0
    if (this.#state.kind === 'holding' && this.#state.form === 'document' && isEmpty) {
      return this.#refuse('llm.unreadable-reply', 'a document without a byte')
    }
    if (!this.#isWhole) return this.#finish()
    this.#lookAtWhole().catch((thrown: unknown) => this.#breakOff(thrown))
  }

  async #lookAtWhole(): Promise<void> {
    if (this.#isLooking || this.#state.kind !== 'holding') return
    this.#isLooking = true
    const refused = await this.#parts.whole?.look()
    if (refused === undefined) return this.#finish()
    this.#refuse(refused.rules.join(' '), refused.reason)
  }

  #finish(): void {
    if (this.#state.kind !== 'holding') return
    const { form } = this.#state
    this.#close()
    if (form === 'events') this.#endEvents()
    else this.#sendDocument()
    this.#settle()
  }

  /** With what was kept of them, where nothing had passed. */
  #endEvents(): void {
    for (const bytes of this.#kept.splice(0)) this.inner.write(bytes)
    this.inner.end()
  }

  #sendDocument(): void {
    const document = Buffer.concat(this.#kept.splice(0))
    if (document.length === 0) return
    this.#head?.fields.push('content-length', String(document.length))
    this.#sendHead()
    this.inner.end(document)
  }

  #sendHead(): void {
    const head = this.#head
    this.#head = undefined
    if (head !== undefined) this.inner.head(head.status, head.message, head.fields)
  }

  #refuse(rule: string, reason: string): void {
    if (this.#isWhole) this.#finishSaying(REFUSED)
    else this.#finish()
    this.#close()
    this.#sendRefusal(reason)
    this.#settle()
    this.#parts.refused(rule, reason)
  }

  /** Where the client has been told nothing yet. */
  #sendRefusal(reason: string): void {
    if (this.inner.hasHead || this.inner.isGone) return
    const { status, fields, body } = this.#parts.refusal(reason)
    this.inner.head(status, '', [...fields])
    this.inner.end(body)
  }

  #close(): void {
    this.#stopKeepAlive()
    this.#state = { kind: 'closed' }
  }

  #keepAlive(): void {
    if (this.#timer !== undefined || this.#state.kind !== 'holding') return
    const { hold, form } = this.#state
    if (form !== 'events') return
    this.#timer = setInterval(() => {
      const { keepAlive } = hold
      if (keepAlive !== null) this.inner.write(keepAlive)
    }, KEEP_ALIVE_MS)
  }

  #stopKeepAlive(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

function typeOf(fields: Fields): string {
  const coding = fieldValue(fields, 'content-encoding') ?? 'identity'
  return `${fieldValue(fields, 'content-type') ?? 'none'}, coded ${coding}`.slice(0, 128)
}

const BEDROCK_EVENTS = 'application/vnd.amazon.eventstream'
const ONE_EACH = ['content-type', 'content-encoding']
const CHARSET = /^\s*charset/i
const UTF8 = /^\s*charset="?(?:utf-?8|us-ascii)"?\s*$/i

/** Clients in Go take all that is below 400 for a reply; where they are led, they ask anew. */
function formAt(
  status: number,
  fields: Fields,
  framing: ReplyFraming | undefined,
): ReplyForm | 'unknown' | 'none' | 'bare' {
  if (status < 200 || status >= 400) return 'none'
  return status < 300 ? formOf(fields, framing) : 'bare'
}

function formOf(fields: Fields, framing: ReplyFraming | undefined): ReplyForm | 'unknown' {
  // of two, each client goes by another
  if (ONE_EACH.some((name) => isRepeated(fields, name))) return 'unknown'
  return formSaid(fields, framing)
}

/** Only what is read in the clear is read at all. */
function formSaid(fields: Fields, framing: ReplyFraming | undefined): ReplyForm | 'unknown' {
  const coding = fieldValue(fields, 'content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (coding !== 'identity') return 'unknown'
  const [type = '', ...parameters] = (fieldValue(fields, 'content-type') ?? '').split(';')
  const plain = type.trim().toLowerCase()
  // in another one, what is a quote here may be none to the client
  if (parameters.some((each) => CHARSET.test(each) && !UTF8.test(each))) return 'unknown'
  // in the other one, a client would read another reply than was looked at
  if (plain === (framing === 'bedrock' ? BEDROCK_EVENTS : 'text/event-stream')) return 'events'
  return plain === 'application/json' ? 'document' : 'unknown'
}
