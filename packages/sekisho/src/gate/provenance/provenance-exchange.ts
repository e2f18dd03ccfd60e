import type { Allowed, Exchange, Inspected, Pinned } from '../../flow/ports.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { ProvenanceState } from '../../policy/provenance/provenance-state.ts'
import type { HttpArrival } from '../http-exchange.ts'
import { LinkSink } from './link-sink.ts'

const NOT_SHOWN = deny('invariant.unshowable', 'what it will send cannot be shown')

const CODINGS = 'accept-encoding'

/** A request whose URL must be of known origin, and what its reply teaches. */
export class ProvenanceExchange implements Exchange {
  readonly #arrival: HttpArrival
  readonly #state: ProvenanceState
  readonly #inner: Exchange
  #rules: readonly string[] = []

  /** @param fetch makes the exchange itself */
  constructor(
    arrival: HttpArrival,
    state: ProvenanceState,
    fetch: (arrival: HttpArrival) => Exchange,
  ) {
    this.#arrival = arrival
    this.#state = state
    const request = { action: arrival.action, rules: () => this.#rules }
    const sink = new LinkSink(arrival.sink, request, state)
    // an index is read as it goes by, so it is asked for in the clear
    const fields = state.mayLearn ? withoutCodings(arrival.fields) : arrival.fields
    this.#inner = fetch({ ...arrival, fields, sink })
  }

  inspect(allowed: Allowed): Promise<Inspected> | Inspected {
    this.#rules = allowed.rules
    const origin = this.#state.decide(this.#arrival.action, allowed.rules)
    if (origin.kind !== 'deny') return this.#inner.inspect(allowed)
    return { kind: 'stopped', verdict: origin, ...this.describe() }
  }

  perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): ReturnType<Exchange['perform']> {
    return this.#inner.perform(pinned, credentials)
  }

  describe(): ReturnType<NonNullable<Exchange['describe']>> {
    return this.#inner.describe?.() ?? {}
  }

  outgoing(): ReturnType<NonNullable<Exchange['outgoing']>> {
    return this.#inner.outgoing?.() ?? NOT_SHOWN
  }

  async keepBefore(asked: Parameters<NonNullable<Exchange['keepBefore']>>[0]): Promise<boolean> {
    return (await this.#inner.keepBefore?.(asked)) ?? false
  }

  onGone(listener: () => void): void {
    this.#inner.onGone?.(listener)
  }

  isOpenEnded(): boolean {
    return this.#inner.isOpenEnded?.() ?? false
  }

  cut(by: Deny): void {
    this.#inner.cut?.(by)
  }

  drop(): void {
    this.#inner.drop?.()
  }
}

function withoutCodings(raw: readonly string[]): string[] {
  return raw.filter((_, index) => raw[index - (index % 2)]?.toLowerCase() !== CODINGS)
}
