import type { HttpRequestAction } from '../../core/action.ts'
import type { Allowed, Clear, Exchange, Inspected, Pinned } from '../../flow/ports.ts'
import type { HttpArrival } from '../http-exchange.ts'
import { type Fields, replaceFields } from '../http-fields.ts'
import { WrappedExchange } from '../wrapped-exchange.ts'
import { PassingSink } from '../packages/passing-sink.ts'
import { type Captured, type CaptureParts, capturePreImage } from './capture.ts'
import { strongEtag } from './resource-state.ts'

const CONDITION: ReadonlySet<string> = new Set(['if-match'])
const CHANGING: ReadonlySet<string> = new Set(['PUT', 'PATCH', 'DELETE'])

type Asked = Parameters<NonNullable<Exchange['keepBefore']>>[0]

/** Whether what a request changes can be kept before. */
export function isRecoverable({ action }: HttpArrival): boolean {
  return CHANGING.has(action.method)
}

/** A request that changes something, preceded where a rule asks for it by a look at what is there. */
export class RecoverableExchange extends WrappedExchange {
  readonly #arrival: HttpArrival
  readonly #parts: CaptureParts
  protected override readonly inner: Exchange
  readonly #sink: StateSink
  /** the inner exchange's own copy: a condition is added to it once something is kept */
  readonly #fields: Fields
  #clear: Clear | undefined
  #captured: Captured | undefined

  /** @param fetch makes the exchange itself */
  constructor(
    arrival: HttpArrival,
    parts: CaptureParts,
    fetch: (arrival: HttpArrival) => Exchange,
  ) {
    super()
    this.#arrival = arrival
    this.#parts = parts
    this.#sink = new StateSink(arrival.sink)
    this.#fields = [...arrival.fields]
    this.inner = fetch({ ...arrival, fields: this.#fields, sink: this.#sink })
  }

  override async inspect(allowed: Allowed): Promise<Inspected> {
    const inspected = await this.inner.inspect(allowed)
    this.#clear = inspected.kind === 'clear' ? inspected : undefined
    return inspected
  }

  override async keepBefore({ id, rules, recovery }: Asked): Promise<boolean> {
    const { action, isHttp2 } = this.#arrival
    if (this.#clear === undefined) return false
    const outgoing = this.outgoing()
    const body = 'body' in outgoing ? outgoing.body : null
    const recordAs = requestOf(this.#clear.recordAs) ?? action
    const fields = this.#arrival.fields
    const changing = { id, action, recordAs, fields, isHttp2, rules, recovery, body }
    this.#captured = await capturePreImage(changing, this.#parts)
    if (this.#captured.kind === 'none') return false
    this.#addCondition(this.#captured.ifMatch)
    return true
  }

  override async perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): ReturnType<Exchange['perform']> {
    const done = await this.inner.perform(pinned, credentials)
    if (done.kind !== 'performed' || this.#captured?.kind !== 'kept') return done
    const { etag } = this.#sink
    return etag === undefined ? done : { ...done, etag }
  }

  #addCondition(etag: string | null): void {
    if (etag === null) return
    replaceFields(this.#fields, CONDITION, ['If-Match', etag])
  }
}

function requestOf(action: Clear['recordAs']): HttpRequestAction | undefined {
  return action?.kind === 'http.request' ? action : undefined
}

/** Keeps what a reply says of what the action has left. */
class StateSink extends PassingSink {
  etag: string | undefined

  override head(status: number, message: string, fields: Fields): void {
    if (status >= 200 && status < 300) this.etag = strongEtag(fields)
    super.head(status, message, fields)
  }
}
