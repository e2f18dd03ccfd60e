import { mostReplyBytes } from '../../budget/prompt-bound.ts'
import type { RecordedFinding } from '../../core/finding.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { ReplyFacts, ReplyHold } from '../../llm/format.ts'
import { makeReplyHold } from '../../llm/hold/make-reply-hold.ts'
import { replySaying } from '../../llm/hold/reply-saying.ts'
import { refusalFor } from '../../llm/refusal/refusal-for.ts'
import type { ModelRoute } from '../../llm/routes.ts'
import type { Treatments } from '../../wire/policy.ts'
import type { ReplySink } from '../reply-sink.ts'
import type { ReplyLook } from './content-look.ts'
import { type CallCounts, CallJudge } from './call-judge.ts'
import { ModelSink, type ReplyForm } from './model-sink.ts'
import type { CallFilters } from './filters/call-filters.ts'
import type { ModelParts } from './ports.ts'

/** Arguments of one call. */
const MAX_CALL_BYTES = 4 * 1024 * 1024
/** Of one reply, held back at once. */
const MAX_HELD_BYTES = 16 * 1024 * 1024
/** Longest reply of a model; it is kept whole until it is on record. */
const MAX_REPLY_BYTES = 32 * 1024 * 1024

const NO_CALLS: CallCounts = Object.freeze({ proposed: 0, released: 0, replaced: 0 })

export type ModelReplyOptions = {
  route: ModelRoute
  parts: ModelParts
  /** as the request names it */
  model: () => string
  /** the action that this is the reply to */
  parent: () => string | undefined
  treatments: () => Treatments | undefined
  /** the most that the reply may hold; undefined where nobody has reserved anything */
  reservedTokens: () => number | undefined
  onGone: (listener: () => void) => void
  /** breaks the upstream off */
  breakOff: (by: Deny) => void
  filters: CallFilters
}

/** The reply to one model call: what has come of it, and what of that has been let through. */
export class ModelReply {
  readonly sink: ModelSink
  readonly #options: ModelReplyOptions
  readonly #said: Buffer[] = []
  #bytes = 0
  #isReply = false
  #hold: ReplyHold | undefined
  #judge: CallJudge | undefined
  #look: ReplyLook | undefined
  #refused: Deny | undefined
  #firstByteMs: number | null = null

  constructor(inner: ReplySink, options: ModelReplyOptions) {
    this.#options = options
    this.sink = new ModelSink(inner, {
      framing: options.route.framing,
      newHold: (form) => this.#newHold(form),
      judge: (call) => this.#judgeOf().judge(call),
      seen: (bytes) => this.#see(bytes),
      refused: (rule, reason) => {
        this.#refused ??= deny(rule, reason)
        options.breakOff(deny(rule, reason))
      },
      refusal: (reason) => {
        return refusalFor(options.route.api, 'denied', `Sekisho refused the reply: ${reason}`)
      },
      whole: {
        isWanted: () => options.filters.keepsReply,
        look: () => options.filters.lookAtReply(),
        saying: (text) => replySaying(options.route.api, text, options.route.framing),
      },
    })
  }

  /** whether a reply of the model began, as opposed to an error of the provider */
  get isReply(): boolean {
    return this.#isReply
  }

  get facts(): ReplyFacts | undefined {
    return this.#hold?.facts
  }

  get calls(): CallCounts {
    return this.#judge?.counts ?? NO_CALLS
  }

  get findings(): readonly RecordedFinding[] {
    return [...(this.#look?.findings() ?? []), ...this.#options.filters.findings]
  }

  /** names of what looks at its texts */
  get lookedBy(): readonly string[] {
    return this.#look?.names ?? []
  }

  /** why the rest of it was refused */
  get refused(): Deny | undefined {
    return this.#refused
  }

  /** of a rising clock; null before the first byte */
  get firstByteMs(): number | null {
    return this.#firstByteMs
  }

  /** As the provider sent it; once. */
  take(): Buffer {
    return Buffer.concat(this.#said.splice(0))
  }

  /** Ends it as a client of this format takes an end; nothing that is held leaves. */
  cut(by: Deny): void {
    this.sink.cutOff(`[Sekisho] The reply was ended here: ${by.rules.join(', ').slice(0, 256)}.`)
    this.#options.breakOff(by)
  }

  #newHold(form: ReplyForm): ReplyHold {
    this.#isReply = true
    const { parts, route, treatments } = this.#options
    const look = parts.content.replyFilter({
      reaches: parts.reaches,
      treat: (detector) => treatReply(detector, treatments()),
      secrets: parts.settings().replies.secrets,
    })
    this.#look = look
    const hold = makeReplyHold(route.api, {
      stream: form === 'events',
      framing: route.framing,
      unsupported: parts.settings().unsupported,
      maxCallBytes: MAX_CALL_BYTES,
      maxHeldBytes: MAX_HELD_BYTES,
      filter: this.#options.filters.gathering(look.filter),
    })
    this.#hold = hold
    return hold
  }

  #judgeOf(): CallJudge {
    const { parts, route, model, parent, onGone, filters } = this.#options
    this.#judge ??= new CallJudge({
      ports: parts.ports,
      provider: route.provider,
      model: model(),
      parent: parent(),
      onGone,
      consult: filters.callConsult,
    })
    return this.#judge
  }

  #see(bytes: Buffer): void {
    this.#firstByteMs ??= this.#options.parts.elapsedMs()
    this.#bytes += bytes.length
    this.#holdToReserve()
    if (this.#bytes <= MAX_REPLY_BYTES) return void this.#said.push(bytes)
    this.cut(deny('llm.reply-too-long', `a reply of more than ${MAX_REPLY_BYTES} bytes`))
  }

  /** A provider that does not keep to the limit of a reply would spend what nobody has reserved. */
  #holdToReserve(): void {
    const output = this.#options.reservedTokens()
    if (output === undefined) return
    const texts = this.#hold?.facts.bytes.values() ?? []
    const said = [...texts].reduce((sum, bytes) => sum + bytes, 0)
    if (said <= mostReplyBytes(output)) return
    this.cut(deny('budget.reserved', `${said} bytes are more than the ${output} tokens reserved`))
  }
}

/** A picture is fetched as soon as it is shown; whoever follows a link has chosen to. */
function treatReply(detector: string, treatments: Treatments = {}): 'record' | 'redact' {
  const said = treatments[detector] ?? treatments['exfiltration.*']
  if (said === undefined) return detector === 'exfiltration.image' ? 'redact' : 'record'
  return said === 'record' ? 'record' : 'redact'
}
