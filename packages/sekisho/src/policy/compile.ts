import type {
  Action,
  DnsResolveAction,
  HttpRequestAction,
  NetConnectAction,
} from '../core/action.ts'
import { type Deny, deny, type Verdict } from '../core/verdict.ts'
import type { SessionPolicy } from '../wire/policy.ts'
import { DenialExplainer, describeRequest } from './explain-denial.ts'
import { HostIndex, nameRules, type Opening, openingKey } from './host-index.ts'
import { readPath } from './path-reading.ts'
import { printable } from './problem.ts'

/** A session's policy as functions: no wait, no throw, no allocation that the input can grow. */
export type CompiledPolicy = {
  decide: (action: Action) => Verdict
  /** whether some rule opens a port of this name */
  mayReach(host: string): boolean
  /** what is spoken at a port that some rule opens; undefined where none does */
  isPort(host: string, port: number): 'http' | 'https' | undefined
}

/** The rule that decides where no other does. */
const DEFAULT_RULE = 'default'

/** Default deny; a deny rule wins over every allow rule, whatever the order. */
export function compilePolicy(policy: SessionPolicy): CompiledPolicy {
  const network = new NetworkPolicy(policy)
  return {
    decide: (action) => decide(network, action),
    mayReach: (host) => network.openings(host).length > 0,
    isPort: (host, port) => network.schemeAt(host, port),
  }
}

function decide(network: NetworkPolicy, action: Action): Verdict {
  switch (action.kind) {
    case 'http.request':
      return network.decideRequest(action)
    case 'dns.resolve':
      return network.decideName(action)
    case 'net.connect':
      return network.decideConnect(action)
    case 'process.syscall':
      return deny(
        'invariant.syscall',
        `the profile forbids ${printable(action.syscall)}, called by ${printable(action.command)}`,
      )
    case 'file.open':
      return deny(
        'invariant.tripwire',
        `${printable(action.command)} opened the tripwire ${printable(action.path)}`,
      )
    case 'ws.message':
      return deny(
        'invariant.message',
        `a message in the WebSocket of ${printable(action.host)}${printable(action.path)}`,
      )
    case 'secret.use':
      return deny('invariant.placeholder-misuse', explainMisuse(action))
    case 'package.install':
      // the request for its file is decided by the network's rules, the package by the firewall
      return deny(DEFAULT_RULE, `no rule decides packages by themselves: ${printable(action.name)}`)
    default:
      return denyUnknown(action)
  }
}

function denyUnknown(action: never): Deny {
  return deny(DEFAULT_RULE, `no rule decides ${printable(JSON.stringify(action))}`)
}

function explainMisuse(action: { secret: string; host: string; where: string }): string {
  const [secret, where, host] = [action.secret, action.where, action.host].map((t) => printable(t))
  return `the placeholder of secret ${secret} was sent in ${where} to ${host}, where it is not bound`
}

class NetworkPolicy {
  readonly #hosts: HostIndex
  readonly #explain: DenialExplainer

  constructor({ rules }: SessionPolicy) {
    this.#hosts = new HostIndex(rules)
    this.#explain = new DenialExplainer(rules)
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
    const allowedBy: string[] = []
    const deniedBy: string[] = []
    for (const openings of this.#hosts.find(action.host)) {
      const opening = openings.get(key)
      opening?.denies.collect(action.method, path, deniedBy)
      opening?.allows.collect(action.method, path, allowedBy)
    }
    if (deniedBy.length > 0) return denyBy(deniedBy, describeRequest(action))
    if (allowedBy.length > 0) return { kind: 'allow', rules: nameRules(allowedBy) }
    return deny(DEFAULT_RULE, this.#explain.request(action, path))
  }

  decideName(action: DnsResolveAction): Verdict {
    const openings = this.openings(action.name)
    if (openings.length > 0) return allowBy(openings)
    const closedBy = this.#closedBy(action.name)
    if (closedBy.length > 0) return denyBy(closedBy, `all of ${printable(action.name)}`)
    return deny(DEFAULT_RULE, this.#explain.unknownHost(action.name))
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
    if (openings.length === 0) return deny(DEFAULT_RULE, this.#explain.unknownHost(host))
    return deny(DEFAULT_RULE, this.#explain.closedPort(host, port))
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

  #closedBy(host: string, port?: number): string[] {
    return this.#hosts
      .find(host)
      .flatMap((openings) => [...openings.values()])
      .filter((opening) => port === undefined || opening.port === port)
      .flatMap((opening) => opening.closedBy)
  }

  schemeAt(host: string, port: number): 'http' | 'https' | undefined {
    for (const scheme of ['https', 'http'] as const) {
      const here = this.#hosts.find(host).map((openings) => openings.get(openingKey(scheme, port)))
      const opened = here.some((opening) => (opening?.openedBy.length ?? 0) > 0)
      const closed = here.some((opening) => (opening?.closedBy.length ?? 0) > 0)
      if (opened && !closed) return scheme
    }
    return undefined
  }
}

function allowBy(openings: readonly Opening[]): Verdict {
  return { kind: 'allow', rules: nameRules(openings.flatMap((opening) => opening.openedBy)) }
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
