import type { HttpRequestAction } from '../../core/action.ts'
import type { Clear, Exchange, Failed, Inspected, Performed, Pinned } from '../../flow/ports.ts'
import type { DestinationMeter } from '../destination-meter.ts'
import { type Fields, fieldBytes } from '../http-fields.ts'
import type { Placeholders } from '../placeholders.ts'
import type { Upstreams } from '../upstream.ts'
import { askUpstream, type Reply } from './upstream-ask.ts'

export type PlatformRequest = {
  action: HttpRequestAction
  /** with placeholders where credentials go */
  fields: Fields
  body: Buffer | null
}

export type PlatformExchangeParts = {
  placeholders: Placeholders
  upstreams: Pick<Upstreams, 'dispatcherFor'>
  meter: DestinationMeter
}

/** One request of an operator's restore, on the path that every request takes. */
export class PlatformExchange implements Exchange {
  readonly #request: PlatformRequest
  readonly #parts: PlatformExchangeParts
  #reply: Reply | undefined

  constructor(request: PlatformRequest, parts: PlatformExchangeParts) {
    this.#request = request
    this.#parts = parts
  }

  /** What has come back; undefined before it was performed, or where it was not. */
  get reply(): Reply | undefined {
    return this.#reply
  }

  inspect(): Inspected {
    const { action, fields, body } = this.#request
    const { placeholders, meter } = this.#parts
    const inHead: Clear | Inspected = placeholders.inspectHead(action, fields)
    if (inHead.kind !== 'clear') return inHead
    const bytes = this.#bytes(fields)
    const denied = meter.admit(bytes, { action, bytes })
    return denied ?? { ...inHead, bodyBytes: body?.length ?? 0 }
  }

  async perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): Promise<Performed | Failed> {
    const { action, fields, body } = this.#request
    const { placeholders, meter, upstreams } = this.#parts
    const attached = placeholders.attach({ action, fields, body: () => body }, credentials)
    const bytesOut = this.#bytes(attached)
    try {
      meter.take(bytesOut)
    } catch (thrown) {
      return { kind: 'failed', code: 'LIMIT_REACHED', message: String(thrown) }
    }
    const ask = { action, fields: attached, body, pinned, isHttp2: true }
    const reply = await askUpstream(ask, upstreams)
    this.#reply = reply
    const { bytesIn } = reply
    if (reply.kind === 'broken') {
      return { kind: 'failed', code: 'UPSTREAM_FAILED', message: reply.why }
    }
    const { address } = pinned
    return { kind: 'performed', status: reply.status, address, bytesOut, bytesIn, scrubbed: 0 }
  }

  #bytes(fields: Fields): number {
    const { action, body } = this.#request
    const { method, path, query } = action
    const line = method.length + path.length + (query?.length ?? 0) + 12
    return line + fieldBytes(fields) + (body?.length ?? 0)
  }
}
