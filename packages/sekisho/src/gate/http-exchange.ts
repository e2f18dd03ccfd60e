import type { Readable } from 'node:stream'
import type { HttpRequestAction } from '../core/action.ts'
import { toSekishoError } from '../core/error.ts'
import { type Deny, deny } from '../core/verdict.ts'
import { Scrubber } from '../detect/scrub.ts'
import type {
  Allowed,
  Clear,
  Cut,
  Exchange,
  Failed,
  Inspected,
  Misuse,
  Outgoing,
  Performed,
  Pinned,
} from '../flow/ports.ts'
import type { BudgetLedger } from '../policy/provenance/budget-ledger.ts'
import type { ProvenanceState } from '../policy/provenance/provenance-state.ts'
import type { RuleOptions } from '../wire/policy.ts'
import { DestinationMeter } from './destination-meter.ts'
import type { Dialer } from './dialer.ts'
import { EgressCut, type EgressMeter } from './egress-meter.ts'
import { FixedBody } from './fixed-body.ts'
import {
  describeHead,
  type HeadInspector,
  heldBy,
  type LookedAt,
  lookAtHead,
  seenBy,
  stoppedWhere,
} from './head-inspection.ts'
import { endToEndFields, type Fields, fieldBytes, fieldValue } from './http-fields.ts'
import type { FindingSet } from './inspection/finding-set.ts'
import type { GiveBack, HeldBytes } from './inspection/held-bytes.ts'
import { LateStop } from './late-stop.ts'
import type { ModelParts } from './llm/ports.ts'
import type { ValueLearner } from './operations/value-sink.ts'
import { makeOutgoingBody } from './outgoing-body.ts'
import type { PackageFirewall } from './packages/package-firewall.ts'
import type { CaptureParts } from './recovery/capture.ts'
import { ReplyRelay } from './reply.ts'
import type { ReplySink } from './reply-sink.ts'
import type { BodyRead, OutgoingBody } from './request-body.ts'
import type { Turns } from './turns.ts'
import type { Upstreams } from './upstream.ts'

/** undici writes these itself; the expectation has been met here (RFC 9110 §10.1.1). */
const DROP: ReadonlySet<string> = new Set(['host', 'expect', 'trailer'])

/**
 * With a credential on the request its reply is read in the clear and whole: no encoding, and no
 * range that could cut an echo of the value in two.
 */
const DROP_WITH_CREDENTIAL: ReadonlySet<string> = new Set([
  ...DROP,
  'accept-encoding',
  'grpc-accept-encoding',
  'range',
  'if-range',
])

/** A length is as many digits as the agent likes; a sum with this one is still exact. */
const MAX_ANNOUNCED_BYTES = 2 ** 52

/** Failures that say nothing about the pinned address. */
const OWN_DOING: ReadonlySet<string> = new Set(['CLIENT_GONE', 'LIMIT_REACHED'])

export type HttpArrival = {
  action: HttpRequestAction
  hasBody: boolean
  /** the agent waits for 100 before it sends the body */
  expectsContinue: boolean
  /** name, value, name, value … as sent */
  fields: readonly string[]
  body: Readable
  sink: ReplySink
  /** goes on by HTTP/2 where the upstream speaks it */
  isHttp2: boolean
}

export type HttpPerformer = HeadInspector & {
  /** room for bodies that are looked at whole */
  heldBytes: HeldBytes
  upstreams: Upstreams
  dialer: Dialer
  meter: EgressMeter
  budgets: BudgetLedger
  turns: Turns
  /** null where any URL that a rule allows may be fetched */
  provenance: ProvenanceState | null
  /** undefined where the session reaches no package registry */
  packages?: PackageFirewall | undefined
  /** undefined where no model provider is known */
  models?: ModelParts | undefined
  /** undefined: nothing is kept before it is changed */
  recovery?: CaptureParts | undefined
  /** what reads the values that a reply names; undefined where nobody asks for them */
  learnerFor(action: HttpRequestAction): (() => ValueLearner) | undefined
  /** tells that a pinned address could not be used */
  onUnreachable(host: string): void
}

/** One HTTP request between the agent and its upstream. */
export class HttpExchange implements Exchange {
  readonly #arrival: HttpArrival
  readonly #performer: HttpPerformer
  readonly #meter: DestinationMeter
  #body: OutgoingBody | undefined
  #findings: FindingSet | undefined
  #giveBack: GiveBack | undefined
  #relay: ReplyRelay | undefined
  #cutBy: Deny | undefined

  constructor(arrival: HttpArrival, performer: HttpPerformer) {
    this.#arrival = arrival
    this.#performer = performer
    this.#meter = new DestinationMeter(arrival.action.host, performer.meter, performer.budgets)
  }

  inspect(allowed: Allowed): Inspected | Promise<Inspected> {
    const { hasBody } = this.#arrival
    const meter = this.#meter
    const looked = lookAtHead(this.#arrival, allowed, this.#performer)
    if (looked.kind !== 'looked-at') return looked
    this.#findings = looked.findings
    const bytes = this.#announcedBytes()
    // before the agent is asked for a body that may not leave
    const denied = hasBody ? meter.check(bytes) : this.#admit(0)
    if (denied !== undefined) return denied
    return hasBody ? this.#inspectBody(looked) : looked.clear
  }

  outgoing(): Outgoing | Deny {
    const fields = endToEndFields(this.#arrival.fields, DROP)
    if (this.#body === undefined) return { fields, body: null }
    const body = this.#body.content()
    if (body !== undefined) return { fields, body }
    return deny('invariant.unshowable', 'a body that streams cannot be shown whole')
  }

  /** Sends these bytes in place of the body that was looked at; asked before it is performed. */
  replaceBody(bytes: Buffer): void {
    this.#body?.drop()
    this.#body = new FixedBody(bytes)
  }

  onGone(listener: () => void): void {
    const { sink } = this.#arrival
    const gone = (): void => {
      if (!sink.isFinished) listener()
    }
    if (sink.isGone) gone()
    else sink.onClose(gone)
  }

  isOpenEnded(): boolean {
    return this.#body !== undefined && !this.#body.isWhole
  }

  /** What has not left yet, does not leave. */
  cut(by: Deny): void {
    this.#cutBy ??= by
    this.#relay?.abort(new LateStop(by))
  }

  describe(): Pick<Clear, 'recordAs' | 'findings'> {
    return describeHead(this.#arrival, this.#performer)
  }

  async perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): Promise<Performed | Failed | Misuse | Cut> {
    const { action, sink } = this.#arrival
    const scrubber = credentials.size === 0 ? undefined : new Scrubber(credentials.values())
    const relay = new ReplyRelay(sink, { scrubber, isHead: action.method === 'HEAD' })
    this.#relay = relay
    const fields = this.#fields(credentials)
    if (this.#cutBy === undefined) this.#dispatch(relay, pinned, fields)
    else relay.abort(new LateStop(this.#cutBy))
    const result = await relay.done
    if (result.kind === 'failed') return this.#lateStop(relay.cause) ?? this.#failed(result)
    return {
      kind: 'performed',
      status: result.status,
      address: pinned.address,
      bytesOut: this.#bytesOut(fields),
      bytesIn: result.bytesIn,
      scrubbed: scrubber?.count ?? 0,
    }
  }

  drop(): void {
    this.#body?.drop()
    this.#giveBack?.()
  }

  async #inspectBody({ clear, findings, options }: LookedAt): Promise<Inspected> {
    const { inspector } = this.#performer
    const maxBytes = inspector.maxBodyBytes(options)
    const length = this.#declaredLength()
    if ((length ?? 0) > maxBytes && options.uninspected !== true) return tooLong(maxBytes)
    const parts = { ...this.#performer, meter: this.#meter }
    const body = makeOutgoingBody(this.#arrival, { findings, options }, parts)
    const read = await this.#readBody(body, Math.min(length ?? maxBytes, maxBytes))
    const problem =
      whyStopped(body, read, { maxBytes, options }) ??
      stoppedWhere(findings, clear.recordAs) ??
      this.#whyUnsigned(body)
    if (problem !== undefined) return problem
    const denied = this.#admit(body.wholeBytes)
    const seen = { ...seenBy(findings), ...heldBy(findings), ...unseenPart(body, maxBytes) }
    return denied ?? { ...clear, ...seen, bodyBytes: lengthOf(body, length) }
  }

  #whyUnsigned(body: OutgoingBody): Deny | undefined {
    const { action, fields } = this.#arrival
    return this.#performer.placeholders.inspectBody(action, fields, () => body.content())
  }

  /** @param bytes of room that reading it may take; a conversation takes room for each message */
  async #readBody(body: OutgoingBody, bytes: number): Promise<BodyRead> {
    const { sink, expectsContinue } = this.#arrival
    const { heldBytes } = this.#performer
    if (!body.isConversation) this.#giveBack = await heldBytes.take(bytes)
    if (expectsContinue) sink.proceed()
    this.#body = body
    const read = await body.read()
    // people may be asked about it for hours: that takes no room that others need
    if (body.isWhole) this.#giveBack?.(body.wholeBytes)
    return read
  }

  /** @param bodyBytes of a body that is here; one that streams is taken as it goes */
  #admit(bodyBytes: number): Deny | undefined {
    const { action, fields } = this.#arrival
    const bytes = this.#lineBytes() + fieldBytes(fields) + bodyBytes
    return this.#meter.admit(this.#announcedBytes(), { action, bytes })
  }

  /** Head and declared length as the agent sent them; a chunked body tells as it comes. */
  #announcedBytes(): number {
    const bytes = this.#lineBytes() + fieldBytes(this.#arrival.fields)
    return Math.min(bytes + (this.#declaredLength() ?? 0), MAX_ANNOUNCED_BYTES)
  }

  /** undefined for a body that only its end delimits */
  #declaredLength(): number | undefined {
    const length = fieldValue(this.#arrival.fields, 'content-length')
    return length === undefined ? undefined : Number(length)
  }

  #fields(credentials: ReadonlyMap<string, string>): Fields {
    const { action, fields: raw } = this.#arrival
    if (credentials.size === 0) return endToEndFields(raw, DROP)
    const fields = endToEndFields(raw, DROP_WITH_CREDENTIAL)
    fields.push('accept-encoding', 'identity')
    const body = (): Buffer | null => this.#body?.content() ?? null
    return this.#performer.placeholders.attach({ action, fields, body }, credentials)
  }

  #dispatch(relay: ReplyRelay, pinned: Pinned, headers: Fields): void {
    const { action } = this.#arrival
    const path = action.query === null ? action.path : `${action.path}?${action.query}`
    try {
      this.#meter.take(this.#headBytes(headers) + (this.#body?.wholeBytes ?? 0))
      this.#performer.upstreams
        .dispatcherFor(action, pinned, this.#arrival.isHttp2)
        .dispatch(
          { path, method: action.method, headers, body: this.#body?.toSend() ?? null },
          relay,
        )
    } catch (thrown) {
      // undici throws on what it will not write
      const isOurs = thrown instanceof EgressCut || thrown instanceof LateStop
      relay.abort(isOurs ? thrown : toSekishoError(thrown))
    }
  }

  /** What a late part of the body broke the request off for. */
  #lateStop(cause: Error | undefined): Misuse | Cut | undefined {
    if (!(cause instanceof LateStop)) return undefined
    if (cause.by.kind === 'misuse') return cause.by
    return {
      kind: 'cut',
      action: this.#arrival.action,
      by: cause.by,
      ...seenBy(this.#findings),
      outcome: { kind: 'failed', code: 'DATA_STOPPED', message: `cut: ${cause.by.reason}` },
    }
  }

  #failed(failed: Failed): Failed {
    if (!OWN_DOING.has(failed.code)) this.#performer.onUnreachable(this.#arrival.action.host)
    return failed
  }

  #bytesOut(fields: Fields): number {
    return this.#headBytes(fields) + (this.#body?.bytes ?? 0)
  }

  #headBytes(fields: Fields): number {
    return this.#lineBytes() + fieldBytes(fields)
  }

  #lineBytes(): number {
    const { method, path, query } = this.#arrival.action
    return method.length + path.length + (query?.length ?? 0) + 12
  }
}

/** As far as anybody can say before it has left. */
function lengthOf(body: OutgoingBody, declared: number | undefined): number {
  return body.isWhole ? body.wholeBytes : (declared ?? body.heldBytes)
}

function tooLong(maxBytes: number): Deny {
  return deny('invariant.body-too-long', `a body of more than the ${maxBytes} bytes inspected`)
}

function whyStopped(
  body: OutgoingBody,
  read: BodyRead,
  { maxBytes, options }: { maxBytes: number; options: RuleOptions },
): Misuse | Deny | undefined {
  if (body.misuse !== undefined) return body.misuse
  if (read === 'gone') return deny('invariant.body-incomplete', 'the body broke off')
  if (options.uninspected === true && !body.isConversation) return undefined
  if (body.problem !== undefined) return body.problem
  return read === 'partial' && !body.isConversation ? tooLong(maxBytes) : undefined
}

/** For the leaf of a request that a rule lets pass without all of it having been seen. */
function unseenPart(body: OutgoingBody, maxBytes: number): Pick<Clear, 'uninspected'> {
  if (body.problem !== undefined) return { uninspected: `the body: ${body.problem.reason}` }
  if (body.isWhole || body.isConversation) return {}
  return { uninspected: `the body after ${maxBytes} bytes, until it had left` }
}
