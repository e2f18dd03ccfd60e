import type { DnsResolveAction, HttpRequestAction, NetConnectAction } from '../core/action.ts'
import { type Deny, deny, type Verdict } from '../core/verdict.ts'
import type { PolicyRule, RuleOptions, Scheme } from '../wire/policy.ts'
import { DenialExplainer, describeRequest } from './explain-denial.ts'
import { ExpiredRules } from './expired-rules.ts'
import { HostIndex, nameRules, type Opening, openingKey } from './host-index.ts'
import { mergeOptions, NO_OPTIONS } from './merge-options.ts'
import { type PathReading, readPath } from './path-reading.ts'
import { printable } from './problem.ts'

/** The rule that decides where no other does. */
export const DEFAULT_RULE = 'default'

/** Where an action goes, as far as rules name places. */
export type Place = { host: string; port: number; scheme: Scheme }

/** Where rules disagree on what a port speaks, the one of which the gate sees most counts. */
const SCHEMES = ['https', 'http', 'tcp', 'tls'] as const satisfies readonly Scheme[]

/** Merged options kept; a session's places and rules are few, and what it asks is not. */
const MAX_MERGED = 1_024

/** The rules that stand at one time, as functions. */
export class NetworkPolicy {
  readonly #hosts: HostIndex
  readonly #explain: DenialExplainer
  readonly #expired: ExpiredRules
  readonly #hasOptions: boolean
  readonly #merged = new Map<string, RuleOptions>()

  /** @param expired allow rules that allow nothing any more; a denial names them */
  constructor(rules: readonly PolicyRule[], expired: readonly PolicyRule[]) {
    this.#hosts = new HostIndex(rules)
    this.#explain = new DenialExplainer(rules)
    this.#expired = new ExpiredRules(expired)
    this.#hasOptions = rules.some(({ options }) => options !== undefined)
  }

  decideRequest(action: HttpRequestAction): Verdict {
    const path = readPath(action.path)
    if (path === undefined) {
      return deny(
        'invariant.ambiguous-path',
        `a server may read ${describeRequest(action)} as a path with dot segments`,
      )
    }
    const key = openingKey(action.scheme, action.port)
    const wanted = action.upgrade === undefined ? 'allows' : 'sockets'
    const allowedBy: string[] = []
    const deniedBy: string[] = []
    for (const openings of this.#hosts.find(action.host)) {
      const opening = openings.get(key)
      opening?.denies.collect(action.method, path, deniedBy)
      opening?.[wanted].collect(action.method, path, allowedBy)
    }
    if (deniedBy.length > 0) return denyBy(deniedBy, describeRequest(action))
    if (allowedBy.length > 0) return { kind: 'allow', rules: nameRules(allowedBy) }
    return this.#denyRequest(action, path)
  }

  decideName(action: DnsResolveAction): Verdict {
    const { name } = action
    const openings = this.openings(name)
    if (openings.length > 0) return allowBy(openings)
    const closedBy = this.#closedBy(name)
    if (closedBy.length > 0) return denyBy(closedBy, `all of ${printable(name)}`)
    return this.#expired.denyName(name) ?? deny(DEFAULT_RULE, this.#explain.unknownHost(name))
  }

  decideConnect(action: NetConnectAction): Verdict {
    const { transport, address, host, port } = action
    const to = `${transport} ${printable(address)}${port === null ? '' : ` port ${port}`}`
    if (transport !== 'tcp' || port === null) {
      return deny('invariant.transport', `${to}: only TCP leaves a session`)
    }
    if (host === null) {
      return deny('invariant.literal-address', `${to}: only names that a rule allows are dialled`)
    }
    const scheme = this.schemeAt(host, port)
    const openings = this.openings(host)
    const here = openings.filter((opening) => opening.port === port && opening.scheme === scheme)
    if (here.length > 0) return allowBy(here)
    const closedBy = this.#closedBy(host, port)
    if (closedBy.length > 0) return denyBy(closedBy, `port ${port} of ${printable(host)}`)
    return this.#expired.denyPort(host, port) ?? this.#denyPort(host, port)
  }

  /** What allow rules open at a host and no deny rule closes again. */
  openings(host: string): readonly Opening[] {
    const found = this.#hosts.find(host).flatMap((openings) => [...openings.values()])
    const closed = found.filter((opening) => opening.closedBy.length > 0)
    return found.filter(
      ({ openedBy, scheme, port }) =>
        openedBy.length > 0 && !closed.some((c) => c.scheme === scheme && c.port === port),
    )
  }

  schemeAt(host: string, port: number): Scheme | undefined {
    const found = this.#hosts.find(host)
    for (const scheme of SCHEMES) {
      const key = openingKey(scheme, port)
      let isOpened = false
      let isClosed = false
      for (const openings of found) {
        const opening = openings.get(key)
        if (opening === undefined) continue
        isOpened ||= opening.openedBy.length > 0
        isClosed ||= opening.closedBy.length > 0
      }
      if (isOpened && !isClosed) return scheme
    }
    return undefined
  }

  /** @param rules that allowed it; null for all that open the place */
  optionsAt(place: Place, rules: readonly string[] | null): RuleOptions {
    if (!this.#hasOptions) return NO_OPTIONS
    const named = rules === null ? '*' : rules.join(' ')
    const key = `${place.scheme} ${place.host} ${place.port} ${named}`
    const known = this.#merged.get(key)
    if (known !== undefined) return known
    const merged = this.#mergeAt(place, rules)
    if (this.#merged.size >= MAX_MERGED) this.#merged.clear()
    this.#merged.set(key, merged)
    return merged
  }

  #mergeAt({ host, port, scheme }: Place, rules: readonly string[] | null): RuleOptions {
    const key = openingKey(scheme, port)
    const terms = this.#hosts
      .find(host)
      .flatMap((openings) => openings.get(key)?.terms ?? [])
      .filter(({ id }) => rules === null || rules.includes(id))
    const narrowFirst = terms.toSorted((a, b) => Number(b.hasPaths) - Number(a.hasPaths))
    return Object.freeze(mergeOptions(narrowFirst.map(({ options }) => options)))
  }

  #denyRequest(action: HttpRequestAction, path: PathReading): Deny {
    if (action.upgrade !== undefined) {
      const plain = this.decideRequest({ ...action, upgrade: undefined })
      if (plain.kind === 'allow') return denyUpgrade(action, plain.rules)
    }
    return (
      this.#expired.denyRequest(action, path) ??
      deny(DEFAULT_RULE, this.#explain.request(action, path))
    )
  }

  #denyPort(host: string, port: number): Deny {
    if (this.openings(host).length === 0) {
      return deny(DEFAULT_RULE, this.#explain.unknownHost(host))
    }
    return deny(DEFAULT_RULE, this.#explain.closedPort(host, port))
  }

  #closedBy(host: string, port?: number): string[] {
    return this.#hosts
      .find(host)
      .flatMap((openings) => [...openings.values()])
      .filter((opening) => port === undefined || opening.port === port)
      .flatMap((opening) => opening.closedBy)
  }
}

function allowBy(openings: readonly Opening[]): Verdict {
  return { kind: 'allow', rules: nameRules(openings.flatMap((opening) => opening.openedBy)) }
}

function denyUpgrade(action: HttpRequestAction, rules: readonly string[]): Deny {
  const [noun, verb] = rules.length === 1 ? ['rule', 'allows'] : ['rules', 'allow']
  return deny(
    'invariant.upgrade',
    `${noun} ${rules.slice(0, 3).join(', ')} ${verb} ${describeRequest(action)} but no WebSocket there; \`websocket: true\` in a rule allows one`,
  )
}

function denyBy(rules: string[], what: string): Deny {
  const named = nameRules(rules)
  const [noun, verb] = named.length === 1 ? ['rule', 'denies'] : ['rules', 'deny']
  return {
    kind: 'deny',
    rules: named,
    reason: `${noun} ${named.slice(0, 3).join(', ')} ${verb} ${what}`,
  }
}
