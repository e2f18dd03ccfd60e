import type { Action, HttpRequestAction } from '../../core/action.ts'
import { readMethod } from '../agent-values.ts'
import { describeRequest } from '../explain-denial.ts'
import { readHost } from '../host-pattern.ts'
import { readPathGlob } from '../path-glob.ts'
import { printable } from '../problem.ts'
import type { Denial } from './denial.ts'

/** What could be allowed by a rule: a request, a name, or a port of a name. */
export type Wish =
  | { kind: 'request'; action: HttpRequestAction }
  | { kind: 'name'; host: string }
  | { kind: 'port'; host: string; port: number }

/** Where no rule decides, this one does; everything else denied for a reason of its own. */
const DEFAULT_RULE = 'default'

/** Why no rule is proposed for what such a rule denied. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^invariant\./, 'an invariant: no rule opens it'],
  [/^keyholder\./, 'a refusal of the keyholder: no rule opens it'],
  [/^limit\./, 'a limit: raise it under `limits` if the work needs it'],
  [/^budget\./, 'a budget: raise it under `budgets` if the work needs it'],
  [/^provenance\./, 'a URL of unknown origin: add an index rule or a template under `provenance`'],
  [/^detect\./, 'a detector found something in it'],
  [/^packages\./, 'the package firewall'],
  [/^preset\./, 'a rule of a preset denies it'],
]

/** A wish, or why a denial is none. */
export function wishOf({ action, rules }: Denial): Wish | { because: string; what: string } {
  const refuse = (because: string): { because: string; what: string } => ({
    because,
    what: describe(action),
  })
  const rule = rules.find((id) => id !== DEFAULT_RULE)
  if (rule !== undefined) return refuse(`${explainRule(rule)} (${printable(rule)})`)
  if (action.kind === 'http.request') return wishForRequest(action, refuse)
  if (action.kind === 'net.connect') return wishForPort(action, refuse)
  if (action.kind !== 'dns.resolve') return refuse('no rule of an agent file decides this')
  return 'value' in readHost(action.name)
    ? { kind: 'name', host: action.name }
    : refuse('not a name that a rule can have')
}

type Refuse = (because: string) => { because: string; what: string }

function wishForRequest(action: HttpRequestAction, refuse: Refuse): ReturnType<typeof wishOf> {
  if ('problem' in readHost(action.host)) return refuse('not a name that a rule can have')
  if (action.method === 'any' || 'problem' in readMethod(action.method)) {
    return refuse('not a method that a rule can have')
  }
  if (action.upgrade !== undefined) {
    return refuse('a WebSocket: write `websocket: true` into a rule yourself')
  }
  if (action.path.includes('*')) return refuse('its path holds a `*`, which would be a wildcard')
  if ('problem' in readPathGlob(action.path)) return refuse('its path is too long or not canonical')
  return { kind: 'request', action }
}

function wishForPort(
  { transport, host, port }: Extract<Action, { kind: 'net.connect' }>,
  refuse: Refuse,
): ReturnType<typeof wishOf> {
  if (host === null || 'problem' in readHost(host)) {
    return refuse('an address: rules have names only')
  }
  if (transport !== 'tcp' || port === null || port === 0) return refuse('only TCP leaves a session')
  return { kind: 'port', host, port }
}

function explainRule(rule: string): string {
  const known = REASONS.find(([pattern]) => pattern.test(rule))
  return known?.[1] ?? 'a rule of the agent file denies it, or has expired: change that rule'
}

/** One line, printable, in which nothing that varies without end is left in full. */
function describe(action: Action): string {
  if (action.kind === 'http.request') {
    return describeRequest({ ...action, path: shortenPath(action.path) })
  }
  if (action.kind === 'dns.resolve') return `resolve ${printable(action.name, 64)}`
  if (action.kind !== 'net.connect') return action.kind
  const { transport, host, address, port } = action
  return `connect ${transport} ${printable(host ?? address)}:${port ?? '-'}`
}

function shortenPath(path: string): string {
  return path.length > 64 ? `${path.slice(0, 64)}…` : path
}
