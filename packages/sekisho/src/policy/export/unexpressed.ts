import type { PolicyRule } from '../../wire/policy.ts'
import { overlaps } from '../host-pattern.ts'
import { groupBy } from '../text-groups.ts'
import { shorten } from './comment.ts'
import { closesAll, type Fence, type FenceSource, isOver, isWildcard, nameOf } from './fence.ts'

/** What a kind of fence can tell apart. */
export type Abilities = {
  /** whether it knows names, and which */
  names: 'none' | 'exact' | 'wildcards'
  /** labels below a wildcard's name that it matches */
  wildcardDepth?: number
  /** whether it reads methods and paths of plain http */
  http: boolean
}

/** More rules than this are a number: nobody reads them in a comment. */
const MAX_RULES_LISTED = 40

/**
 * One line for each thing that the policy says and the fence cannot, from the rules at hand. What
 * is not listed, the fence says too.
 */
export function unexpressed(fence: Fence, can: Abilities): string[] {
  const rules = fence.sources
    .flatMap(({ rules: own, setup }) => [...own, ...(setup ?? [])])
    .filter((rule) => rule.effect === 'deny' || !isOver(rule, fence.nowMs))
  return [
    ...sayNames(fence, can),
    ...sayWildcards(fence, can),
    ...bounded(groupBy(rules, ({ id }) => id).flatMap((same) => sayRule(same, rules, can))),
    ...sayExpiry(rules),
    ...fence.sources.flatMap(sayPhases),
    ...fence.sources.flatMap(sayProxy),
    ...fence.sources.flatMap(sayCredentials),
    ...sayContent(fence),
  ]
}

function sayNames({ endpoints }: Fence, { names }: Abilities): string[] {
  if (endpoints.length === 0) return []
  const hosts = shorten(endpoints.map(({ host }) => host))
  if (names === 'none') {
    return [
      `- names: ${hosts} are one destination to it, and so is every other public address at these ports`,
    ]
  }
  return [
    `- names: a name is open as the addresses that it resolves to; whatever else is served from an address of ${hosts} (a shared front end, a CDN) is open with it`,
  ]
}

function sayWildcards({ endpoints }: Fence, { names, wildcardDepth }: Abilities): string[] {
  const wild = endpoints.filter(({ host }) => isWildcard(host)).map(({ host }) => host)
  if (wild.length === 0 || names === 'none') return []
  if (names === 'exact') {
    return [
      `- wildcards: ${shorten(wild, 20)} cannot be said and is LEFT OUT: the gate allows these names and the fence stops them; name the hosts in the agent file`,
    ]
  }
  return [
    `- wildcard depth: ${shorten(wild, 20)} is open to ${wildcardDepth ?? 1} labels below; names deeper than that the gate allows and the fence stops`,
  ]
}

/** @param rules of one id */
function sayRule(
  rules: readonly PolicyRule[],
  all: readonly PolicyRule[],
  can: Abilities,
): string[] {
  const [rule] = rules
  if (rule === undefined) return []
  const where = shorten(rules.map(({ host, port }) => `${host}:${port}`))
  if (rule.effect === 'deny' && closesAll(rule)) {
    return isObeyed(rule, all, can) ? [] : [`- deny rule ${rule.id}: nothing at ${where}`]
  }
  if (rule.effect === 'deny') return [sayDeny(rule, where)]
  if (rule.methods.length === 0 && rule.paths.length === 0) return []
  if (can.http && rules.every(({ scheme }) => scheme === 'http')) return []
  const limits = [sayMethods(rule), sayPaths(rule)].filter((text) => text !== '').join(' ')
  return [`- rule ${rule.id} at ${where}: only ${limits}`]
}

/** A closed name is left out of the fence, unless the fence has a wider opening for it. */
function isObeyed(rule: PolicyRule, all: readonly PolicyRule[], can: Abilities): boolean {
  if (can.names !== 'wildcards') return can.names === 'exact'
  return !all.some(
    ({ effect, host }) => effect === 'allow' && isWildcard(host) && overlaps(host, rule.host),
  )
}

function sayDeny(rule: PolicyRule, where: string): string {
  const what = [sayMethods(rule) || 'any method', sayPaths(rule)].join(' ').trim()
  return `- deny rule ${rule.id} at ${where}: not ${what}`
}

function sayMethods({ methods }: PolicyRule): string {
  return methods.join(', ')
}

function sayPaths({ paths }: PolicyRule): string {
  return paths.length === 0 ? '' : `on ${shorten(paths)}`
}

function bounded(lines: readonly string[]): string[] {
  const more = lines.length - MAX_RULES_LISTED
  return more > 0
    ? [...lines.slice(0, MAX_RULES_LISTED), `- and ${more} more rules with methods or paths`]
    : [...lines]
}

function sayExpiry(rules: readonly PolicyRule[]): string[] {
  const days = rules.flatMap(({ id, effect, expiresAtMs }) =>
    effect === 'allow' && expiresAtMs !== undefined ? [`${id} at ${utcMinute(expiresAtMs)}`] : [],
  )
  if (days.length === 0) return []
  return [`- expiry: ${shorten(days, 20)} (UTC); export again by then`]
}

function utcMinute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

function sayPhases({ agent, rules, setup }: FenceSource): string[] {
  const open = new Set(rules.filter(isAllow).map(({ host }) => host))
  const only = (setup ?? []).filter((rule) => isAllow(rule) && !open.has(rule.host))
  if (only.length === 0) return []
  const hosts = shorten(only.map(({ host }) => host))
  return [`- phases: ${hosts} are for the setup of ${agent.name} alone, and stay open after it`]
}

function isAllow({ effect }: PolicyRule): boolean {
  return effect === 'allow'
}

function sayProxy({ agent, rules }: FenceSource): string[] {
  if (agent.proxy === null || rules.length === 0) return []
  const { host, port } = agent.proxy
  return [
    `- behind the proxy: ${agent.name} goes out through ${host}:${port}, and which names it asks that for`,
  ]
}

function sayCredentials({ agent }: FenceSource): string[] {
  return agent.secrets.map(
    ({ name, hosts, header }) =>
      `- credential ${name} of ${agent.name}: only ${header === null ? 'as a signature' : `in ${header}`} to ${shorten(hosts)}; the fence neither holds nor binds it`,
  )
}

function sayContent({ endpoints }: Fence): string[] {
  if (endpoints.length === 0) return []
  const encrypted = endpoints
    .filter(({ scheme }) => scheme === 'https' || scheme === 'tls')
    .map(({ host }) => host)
  const tls =
    encrypted.length === 0
      ? []
      : [
          `- TLS: that SNI, Host and the dialled name are one; to it the traffic of ${shorten(encrypted.map(nameOf))} is bytes`,
        ]
  return [
    ...tls,
    '- content: detectors, URL provenance, budgets, approvals, the record of every action: only the gate has them',
  ]
}
