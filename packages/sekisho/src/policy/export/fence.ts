import { matchesHost } from '../../core/host.ts'
import type { PolicyRule } from '../../wire/policy.ts'
import type { AgentFile } from '../agent-schema.ts'
import { compareText, groupBy } from '../text-groups.ts'
import { hostCidr } from './closed-ranges.ts'

/** One agent, and its rules with presets expanded. */
export type FenceSource = {
  agent: Pick<AgentFile, 'name' | 'upstreams' | 'secrets' | 'privateRanges' | 'proxy'>
  rules: readonly PolicyRule[]
  /** of the phase that comes before, which goes through the same fence; null where there is none */
  setup: readonly PolicyRule[] | null
}

export type FenceInput = {
  /** `sha256:` and hex of the bundle that the fence was made from */
  digest: string
  sources: readonly FenceSource[]
  /** Unix ms: what has expired by then is left out */
  nowMs: number
}

/** Methods and paths as a rule has them; empty means any. */
export type Requests = Pick<PolicyRule, 'methods' | 'paths'>

/** A name that is dialled at one port, by the addresses that it resolves to. */
export type Endpoint = Pick<PolicyRule, 'scheme' | 'host' | 'port'> & {
  /** one entry a rule; empty when some rule opens all of it */
  requests: readonly Requests[]
}

/** Addresses that the operator named for a host: dialled as they stand, private or not. */
export type Dial = { host: string; cidr: string; ports: readonly number[] }

/** The places that an allow-list comes to, and nothing of how they may be used. */
export type Fence = FenceInput & {
  /** of the one agent, or `all` */
  name: string
  endpoints: readonly Endpoint[]
  dials: readonly Dial[]
  /** names that gates ask a resolver for: also those which a forward proxy then dials */
  resolved: readonly string[]
}

/** What is opened to at least one of the agents and not wholly closed again by its deny rules. */
export function fenceOf(input: FenceInput): Fence {
  const parts = input.sources.flatMap(({ agent, rules, setup }) =>
    [rules, setup ?? []].map((phase) => openedBy(agent, phase, input.nowMs)),
  )
  const [only, ...others] = input.sources
  return {
    ...input,
    name: only !== undefined && others.length === 0 ? only.agent.name : 'all',
    endpoints: merge(parts.flatMap(({ endpoints }) => endpoints)),
    dials: groupBy(
      parts.flatMap(({ dials }) => dials),
      ({ host, cidr, ports }) => `${host} ${cidr} ${ports.join()}`,
    ).flatMap(([first]) => first ?? []),
    resolved: [...new Set(parts.flatMap(({ resolved }) => resolved))].toSorted(compareText),
  }
}

type Opened = Pick<Fence, 'endpoints' | 'dials' | 'resolved'>

function openedBy(
  agent: FenceSource['agent'],
  rules: readonly PolicyRule[],
  nowMs: number,
): Opened {
  const allowed = rules
    .filter((rule) => rule.effect === 'allow' && !isClosed(rule, rules) && !isOver(rule, nowMs))
    .map(({ scheme, host, port, methods, paths }) => {
      const isWhole = methods.length === 0 && paths.length === 0
      return { scheme, host, port, requests: isWhole ? [] : [{ methods, paths }] }
    })
  const named = ({ host, port }: Endpoint): boolean =>
    agent.upstreams.some((upstream) => upstream.host === host && upstream.port === port)
  const dialled = allowed.filter((endpoint) => !named(endpoint))
  const { proxy } = agent
  const isDirect = ({ host }: Endpoint): boolean =>
    proxy === null || proxy.except.some((pattern) => matchesHost(pattern, host) || pattern === host)
  const direct = dialled.filter(isDirect)
  const isProxied = direct.length < dialled.length
  const forward: Endpoint[] =
    proxy !== null && isProxied
      ? [{ scheme: 'tcp', host: proxy.host, port: proxy.port, requests: [] }]
      : []
  const resolvedHere = proxy?.resolve === 'proxy' ? direct : dialled
  return {
    endpoints: [...direct, ...forward],
    dials: [...upstreamDials(agent), ...rangeDials(agent, [...dialled, ...forward])],
    resolved: [...resolvedHere, ...forward].map(({ host }) => host),
  }
}

function upstreamDials({ upstreams }: FenceSource['agent']): Dial[] {
  return upstreams.map(({ host, address, dialPort }) => ({
    host,
    cidr: hostCidr(address),
    ports: [dialPort],
  }))
}

function rangeDials({ privateRanges }: FenceSource['agent'], open: readonly Endpoint[]): Dial[] {
  return privateRanges.flatMap(({ host, range }) => {
    const ports = portsOf(open.filter((endpoint) => matchesHost(endpoint.host, host)))
    return ports.length === 0 ? [] : [{ host, cidr: range, ports }]
  })
}

export function isOver({ expiresAtMs }: PolicyRule, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs
}

/** A deny rule without methods and paths closes a place for good; a narrower one does not. */
function isClosed(rule: PolicyRule, rules: readonly PolicyRule[]): boolean {
  return rules.some((other) => closesAll(other) && isSamePlace(other, rule) && covers(other, rule))
}

export function closesAll({ effect, methods, paths }: PolicyRule): boolean {
  return effect === 'deny' && methods.length === 0 && paths.length === 0
}

function isSamePlace(a: PolicyRule, b: PolicyRule): boolean {
  return a.scheme === b.scheme && a.port === b.port
}

/** Whether every name that `inner` matches is matched by `outer` too. */
function covers(outer: PolicyRule, inner: PolicyRule): boolean {
  if (outer.host === inner.host) return true
  return outer.host.startsWith('*.') && nameOf(inner.host).endsWith(outer.host.slice(1))
}

export function isWildcard(host: string): boolean {
  return host.startsWith('*.')
}

/** `a.b` of both `a.b` and `*.a.b` */
export function nameOf(host: string): string {
  return isWildcard(host) ? host.slice(2) : host
}

/** One for each name, scheme and port: open as far as any of them is. */
function merge(endpoints: readonly Endpoint[]): Endpoint[] {
  return groupBy(endpoints, ({ host, scheme, port }) => `${host} ${scheme} ${port}`)
    .flatMap(([first, ...more]) => {
      if (first === undefined) return []
      const all = [first, ...more].map(({ requests }) => requests)
      const isWhole = all.some((requests) => requests.length === 0)
      return [{ ...first, requests: isWhole ? [] : all.flat() }]
    })
    .toSorted(byPlace)
}

/** Each once, ascending. */
export function portsOf(places: readonly { port: number }[]): number[] {
  return [...new Set(places.map(({ port }) => port))].toSorted((a, b) => a - b)
}

function byPlace(a: Endpoint, b: Endpoint): number {
  return compareText(a.host, b.host) || a.port - b.port || compareText(a.scheme, b.scheme)
}

/** Runs of at most `size`, for products that limit a list. */
export function chunk<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size)
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size))
}
