import type { Action } from '../core/action.ts'
import { type Deny, deny, type Verdict } from '../core/verdict.ts'
import type { PolicyRule, RuleOptions, Scheme, SessionPolicy } from '../wire/policy.ts'
import { DEFAULT_RULE, NetworkPolicy, type Place } from './network-policy.ts'
import { NO_OPTIONS } from './merge-options.ts'
import { requestOf } from './model-call.ts'
import { printable } from './problem.ts'

/** A session's policy as functions: no wait, no throw, no allocation that the input can grow. */
export type CompiledPolicy = {
  decide: (action: Action) => Verdict
  /** whether some rule opens a port of this name */
  mayReach(host: string): boolean
  /** what is spoken at a port that some rule opens; undefined where none does */
  isPort(host: string, port: number): Scheme | undefined
  /**
   * What the rules that allowed an action grant and ask beyond it.
   *
   * @param rules of the verdict that allowed it
   */
  optionsFor(action: Place, rules: readonly string[]): RuleOptions
  /** the same before there is a request: what any rule says that opens this port of the name */
  openingOptions(host: string, port: number): RuleOptions
}

/**
 * Default deny; a deny rule wins over every allow rule, whatever the order. An allow rule that has
 * expired allows nothing from that moment on, also if the clock is set back.
 *
 * @param now Unix ms; asked only while some rule has still to expire
 */
export function compilePolicy({ rules }: SessionPolicy, now: () => number): CompiledPolicy {
  const standing = new StandingRules(rules, now)
  return {
    decide: (action) => decide(standing.current(), action),
    mayReach: (host) => standing.current().openings(host).length > 0,
    isPort: (host, port) => standing.current().schemeAt(host, port),
    optionsFor: (place, allowedBy) => standing.current().optionsAt(place, allowedBy),
    openingOptions: (host, port) => {
      const network = standing.current()
      const scheme = network.schemeAt(host, port)
      return scheme === undefined ? NO_OPTIONS : network.optionsAt({ host, port, scheme }, null)
    },
  }
}

/** The rules that stand: compiled anew when one expires, which each does once. */
class StandingRules {
  #standing: readonly PolicyRule[]
  #expired: readonly PolicyRule[] = []
  #nextExpiryMs = Number.POSITIVE_INFINITY
  #network: NetworkPolicy
  readonly #now: () => number

  constructor(rules: readonly PolicyRule[], now: () => number) {
    this.#standing = rules
    this.#now = now
    this.#network = this.#compile()
  }

  current(): NetworkPolicy {
    // without a rule that expires, a decision does not ask for the time
    if (this.#nextExpiryMs !== Number.POSITIVE_INFINITY && this.#now() >= this.#nextExpiryMs) {
      this.#network = this.#compile()
    }
    return this.#network
  }

  #compile(): NetworkPolicy {
    const nowMs = this.#now()
    const isOver = (rule: PolicyRule): boolean => nowMs >= expiryOf(rule)
    this.#expired = [...this.#expired, ...this.#standing.filter(isOver)]
    this.#standing = this.#standing.filter((rule) => !isOver(rule))
    this.#nextExpiryMs = this.#standing.reduce(
      (next, rule) => Math.min(next, expiryOf(rule)),
      Number.POSITIVE_INFINITY,
    )
    return new NetworkPolicy(this.#standing, this.#expired)
  }
}

/** Unix ms; a deny rule denies for ever. */
function expiryOf({ effect, expiresAtMs }: PolicyRule): number {
  return effect === 'deny' ? Number.POSITIVE_INFINITY : (expiresAtMs ?? Number.POSITIVE_INFINITY)
}

function decide(network: NetworkPolicy, action: Action): Verdict {
  if (isRefused(action)) return refuse(action)
  switch (action.kind) {
    case 'http.request':
      return network.decideRequest(action)
    case 'llm.generate':
      return network.decideRequest(requestOf(action))
    case 'dns.resolve':
      return network.decideName(action)
    case 'net.connect':
      return network.decideConnect(action)
    case 'package.install':
      // the request for its file is decided by the network's rules, the package by the firewall
      return deny(DEFAULT_RULE, `no rule decides packages by themselves: ${printable(action.name)}`)
    case 'llm.tool-call':
      // by what the agent file says of tools; see `tools/tool-index.ts`
      return deny(DEFAULT_RULE, `no rule of the network decides ${printable(action.tool)}`)
    default:
      return denyUnknown(action)
  }
}

type Refused = Extract<
  Action,
  { kind: 'process.syscall' | 'file.open' | 'ws.message' | 'secret.use' }
>

function isRefused(action: Action): action is Refused {
  return ['process.syscall', 'file.open', 'ws.message', 'secret.use'].includes(action.kind)
}

/** What is refused for what it is, whatever rules there are. */
function refuse(action: Refused): Deny {
  switch (action.kind) {
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
