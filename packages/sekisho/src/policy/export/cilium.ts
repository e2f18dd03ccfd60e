import { stringify } from 'yaml'
import { groupBy } from '../text-groups.ts'
import { CLOSED, isWithin } from './closed-ranges.ts'
import { comment } from './comment.ts'
import { chunk, type Endpoint, type Fence, isWildcard, nameOf, type Requests } from './fence.ts'
import { escapeRegex, globRegex } from './glob-regex.ts'
import { intro, SELECTED } from './intro.ts'
import { unexpressed } from './unexpressed.ts'

/** `*` of a matchPattern stays within one label, so a wildcard of ours is several patterns. */
const WILDCARD_DEPTH = 3
/** of the CRD: PortRule.ports */
const MAX_PORTS_IN_RULE = 40

const CLUSTER_DNS = {
  matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'kube-system', 'k8s:k8s-app': 'kube-dns' },
}

type Selector = { matchName: string } | { matchPattern: string }

/**
 * A CiliumNetworkPolicy (cilium.io/v2) for the pods that gates run in: names through Cilium's DNS
 * proxy, methods and paths where the scheme is http, private and metadata ranges denied.
 */
export function writeCiliumPolicy(fence: Fence): string {
  const policy = {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: `sekisho-egress-${fence.name}` },
    spec: {
      endpointSelector: { matchLabels: SELECTED },
      egress: egressOf(fence),
      egressDeny: [{ toCIDRSet: closedSets(fence) }],
    },
  }
  const notes = [
    ...intro(fence, 'a CiliumNetworkPolicy'),
    ...unexpressed(fence, { names: 'wildcards', wildcardDepth: WILDCARD_DEPTH, http: true }),
    'DNS questions and plain http requests are seen by the proxy and logged (Hubble); for TLS only the flow is.',
  ]
  return comment(notes) + stringify(policy, { lineWidth: 0 })
}

/** One empty rule selects nothing and switches default deny on. */
function egressOf({ endpoints, dials, resolved }: Fence): unknown[] {
  const direct = dials.map(({ cidr, ports }) => ({
    toCIDR: [cidr],
    toPorts: [{ ports: tcp(ports) }],
  }))
  if (endpoints.length === 0) return direct.length === 0 ? [{}] : direct
  return [dnsRule(resolved), ...direct, ...openRules(endpoints), ...httpRules(endpoints)]
}

function dnsRule(names: readonly string[]): unknown {
  return {
    toEndpoints: [CLUSTER_DNS],
    toPorts: [
      { ports: [{ port: '53', protocol: 'ANY' }], rules: { dns: names.flatMap(selectors) } },
    ],
  }
}

/** Names with the same ports stand in one rule. */
function openRules(endpoints: readonly Endpoint[]): unknown[] {
  const open = endpoints.filter((endpoint) => !isRead(endpoint))
  const hosts = groupBy(open, ({ host }) => host).map((places) => ({
    host: places[0]?.host ?? '',
    ports: places.map(({ port }) => port),
  }))
  return groupBy(hosts, ({ ports }) => ports.join()).map((group) => ({
    toFQDNs: group.flatMap(({ host }) => selectors(host)),
    toPorts: chunk(tcp(group[0]?.ports ?? []), MAX_PORTS_IN_RULE).map((ports) => ({ ports })),
  }))
}

/** Only what is spoken in clear text and limited can be, and need be, read on the way. */
function isRead({ scheme, requests }: Endpoint): boolean {
  return scheme === 'http' && requests.length > 0
}

function httpRules(endpoints: readonly Endpoint[]): unknown[] {
  return endpoints.filter(isRead).map((endpoint) => ({
    toFQDNs: selectors(endpoint.host),
    toPorts: [{ ports: tcp([endpoint.port]), rules: { http: requestRules(endpoint) } }],
  }))
}

function requestRules(endpoint: Endpoint): unknown[] {
  const host = hostRegex(endpoint)
  return endpoint.requests.flatMap(({ methods, paths }: Requests) => {
    const method = methods.length === 0 ? {} : { method: methods.join('|') }
    if (paths.length === 0) return [{ ...method, host }]
    return paths.map((path) => ({ ...method, path: globRegex(path), host }))
  })
}

function hostRegex({ host, port }: Endpoint): string {
  const name = escapeRegex(nameOf(host))
  const below = isWildcard(host) ? '([a-z0-9-]+\\.)+' : ''
  return `${below}${name}${port === 80 ? '(:80)?' : `:${port}`}`
}

function selectors(host: string): Selector[] {
  if (!isWildcard(host)) return [{ matchName: host }]
  return Array.from({ length: WILDCARD_DEPTH }, (_, depth) => ({
    matchPattern: `${'*.'.repeat(depth + 1)}${nameOf(host)}`,
  }))
}

/** Deny wins over allow, so what the operator named by address is taken out of it. */
function closedSets({ dials }: Fence): unknown[] {
  const named = [...new Set(dials.map(({ cidr }) => cidr))]
  return [...CLOSED.ipv4, ...CLOSED.allIpv6]
    .filter((cidr) => !named.some((outer) => isWithin(cidr, outer)))
    .map((cidr) => {
      const except = named.filter((inner) => isWithin(inner, cidr))
      return except.length === 0 ? { cidr } : { cidr, except }
    })
}

function tcp(ports: readonly number[]): { port: string; protocol: string }[] {
  return ports.map((port) => ({ port: String(port), protocol: 'TCP' }))
}
