import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpRequestAction } from '../core/action.ts'
import { toSekishoError } from '../core/error.ts'
import type { Deny } from '../core/verdict.ts'
import { Scrubber } from '../detect/scrub.ts'
import type { Clear, Exchange, Failed, Misuse, Performed, Pinned } from '../flow/ports.ts'
import { EgressCut, type EgressMeter } from './egress-meter.ts'
import { endToEndFields, type Fields, fieldBytes, fieldValue } from './http-fields.ts'
import type { Placeholders } from './placeholders.ts'
import { ReplyRelay } from './reply.ts'
import { LateMisuse, RequestBody } from './request-body.ts'
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
  request: IncomingMessage
  response: ServerResponse
}

export type HttpPerformer = {
  placeholders: Placeholders
  upstreams: Upstreams
  meter: EgressMeter
  turns: Turns
  /** tells that a pinned address could not be used */
  onUnreachable(host: string): void
}

/** One HTTP request between the agent and its upstream. */
export class HttpExchange implements Exchange {
  readonly #arrival: HttpArrival
  readonly #performer: HttpPerformer
  readonly #body: RequestBody | undefined

  constructor(arrival: HttpArrival, performer: HttpPerformer) {
    this.#arrival = arrival
    this.#performer = performer
    if (arrival.hasBody) {
      const watch = performer.placeholders.watchBody(arrival.action)
      this.#body = new RequestBody(arrival.request, watch, performer)
    }
  }

  inspect(): Clear | Misuse | Deny | Promise<Clear | Misuse | Deny> {
    const { action, request, response, expectsContinue } = this.#arrival
    const { placeholders, meter } = this.#performer
    const inHead = placeholders.inspectHead(action, request.rawHeaders)
    if (inHead.kind === 'misuse') return inHead
    const bytes = this.#announcedBytes()
    if (this.#body === undefined) return meter.admit(bytes) ?? inHead
    const denied = meter.check(bytes) // before the agent is asked for a body that may not leave
    if (denied !== undefined) return denied
    if (expectsContinue) response.writeContinue()
    return this.#inspectBody(inHead, this.#body)
  }

  async perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): Promise<Performed | Failed | Misuse> {
    const { action, response } = this.#arrival
    const scrubber = credentials.size === 0 ? undefined : new Scrubber(credentials.values())
    const relay = new ReplyRelay(response, { scrubber, isHead: action.method === 'HEAD' })
    const fields = this.#fields(credentials)
    this.#dispatch(relay, pinned, fields)
    const result = await relay.done
    if (result.kind === 'failed') return lateMisuse(relay.cause) ?? this.#failed(result)
    return {
      kind: 'performed',
      status: result.status,
      address: pinned.address,
      bytesOut: this.#bytesOut(fields),
      bytesIn: result.bytesIn,
      scrubbed: scrubber?.count ?? 0,
    }
  }

  async #inspectBody(inHead: Clear, body: RequestBody): Promise<Clear | Misuse | Deny> {
    const misuse = await body.readHead()
    return misuse ?? this.#performer.meter.admit(this.#announcedBytes()) ?? inHead
  }

  /** Head and declared length as the agent sent them; a chunked body tells as it comes. */
  #announcedBytes(): number {
    const { rawHeaders } = this.#arrival.request
    const length = Number(fieldValue(rawHeaders, 'content-length') ?? '0')
    return Math.min(this.#lineBytes() + fieldBytes(rawHeaders) + length, MAX_ANNOUNCED_BYTES)
  }

  #fields(credentials: ReadonlyMap<string, string>): Fields {
    const { action, request } = this.#arrival
    if (credentials.size === 0) return endToEndFields(request.rawHeaders, DROP)
    const fields = endToEndFields(request.rawHeaders, DROP_WITH_CREDENTIAL)
    fields.push('accept-encoding', 'identity')
    return this.#performer.placeholders.attach(action, fields, credentials)
  }

  #dispatch(relay: ReplyRelay, pinned: Pinned, headers: Fields): void {
    const { action } = this.#arrival
    const { meter } = this.#performer
    const path = action.query === null ? action.path : `${action.path}?${action.query}`
    try {
      meter.take(this.#headBytes(headers) + (this.#body?.wholeBytes ?? 0))
      this.#performer.upstreams
        .poolFor(action, pinned)
        .dispatch(
          { path, method: action.method, headers, body: this.#body?.toSend() ?? null },
          relay,
        )
    } catch (thrown) {
      // undici throws on what it will not write
      relay.abort(thrown instanceof EgressCut ? thrown : toSekishoError(thrown))
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

function lateMisuse(cause: Error | undefined): Misuse | undefined {
  return cause instanceof LateMisuse ? cause.misuse : undefined
}
