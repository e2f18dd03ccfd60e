import dns from 'node:dns'
import { classifyAddress } from '../core/address.ts'
import { type Cidr, GRANTABLE, isInCidr, parseCidr } from '../core/cidr.ts'
import { SekishoError } from '../core/error.ts'
import { matchesHost } from '../core/host.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { Pinned, Resolver } from '../flow/ports.ts'
import type { EgressProxy, PrivateRange } from '../wire/egress.ts'
import type { Upstream } from '../wire/gate.ts'
import { boundLookup } from './bounded-lookup.ts'

/** Every address of a name, IPv4 and IPv6, as text. @throws when there is none */
export type Lookup = (host: string) => Promise<readonly string[]>

/**
 * An answer is used for this long, so that requests on a kept-alive connection do not resolve each
 * time. Safe against rebinding: it is the checked address that is dialled, not the name.
 */
const PIN_MS = 5_000
const MAX_PINS = 1_024
const LOOKUP_TIMEOUT_MS = 5_000
/** getaddrinfo takes a thread each, of four that the whole process has; TLS keys and zlib need one. */
const SYSTEM_BOUNDS = { timeoutMs: LOOKUP_TIMEOUT_MS, maxAtOnce: 3, maxWaiting: 1_024 }
/** c-ares takes a socket each. Its own time-out is for one try at one server. */
const SERVER_BOUNDS = { timeoutMs: LOOKUP_TIMEOUT_MS, maxAtOnce: 256, maxWaiting: 1_024 }

type Pin = { answer: Promise<string | Deny>; untilMs: number }

/** What the operator says of single names: where one is, and where the addresses of one may lie. */
export type NamedPlaces = {
  upstreams: readonly Upstream[]
  privateRanges: readonly PrivateRange[]
  proxy?: EgressProxy | null
}

/** Resolves and classifies for one session; the operator's own upstreams come first. */
export class PinningResolver implements Resolver {
  readonly #upstreams: ReadonlyMap<string, Pinned>
  readonly #ranges: ReadonlyMap<string, Cidr | undefined>
  readonly #proxy: EgressProxy | null
  readonly #lookup: Lookup
  readonly #now: () => number
  readonly #pins = new Map<string, Pin>()

  /** @param now Unix ms */
  constructor(
    { upstreams, privateRanges, proxy = null }: NamedPlaces,
    lookup: Lookup,
    now: () => number,
  ) {
    this.#upstreams = new Map(
      upstreams.map(({ host, port, address, dialPort, caPem }) => [
        `${host}:${port}`,
        { kind: 'pinned', address, port: dialPort, caPem },
      ]),
    )
    // a range that does not parse grants nothing
    this.#ranges = new Map(privateRanges.map(({ host, range }) => [host, parseCidr(range)]))
    this.#proxy = proxy
    this.#lookup = lookup
    this.#now = now
  }

  /** @throws SekishoError UPSTREAM_FAILED when the name does not resolve */
  async pin(host: string, port: number): Promise<Pinned | Deny> {
    const named = this.#upstreams.get(`${host}:${port}`)
    if (named !== undefined) return named
    // the operator has said that the proxy resolves: nobody checks the address here
    if (this.#isResolvedByProxy(host)) return { kind: 'pinned', address: host, port, caPem: null }
    const answer = await this.#answerFor(host)
    if (typeof answer !== 'string') return answer
    return { kind: 'pinned', address: answer, port, caPem: null }
  }

  #isResolvedByProxy(host: string): boolean {
    const proxy = this.#proxy
    if (proxy?.resolve !== 'proxy') return false
    return !proxy.except.some((pattern) => matchesHost(pattern, host))
  }

  /** After a failure to connect: the next request asks again. */
  forget(host: string): void {
    this.#pins.delete(host)
  }

  #answerFor(host: string): Promise<string | Deny> {
    const known = this.#pins.get(host)
    if (known !== undefined && this.#now() < known.untilMs) return known.answer
    const answer = this.#resolve(host)
    const pin = { answer, untilMs: this.#now() + PIN_MS }
    this.#pins.delete(host)
    this.#pins.set(host, pin)
    const [oldest] = this.#pins.keys()
    if (this.#pins.size > MAX_PINS && oldest !== undefined) this.#pins.delete(oldest)
    answer.catch(() => {
      if (this.#pins.get(host) === pin) this.#pins.delete(host)
    })
    return answer
  }

  async #resolve(host: string): Promise<string | Deny> {
    const addresses = await this.#lookup(host).catch((cause: unknown) => {
      if (cause instanceof SekishoError) throw cause
      throw new SekishoError('UPSTREAM_FAILED', `${host} does not resolve`, { cause })
    })
    for (const address of addresses) {
      const denied = this.#checkAnswer(host, address)
      if (denied !== undefined) return denied
    }
    const [first] = [...addresses].sort(ipv4First)
    if (first !== undefined) return first
    throw new SekishoError('UPSTREAM_FAILED', `${host} has no address`)
  }

  /**
   * Of a granted range counts only what networks number by themselves: none is so wide that it
   * reaches this host, its link or a cloud's metadata service.
   */
  #checkAnswer(host: string, address: string): Deny | undefined {
    const is = classifyAddress(address)
    if (is === 'public') return undefined
    const range = this.#ranges.get(host)
    if (range !== undefined && GRANTABLE.includes(is) && isInCidr(range, address)) return undefined
    const outside = range === undefined ? '' : ' and not in the range that the name is given'
    return deny(
      'invariant.private-address',
      `${host} resolves to ${address}, which is ${is}${outside}`,
    )
  }
}

/** A host with IPv6 answers but no IPv6 route would fail every time. */
function ipv4First(a: string, b: string): number {
  return Number(a.includes(':')) - Number(b.includes(':'))
}

/** @param servers `address` or `address:port`; empty asks what the system's resolver asks */
export function systemLookup(servers: readonly string[]): Lookup {
  if (servers.length === 0) {
    return boundLookup(async (host) => {
      const found = await dns.promises.lookup(host, { all: true, order: 'verbatim' })
      return found.map(({ address }) => address)
    }, SYSTEM_BOUNDS)
  }
  const resolver = new dns.promises.Resolver({ timeout: LOOKUP_TIMEOUT_MS / 2, tries: 2 })
  resolver.setServers([...servers])
  return boundLookup(async (host) => {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    const [failed] = answers.filter((answer) => answer.status === 'rejected')
    if (found.length === 0 && failed !== undefined) throw failed.reason
    return found
  }, SERVER_BOUNDS)
}
