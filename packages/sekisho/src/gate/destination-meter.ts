import type { HttpRequestAction } from '../core/action.ts'
import type { Deny } from '../core/verdict.ts'
import type { BudgetLedger } from '../policy/provenance/budget-ledger.ts'
import { urlOfRequest } from '../policy/provenance/canonical-url.ts'
import type { EgressMeter } from './egress-meter.ts'
import { LateStop } from './late-stop.ts'

/**
 * What one request or connection sends, against the session's limits and its destination's budgets.
 * Budgets take what is admitted at once, so only what comes later is taken piece by piece.
 */
export class DestinationMeter {
  readonly #meter: EgressMeter
  readonly #budgets: BudgetLedger
  readonly #host: string
  #admitted = 0

  constructor(host: string, meter: EgressMeter, budgets: BudgetLedger) {
    this.#host = host
    this.#meter = meter
    this.#budgets = budgets
  }

  /** As of {@link EgressMeter}. */
  check(leastBytes: number): Deny | undefined {
    return this.#meter.check(leastBytes)
  }

  /**
   * Counts a request that may leave.
   *
   * @param leastBytes what it says that it will send
   * @param request what of it is here; null for a connection that is no request
   */
  admit(
    leastBytes: number,
    request: { action: HttpRequestAction; bytes: number } | null,
  ): Deny | undefined {
    if (this.#budgets.isEmpty) return this.#meter.admit(leastBytes)
    const outgoing =
      request === null
        ? { bytes: 0, url: null }
        : { bytes: request.bytes, url: urlOfRequest(request.action) }
    const denied = this.#meter.check(leastBytes) ?? this.#budgets.admit(this.#host, outgoing)
    if (denied !== undefined) return denied
    this.#admitted = outgoing.bytes
    return this.#meter.admit(leastBytes)
  }

  /**
   * Takes bytes that are about to leave.
   *
   * @throws EgressCut when the session's limit is met, LateStop when a budget is: none may leave
   */
  take(bytes: number): void {
    if (this.#budgets.isEmpty) return this.#meter.take(bytes)
    const known = Math.min(bytes, this.#admitted)
    const denied =
      bytes > known
        ? this.#budgets.admit(this.#host, { bytes: bytes - known, url: null })
        : undefined
    if (denied !== undefined) throw new LateStop(denied)
    this.#admitted -= known
    this.#meter.take(bytes)
  }
}
