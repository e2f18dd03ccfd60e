import type { Action, HttpRequestAction } from '../../core/action.ts'
import type { PolicyRule, SessionPolicy } from '../../wire/policy.ts'
import type { Phase } from '../../wire/schemas.ts'
import type { AgentFile, AgentRule } from '../agent-schema.ts'
import { compilePolicy } from '../compile.ts'
import { overlaps } from '../host-pattern.ts'
import { printable } from '../problem.ts'
import type { RegistryOrigin } from '../registry-config.ts'
import { sessionPolicy } from '../session-policy.ts'
import type { Attempts, Refused } from './attempts.ts'
import type { Tally } from './tally.ts'

/** The agent as it is now: rules are proposed to add to it. */
export type Ground = {
  agent: AgentFile
  /** the agent's own session, or the setup before it: each has rules of its own */
  phase: Phase
  registries: readonly RegistryOrigin[]
  /** Unix ms */
  nowMs: number
}

type Network = Pick<AgentFile, 'name' | 'presets' | 'rules'>

/** The rules that the session ran under, or would now. */
export function networkOf({ agent, phase }: Ground): Network {
  if (phase === 'agent') return agent
  return agent.setup === null
    ? { name: agent.name, presets: [], rules: [] }
    : { name: agent.name, ...agent.setup }
}

/** Something that was denied and that one rule more would allow. */
export type Candidate = {
  scheme: 'http' | 'https'
  host: string
  port: number
  /** null where the session never came as far as a request */
  request: Pick<HttpRequestAction, 'method' | 'path'> | null
  basis: 'request' | 'port' | 'name'
  tally: Tally
}

type Refusal = { value: Refused; tally: Tally }
export type Sorted = { candidates: readonly Candidate[]; refused: readonly Refusal[] }

/** So many made-up names below one parent are data in names, not hosts. */
const MAX_NAMES_BELOW_ONE = 8

/** What of all that was denied is left to be allowed, and why the rest is not. */
export function sortOut(attempts: Attempts, ground: Ground): Sorted {
  const policy = sessionPolicy(networkOf(ground), ground.registries)
  const all = [...fromRequests(attempts), ...fromPorts(attempts), ...fromNames(attempts)]
  const refused: Refusal[] = []
  const keep = (
    list: readonly Candidate[],
    why: (c: Candidate) => string | undefined,
  ): Candidate[] =>
    list.filter((candidate) => {
      const because = why(candidate)
      if (because === undefined) return true
      refused.push({ value: { because, what: describe(candidate) }, tally: candidate.tally })
      return false
    })
  const open = keep(all, alreadyAllowed(policy, ground.nowMs))
  const specific = open.filter((candidate) => !isImplied(candidate, open))
  const named = keep(specific, inventedName(specific))
  const fitting = keep(named, otherScheme(policy.rules, named))
  const candidates = keep(fitting, deniedByRule(fitting, ground))
  return { candidates, refused }
}

function fromRequests({ requests }: Attempts): Candidate[] {
  return requests.map(({ value, tally }) => {
    const { scheme, host, port, method, path } = value
    return { scheme, host, port, request: { method, path }, basis: 'request', tally }
  })
}

/** What would have been spoken there nobody knows: the usual, and it says so. */
function fromPorts({ ports }: Attempts): Candidate[] {
  return ports.map(({ value: { host, port }, tally }) => {
    const scheme = port === 80 ? 'http' : 'https'
    return { scheme, host, port, request: null, basis: 'port', tally }
  })
}

function fromNames({ names }: Attempts): Candidate[] {
  return names.map(({ value: host, tally }) => {
    return { scheme: 'https', host, port: 443, request: null, basis: 'name', tally }
  })
}

function actionOf({ scheme, host, port, request, basis }: Candidate): Action {
  if (request !== null) return { kind: 'http.request', scheme, host, port, ...request, query: null }
  if (basis === 'name') return { kind: 'dns.resolve', name: host, type: 'A' }
  return { kind: 'net.connect', transport: 'tcp', address: '', host, port }
}

type Why = (candidate: Candidate) => string | undefined

function alreadyAllowed(policy: SessionPolicy, nowMs: number): Why {
  const now = compilePolicy(policy, () => nowMs)
  return (candidate) => {
    const verdict = now.decide(actionOf(candidate))
    return verdict.kind === 'allow'
      ? `the bundle allows it by now (${verdict.rules.slice(0, 3).join(', ')})`
      : undefined
  }
}

/** A name was asked for, and a port dialled, for the sake of the request that came after. */
function isImplied({ basis, host, port }: Candidate, all: readonly Candidate[]): boolean {
  if (basis === 'request') return false
  return all.some(
    (other) =>
      other.host === host &&
      (basis === 'name'
        ? other.basis !== 'name'
        : other.basis === 'request' && other.port === port),
  )
}

/** Only names that were asked for and nothing more: nobody needs to answer for data to leave so. */
function inventedName(candidates: readonly Candidate[]): Why {
  const children = new Map<string, number>()
  for (const { basis, host } of candidates) {
    if (basis === 'name') children.set(parentOf(host), (children.get(parentOf(host)) ?? 0) + 1)
  }
  return ({ basis, host }) => {
    const count = children.get(parentOf(host)) ?? 0
    return basis === 'name' && count > MAX_NAMES_BELOW_ONE
      ? `one of ${count} names below ${printable(parentOf(host))}, which looks like data sent in names`
      : undefined
  }
}

function parentOf(host: string): string {
  return host.slice(host.indexOf('.') + 1)
}

/** What is spoken at a port must be one of http and https; the encrypted one is preferred. */
function otherScheme(rules: readonly PolicyRule[], candidates: readonly Candidate[]): Why {
  const opened = rules.filter(({ effect }) => effect === 'allow')
  const encrypted = new Set(
    candidates
      .filter(({ scheme }) => scheme === 'https')
      .map(({ host, port }) => `${host}:${port}`),
  )
  return ({ scheme, host, port }) => {
    const other = opened.find(
      (rule) => rule.port === port && rule.scheme !== scheme && overlaps(rule.host, host),
    )
    if (other !== undefined) return `rule ${other.id} speaks ${other.scheme} at this port`
    return scheme === 'http' && encrypted.has(`${host}:${port}`)
      ? 'https is asked for at the same port'
      : undefined
  }
}

/** A deny rule wins over whatever is added; what it denies is not proposed. */
function deniedByRule(candidates: readonly Candidate[], ground: Ground): Why {
  const network = networkOf(ground)
  const places = new Map(candidates.map((c) => [`${c.scheme} ${c.host} ${c.port}`, c]))
  const opening = [...places.values()].map(openAll)
  const policy = sessionPolicy(
    { ...network, rules: [...network.rules, ...opening] },
    ground.registries,
  )
  const opened = compilePolicy(policy, () => ground.nowMs)
  return (candidate) => {
    const verdict = opened.decide(actionOf(candidate))
    if (verdict.kind === 'allow') return undefined
    return `it stays denied by ${verdict.rules.slice(0, 3).join(', ')} whatever is added`
  }
}

function openAll({ scheme, host, port }: Candidate, index: number): AgentRule {
  return {
    id: `proposed-${index}`,
    effect: 'allow',
    host,
    scheme,
    ports: [port],
    methods: [],
    paths: [],
    owner: '',
    reason: '',
    expiresAtMs: null,
  }
}

function describe({ scheme, host, port, request, basis }: Candidate): string {
  if (basis === 'name') return `resolve ${host}`
  if (request === null) return `connect to ${host}:${port}`
  return `${request.method} ${scheme}://${host}:${port}${printable(request.path, 64)}`
}
