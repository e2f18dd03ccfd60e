import type { Allowed, Exchange, Inspected } from '../../flow/ports.ts'
import type { ProvenanceState } from '../../policy/provenance/provenance-state.ts'
import type { HttpArrival } from '../http-exchange.ts'
import { withoutFields } from '../http-fields.ts'
import { WrappedExchange } from '../wrapped-exchange.ts'
import { LinkSink } from './link-sink.ts'

const CODINGS: ReadonlySet<string> = new Set(['accept-encoding'])

/** A request whose URL must be of known origin, and what its reply teaches. */
export class ProvenanceExchange extends WrappedExchange {
  readonly #arrival: HttpArrival
  readonly #state: ProvenanceState
  protected override readonly inner: Exchange
  #rules: readonly string[] = []

  /** @param fetch makes the exchange itself */
  constructor(
    arrival: HttpArrival,
    state: ProvenanceState,
    fetch: (arrival: HttpArrival) => Exchange,
  ) {
    super()
    this.#arrival = arrival
    this.#state = state
    const request = { action: arrival.action, rules: () => this.#rules }
    const sink = new LinkSink(arrival.sink, request, state)
    // an index is read as it goes by, so it is asked for in the clear
    const fields = state.mayLearn ? withoutFields(arrival.fields, CODINGS) : arrival.fields
    this.inner = fetch({ ...arrival, fields, sink })
  }

  override inspect(allowed: Allowed): Promise<Inspected> | Inspected {
    this.#rules = allowed.rules
    const origin = this.#state.decide(this.#arrival.action, allowed.rules)
    if (origin.kind !== 'deny') return this.inner.inspect(allowed)
    return { kind: 'stopped', verdict: origin, ...this.describe() }
  }
}
