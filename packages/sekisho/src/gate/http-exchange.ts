import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpRequestAction } from '../core/action.ts'
import { toSekishoError } from '../core/error.ts'
import { Scrubber } from '../detect/scrub.ts'
import type { Clear, Exchange, Failed, Misuse, Performed, Pinned } from '../flow/ports.ts'
import { endToEndFields, type Fields, fieldBytes } from './http-fields.ts'
import type { Placeholders } from './placeholders.ts'
import { ReplyRelay } from './reply.ts'
import { LateMisuse, RequestBody } from './request-body.ts'
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
      this.#body = new RequestBody(arrival.request, watch)
    }
  }

  inspect(): Clear | Misuse | Promise<Clear | Misuse> {
    const { action, request, response, expectsContinue } = this.#arrival
    const inHead = this.#performer.placeholders.inspectHead(action, request.rawHeaders)
    if (inHead.kind === 'misuse' || this.#body === undefined) return inHead
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

  async #inspectBody(inHead: Clear, body: RequestBody): Promise<Clear | Misuse> {
    return (await body.readHead()) ?? inHead
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
    const path = action.query === null ? action.path : `${action.path}?${action.query}`
    try {
      this.#performer.upstreams
        .poolFor(action, pinned)
        .dispatch(
          { path, method: action.method, headers, body: this.#body?.toSend() ?? null },
          relay,
        )
    } catch (thrown) {
      relay.abort(toSekishoError(thrown)) // undici throws on what it will not write
    }
  }

  #failed(failed: Failed): Failed {
    if (failed.code !== 'CLIENT_GONE') this.#performer.onUnreachable(this.#arrival.action.host)
    return failed
  }

  #bytesOut(fields: Fields): number {
    const { method, path, query } = this.#arrival.action
    const line = method.length + path.length + (query?.length ?? 0) + 12
    return line + fieldBytes(fields) + (this.#body?.bytes ?? 0)
  }
}

function lateMisuse(cause: Error | undefined): Misuse | undefined {
  return cause instanceof LateMisuse ? cause.misuse : undefined
}
