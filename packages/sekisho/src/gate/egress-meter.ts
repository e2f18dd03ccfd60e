import { type Deny, deny } from '../core/verdict.ts'
import type { EgressLimits, EgressUse } from '../wire/gate.ts'

const RULES = { 'egress-bytes': 'limit.egress-bytes', 'egress-requests': 'limit.egress-requests' }

export type EgressLimit = keyof typeof RULES
export type EgressBreach = { limit: EgressLimit; configured: number; observed: number }

/** What a request that meets an egress limit on its way out is broken off with. */
export class EgressCut extends Error {
  override readonly name = 'EgressCut'
  readonly code = 'LIMIT_REACHED'
  readonly rules = [RULES['egress-bytes']]

  constructor(bytes: number) {
    super(`cut: ${bytes} bytes more would pass the limit of egress bytes`)
  }
}

/**
 * What one session has sent to upstreams, and how much more it may: heads and bodies as HTTP/1.1
 * spells them, without TLS and TCP, and requests that were allowed. Bytes are taken before they are
 * sent, all of a piece or none, so that nothing leaves above the limit; what was taken and then
 * found no connection stays taken.
 */
export class EgressMeter {
  readonly #limits: EgressLimits
  readonly #breached: (breach: EgressBreach) => void
  readonly #reported = new Set<EgressLimit>()
  #bytes: number
  #requests: number

  /**
   * @param used by this session before, under a gate that died
   * @param breached told once for each limit
   */
  constructor(
    { limits, used }: { limits: EgressLimits; used: EgressUse },
    breached: (breach: EgressBreach) => void,
  ) {
    this.#limits = limits
    this.#breached = breached
    this.#bytes = used.bytes
    this.#requests = used.requests
  }

  get used(): EgressUse {
    return { bytes: this.#bytes, requests: this.#requests }
  }

  /** Why a request of at least this many bytes may not leave; counts nothing but the breach. */
  check(leastBytes: number): Deny | undefined {
    const { egressBytes, egressRequests } = this.#limits
    if (this.#requests >= egressRequests) {
      this.#report('egress-requests', egressRequests, this.#requests)
      return deny(RULES['egress-requests'], `${this.#requests} of ${egressRequests} requests made`)
    }
    if (this.#bytes + leastBytes > egressBytes) {
      this.#reportBytes(leastBytes)
      const sent = `${this.#bytes} of ${egressBytes} bytes sent`
      return deny(RULES['egress-bytes'], `${sent}, ${leastBytes} more asked for`)
    }
    return undefined
  }

  /** As `check`; a request that may leave is counted. */
  admit(leastBytes: number): Deny | undefined {
    const denied = this.check(leastBytes)
    if (denied === undefined) this.#requests += 1
    return denied
  }

  /** @throws EgressCut when these bytes would pass the limit: then none of them may leave */
  take(bytes: number): void {
    if (this.#bytes + bytes > this.#limits.egressBytes) {
      this.#reportBytes(bytes)
      throw new EgressCut(bytes)
    }
    this.#bytes += bytes
  }

  #reportBytes(more: number): void {
    this.#report('egress-bytes', this.#limits.egressBytes, this.#bytes + more)
  }

  #report(limit: EgressLimit, configured: number, observed: number): void {
    if (this.#reported.has(limit)) return
    this.#reported.add(limit)
    this.#breached({ limit, configured, observed })
  }
}
