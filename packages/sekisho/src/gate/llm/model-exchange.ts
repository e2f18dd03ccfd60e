import type { HttpRequestAction, ModelCallAction } from '../../core/action.ts'
import { toSekishoError } from '../../core/error.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { Allowed, Clear, Exchange, Inspected, Pinned, Stopped } from '../../flow/ports.ts'
import { limitOutput } from '../../llm/request/limit-output.ts'
import { outputLimit, type Place } from '../../llm/request/output-names.ts'
import type { ReadRequest } from '../../llm/request/read-request.ts'
import type { ModelRoute } from '../../llm/routes.ts'
import type { RecordedFinding } from '../../core/finding.ts'
import type { RuleOptions } from '../../wire/policy.ts'
import type { ChannelScore, RecordedSide, TokenUsage } from '../../wire/llm.ts'
import type { AgentReply } from '../denial.ts'
import type { HttpArrival, HttpExchange } from '../http-exchange.ts'
import { type Fields, fieldValue, replaceFields, withoutFields } from '../http-fields.ts'
import { WrappedExchange } from '../wrapped-exchange.ts'
import { readCallAction } from './call-action.ts'
import { CallFilters, countedTexts } from './filters/call-filters.ts'
import { countedOf, NO_TOKENS, reportCall } from './call-report.ts'
import { foreignKey } from './foreign-key.ts'
import { headerTiers } from './header-tiers.ts'
import { ModelReply } from './model-reply.ts'
import { coverBody, denyElsewhere, withoutTokens } from './personal.ts'
import { plainBody } from './plain-body.ts'
import type { ModelParts } from './ports.ts'
import { refusalReply } from './refusal-reply.ts'

/** Of one request, on record. */
const MAX_FINDINGS = 64
/** From here on, in thousandths, what comes in is taken for somebody else's orders. */
const UNTRUSTED_PERMILLE = 900

/** What somebody else may have written: the user and the operator give orders, and so do models. */
const OF_OTHERS: ReadonlySet<ChannelScore['channel']> = new Set(['tool-result', 'tool-definition'])

/** Asked for in the clear, and read whole. */
const NOT_ASKED: ReadonlySet<string> = new Set(['accept-encoding', 'range', 'if-range'])

/** Of a body that the gate has written anew. */
const REWRITTEN: ReadonlySet<string> = new Set(['content-length', 'content-encoding'])

type Done = Awaited<ReturnType<Exchange['perform']>>

type Asked = {
  request: ReadRequest
  action: ModelCallAction
  scores: readonly ChannelScore[]
  /** as it will be sent, in the clear */
  body: Buffer
}

/** What a call needed once it was allowed. */
type Taken = {
  id: string
  reserved: TokenUsage
  keeping: Promise<RecordedSide> | undefined
  kept: RecordedSide
}

/** One request to a model provider, from the look into it to the leaf that says what it came to. */
export class ModelExchange extends WrappedExchange {
  protected override readonly inner: HttpExchange
  readonly #route: ModelRoute
  readonly #parts: ModelParts
  readonly #action: HttpRequestAction
  readonly #hasBody: boolean
  readonly #reply: ModelReply
  readonly #filters: CallFilters
  readonly #fields: Fields
  readonly #alias: string | undefined
  #options: RuleOptions = {}
  #asked: Asked | undefined
  #taken: Taken | undefined
  #startedMs = 0

  /** @param make the exchange itself */
  constructor(
    arrival: HttpArrival,
    { route, alias, parts }: { route: ModelRoute; alias?: string | undefined; parts: ModelParts },
    make: (arrival: HttpArrival) => HttpExchange,
  ) {
    super()
    this.#route = route
    this.#parts = parts
    this.#alias = alias
    this.#action = arrival.action
    this.#hasBody = arrival.hasBody
    this.#filters = new CallFilters(parts.filters, parts.ports.labels)
    this.#reply = new ModelReply(arrival.sink, {
      filters: this.#filters,
      route,
      parts,
      model: () => this.#asked?.action.model ?? '',
      parent: () => this.#taken?.id,
      treatments: () => this.#options.treatments,
      reservedTokens: () => this.#taken?.reserved.output,
      onGone: (listener) => this.inner.onGone(listener),
      breakOff: (by) => this.inner.cut(by),
    })
    this.#fields = [...withoutFields(arrival.fields, NOT_ASKED), 'accept-encoding', 'identity']
    const sink = this.#isGenerate ? this.#reply.sink : arrival.sink
    const fields = this.#isGenerate ? this.#fields : arrival.fields
    this.inner = make({ ...arrival, fields, sink })
  }

  override async inspect(allowed: Allowed): Promise<Inspected> {
    const refused = this.#refusedByHead()
    if (refused !== undefined) return { kind: 'stopped', verdict: refused, ...this.describe() }
    this.#options = allowed.options
    if (!this.#isGenerate) return this.inner.inspect(allowed)
    const treatments = withoutTokens(allowed.options.treatments)
    const options = { ...allowed.options, treatments }
    const looked = await this.inner.inspect({ ...allowed, options })
    return looked.kind === 'clear' ? this.#read(looked) : looked
  }

  /** Others' filters, of what may leave as far as anybody here knows. */
  override async consult(clear: Clear): Promise<Clear | Stopped> {
    const asked = this.#asked
    if (asked === undefined && !this.#hasBody) return clear
    this.inner.onGone(() => this.#filters.giveUp())
    const said = await this.#filters.tighten(clear, () => {
      return asked?.request.texts ?? countedTexts(this.#route, this.#body())
    })
    // what is refused is kept nowhere
    if (said.kind === 'clear') this.#keep()
    return said
  }

  override async prepare(id: string): Promise<Deny | undefined> {
    const asked = this.#asked
    if (asked === undefined) return undefined
    this.#filters.accept()
    this.#takeBack() // people are asked in place of a mandate: the same call under another id
    const { spending } = this.#parts
    const { provider, model } = asked.action
    const { maxOutputTokens, pictures, pictureBytes, refersElsewhere, tiers } = asked.request
    const took = await spending.reserve({
      id,
      provider,
      model,
      requestBytes: asked.body.length - pictureBytes,
      maxOutputTokens: outputLimit(this.#place, asked.body, maxOutputTokens),
      pictures,
      refersElsewhere,
      tiers: [...tiers, ...headerTiers(this.#action.host, this.#fields)],
      cut: (by) => this.cut(by),
    })
    if (took.kind === 'deny') return took
    const { outputTokens, counted: reserved } = took
    this.#taken = { id, reserved, keeping: undefined, kept: NOT_KEPT }
    if (outputTokens !== null) {
      const limited = this.#limited(asked.body, outputTokens)
      if ('kind' in limited) return limited
      asked.body = limited
    }
    if (this.#filters.isAsked) this.#keep()
    return undefined
  }

  #keep(): void {
    const body = this.#asked?.body
    if (this.#taken === undefined || body === undefined) return
    this.#taken.keeping ??= this.#parts.recordings.put('request', body)
    this.#taken.keeping.catch(() => undefined) // the action may be stopped before it is asked about
  }

  override async prepared(): Promise<void> {
    const taken = this.#taken
    if (taken?.keeping !== undefined) taken.kept = await taken.keeping
  }

  override async perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): ReturnType<Exchange['perform']> {
    const asked = this.#asked
    const taken = this.#taken
    if (asked === undefined || taken === undefined) return this.inner.perform(pinned, credentials)
    this.#startedMs = this.#parts.elapsedMs()
    const done = await this.inner.perform(pinned, credentials).catch((thrown: unknown) => {
      // it may have left
      this.#parts.spending.settle(taken.id, taken.reserved)
      this.#taken = undefined
      throw thrown
    })
    // people may still be asked about a call that has come whole
    if (done.kind === 'performed') await this.#reply.sink.settled
    if (this.#reply.isReply && !this.#filters.keepsReply) await this.#filters.lookAtReply()
    this.#taken = undefined
    const cut = this.#cutOf(done, asked.action)
    await this.#report(cut, { asked, taken })
    return cut
  }

  override cut(by: Deny): void {
    this.#reply.cut(by)
  }

  override drop(): void {
    this.#takeBack()
    this.inner.drop()
  }

  #takeBack(): void {
    if (this.#taken !== undefined) this.#parts.spending.settle(this.#taken.id, null)
    this.#taken = undefined
  }

  override replyTo(by: Deny): AgentReply {
    return refusalReply(this.#route.api, by)
  }

  #refusedByHead(): Deny | undefined {
    const { unread } = this.#route
    if (unread !== null) return deny('llm.unreadable-path', unread)
    return foreignKey(this.#action, this.#fields, this.#parts.placeholders)
  }

  get #place(): Place {
    return { ...this.#action, api: this.#route.api }
  }

  get #isGenerate(): boolean {
    return this.#route.operation === 'generate'
  }

  #read(clear: Clear): Inspected {
    const parts = this.#parts
    const denied = denyElsewhere(clear.findings, this.#options.treatments)
    if (denied !== undefined) return stopped(clear, denied)
    const body = this.#covered(this.#body())
    if ('kind' in body) return stopped(clear, body)
    const request = parts.read(this.#route, body)
    if (request.kind === 'malformed') return stopped(clear, deny('llm.malformed', request.reason))
    const [unknown] = request.unsupported
    if (unknown !== undefined && parts.settings().unsupported === 'deny') {
      const reason = `the request holds ${unknown.type.slice(0, 64)}, which nobody here can look into`
      return stopped(clear, deny('llm.unsupported', reason))
    }
    const shown = clear.recordAs?.kind === 'http.request' ? clear.recordAs : this.#action
    const action = readCallAction(request, { route: this.#route, shown })
    if (typeof action === 'string') return stopped(clear, deny('llm.malformed', action))
    const { scores, findings } = parts.content.look(request.fresh)
    this.#raise(scores)
    this.#asked = { request, action, scores, body }
    return { ...clear, recordAs: action, ...withFindings(clear, findings) }
  }

  /** What looks like orders of somebody else makes the session one that has read such. */
  #raise(scores: readonly ChannelScore[]): void {
    for (const { channel, permille } of scores) {
      if (permille < UNTRUSTED_PERMILLE || !OF_OTHERS.has(channel)) continue
      const label = { ...this.#parts.ports.labels.label, integrity: 'untrusted' as const }
      this.#parts.ports.labels.raise({ what: `injection score ${permille} in ${channel}`, label })
    }
  }

  /** As it will be sent, in the clear; undefined where nobody can read it. */
  #body(): Buffer | undefined {
    const outgoing = this.inner.outgoing()
    if ('kind' in outgoing || outgoing.body === null) return undefined
    const { buffer, byteOffset, byteLength } = outgoing.body
    const coding = fieldValue(this.#fields, 'content-encoding')
    return plainBody(Buffer.from(buffer, byteOffset, byteLength), coding)
  }

  /** The body with tokens for personal data, where the rule wants that. */
  #covered(body: Buffer | undefined): Buffer | Deny {
    if (body === undefined) return deny('llm.malformed', 'a body that nobody can read')
    const covered = coverBody(body, this.#options.treatments, this.#parts.personal)
    return covered === body || 'kind' in covered ? covered : this.#rewritten(covered)
  }

  /** The provider keeps to the limit; ours alone would only be seen when it is passed. */
  #limited(whole: Buffer, outputTokens: number): Buffer | Deny {
    const limited = limitOutput(this.#place, whole, outputTokens)
    if (Buffer.isBuffer(limited)) return this.#rewritten(limited)
    this.#takeBack()
    const { thinkingTokens } = limited
    const why = `${outputTokens} tokens are left, and the request wants ${thinkingTokens} for thinking`
    return deny('budget.thinking', why)
  }

  #rewritten(body: Buffer): Buffer {
    this.inner.replaceBody(body)
    replaceFields(this.#fields, REWRITTEN, ['content-length', String(body.length)])
    return body
  }

  #cutOf(done: Done, action: ModelCallAction): Done {
    if (done.kind === 'cut') return { ...done, action }
    const { refused } = this.#reply
    if (refused === undefined) return done
    const outcome = {
      kind: 'failed',
      code: 'REPLY_REFUSED',
      message: 'the reply was refused',
    } as const
    return { kind: 'cut', action, by: refused, outcome }
  }

  /** Never rejects: the reply is with the client by now. What is lost of the record is counted. */
  async #report(done: Done, { asked, taken }: { asked: Asked; taken: Taken }): Promise<void> {
    const { spending, recordings, record, session } = this.#parts
    const { facts, isReply, calls, findings, firstByteMs } = this.#reply
    const sent = this.#reply.take()
    const { action } = asked
    const said = { action, facts, isReply, reserved: taken.reserved }
    const counted =
      done.kind === 'misuse' ? NO_TOKENS : countedOf({ ...said, replyBytes: sent.length }, done)
    // before all that may fail: what nobody keeps has been spent all the same
    const spent = spending.settle(taken.id, counted)
    const lost = (thrown: unknown): void => this.#parts.ports.outcomeLost(toSekishoError(thrown))
    const reply = await recordings.put('reply', sent).catch((thrown: unknown) => {
      lost(thrown)
      return { ...NOT_KEPT, bytes: sent.length }
    })
    const seen = {
      ...said,
      id: taken.id,
      session,
      alias: this.#alias,
      calls,
      request: taken.kept,
      reply,
      scores: asked.scores,
      findings,
      lookedBy: { request: this.#parts.content.names, reply: this.#reply.lookedBy },
      filters: { looks: this.#filters.looks, names: this.#filters.names },
      firstByteMs: firstByteMs === null ? null : this.#sinceStart(firstByteMs),
      durationMs: this.#sinceStart(this.#parts.elapsedMs()),
    }
    record(reportCall(seen, counted, spent)).catch(lost) // on its way: the outcome goes behind it
  }

  #sinceStart(atMs: number): number {
    return Math.max(0, Math.round(atMs - this.#startedMs))
  }
}

const NOT_KEPT: RecordedSide = { bytes: 0, digest: `sha256:${'0'.repeat(64)}`, kept: false }

function withFindings(
  { findings: before = [] }: Clear,
  found: readonly RecordedFinding[],
): Pick<Clear, 'findings'> {
  const all = [...before, ...found].slice(0, MAX_FINDINGS)
  return all.length === 0 ? {} : { findings: all }
}

function stopped(clear: Clear, verdict: Deny): Inspected {
  return { kind: 'stopped', verdict, recordAs: clear.recordAs, findings: clear.findings }
}
