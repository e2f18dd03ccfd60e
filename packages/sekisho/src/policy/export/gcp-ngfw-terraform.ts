import { groupBy } from '../text-groups.ts'
import { CLOSED } from './closed-ranges.ts'
import { comment } from './comment.ts'
import { chunk, type Endpoint, type Fence, isWildcard } from './fence.ts'
import { type Block, Reference, type Value, writeBlock } from './hcl.ts'
import { intro } from './intro.ts'
import { unexpressed } from './unexpressed.ts'

/** of the API: match.destFqdns of one rule */
const MAX_FQDNS_IN_RULE = 100
/** of the API: match.destIpRanges of one rule, in its first version */
const MAX_RANGES_IN_RULE = 256

/** Lower is earlier; each rule of a policy has one of its own. */
const PRIORITY = { dials: 1000, dns: 50_000, closed: 60_000, names: 100_000 }
/** The last that a rule of ours may have; Google's own stand behind it. */
const LAST_PRIORITY = 2_147_483_547

/** Resolver and metadata server of a VPC are one address; only DNS is opened there. */
const RESOLVER = '169.254.169.254/32'

type Match = { ranges?: readonly string[]; names?: readonly string[]; ports: readonly Layer4[] }
type Layer4 = { protocol: string; ports?: readonly number[] }
type Rule = { name: string; action: 'allow' | 'deny'; priority: number; match: Match; why: string }

/**
 * Terraform (provider hashicorp/google) for a global network firewall policy: names as FQDN
 * objects, everything else denied for IPv4 and IPv6, every rule logged, DNS logged.
 */
export function writeGcpFirewall(fence: Fence): string {
  const notes = [
    ...intro(fence, 'Terraform for a Cloud NGFW policy'),
    ...unexpressed(fence, { names: 'exact', http: false }),
    '- many addresses: of a name with more than 32 addresses of a family, the first 32 are open',
    '- the metadata server: Google Cloud lets every VM reach 169.254.169.254 whatever a firewall says; run gates as a service account that may do nothing',
    'FQDN objects want Cloud NGFW Standard and the resolver of the VPC. A VPC evaluates its classic firewall rules first unless its network_firewall_policy_enforcement_order says BEFORE_CLASSIC_FIREWALL.',
  ]
  const blocks = [...surroundings(fence), ...rulesOf(fence).map(ruleBlock)]
  return [comment(notes), ...blocks.map((block) => writeBlock(block))].join('\n')
}

function rulesOf({ endpoints, dials }: Fence): readonly Rule[] {
  const names = endpoints.filter(({ host }) => !isWildcard(host))
  const needsDns = endpoints.length > 0
  return [
    ...dials.map(
      ({ host, cidr, ports }, index): Rule => ({
        name: `allow-address-${index + 1}`,
        action: 'allow',
        priority: PRIORITY.dials + index,
        match: { ranges: [cidr], ports: [{ protocol: 'tcp', ports }] },
        why: `${host} is dialled there`,
      }),
    ),
    ...(needsDns ? [dnsRule()] : []),
    ...closedRules(),
    ...nameRules(names),
    denyRest('ipv4', '0.0.0.0/0', LAST_PRIORITY - 1),
    denyRest('ipv6', '::/0', LAST_PRIORITY),
  ]
}

function dnsRule(): Rule {
  const ports = ['udp', 'tcp'].map((protocol) => ({ protocol, ports: [53] }))
  return {
    name: 'allow-dns',
    action: 'allow',
    priority: PRIORITY.dns,
    match: { ranges: [RESOLVER], ports },
    why: 'the resolver of the VPC and no other',
  }
}

/** A name that leads to a private address is no way in. */
function closedRules(): readonly Rule[] {
  const families = [
    ...chunk(CLOSED.ipv4, MAX_RANGES_IN_RULE).map((ranges) => ({ family: 'ipv4', ranges })),
    ...chunk(CLOSED.allIpv6, MAX_RANGES_IN_RULE).map((ranges) => ({ family: 'ipv6', ranges })),
  ]
  return families.map(({ family, ranges }, index) => ({
    name: `deny-special-${family}`,
    action: 'deny',
    priority: PRIORITY.closed + index,
    match: { ranges, ports: [{ protocol: 'all' }] },
    why: 'private, link-local, metadata and other special ranges',
  }))
}

function nameRules(endpoints: readonly Endpoint[]): readonly Rule[] {
  const hosts = groupBy(endpoints, ({ host }) => host).map((places) => ({
    host: places[0]?.host ?? '',
    ports: [...new Set(places.map(({ port }) => port))],
  }))
  const groups = groupBy(hosts, ({ ports }) => ports.join())
  const rules = groups.flatMap((group) =>
    chunk(group, MAX_FQDNS_IN_RULE).map((part) => ({ part, ports: group[0]?.ports ?? [] })),
  )
  return rules.map(({ part, ports }, index) => ({
    name: `allow-names-${index + 1}`,
    action: 'allow',
    priority: PRIORITY.names + index,
    match: { names: part.map(({ host }) => host), ports: [{ protocol: 'tcp', ports }] },
    why: `names at port ${ports.join(', ')}`,
  }))
}

function denyRest(family: string, range: string, priority: number): Rule {
  return {
    name: `deny-rest-${family}`,
    action: 'deny',
    priority,
    match: { ranges: [range], ports: [{ protocol: 'all' }] },
    why: `everything else over ${family}`,
  }
}

const POLICY = 'google_compute_network_firewall_policy'

function ruleBlock({ name, action, priority, match, why }: Rule): Block {
  return {
    type: 'resource',
    labels: [`${POLICY}_rule`, name.replaceAll('-', '_')],
    attributes: {
      project: new Reference('var.project'),
      firewall_policy: new Reference(`${POLICY}.sekisho.name`),
      rule_name: name,
      description: why,
      priority,
      direction: 'EGRESS',
      action,
      enable_logging: true,
      target_service_accounts: new Reference('var.gate_service_accounts'),
    },
    blocks: [
      {
        type: 'match',
        attributes: destinationOf(match),
        blocks: match.ports.map(({ protocol, ports }) => ({
          type: 'layer4_configs',
          attributes: {
            ip_protocol: protocol,
            ...(ports === undefined ? {} : { ports: ports.map(String) }),
          },
        })),
      },
    ],
  }
}

function destinationOf({ ranges, names }: Match): Record<string, Value> {
  return names === undefined ? { dest_ip_ranges: ranges ?? [] } : { dest_fqdns: names }
}

function surroundings({ name, digest }: Fence): readonly Block[] {
  const project = new Reference('var.project')
  return [
    variable('project', 'string', 'project that the policy belongs to'),
    variable('network', 'string', 'self link of the VPC that the gates run in'),
    variable(
      'gate_service_accounts',
      'list(string)',
      'e-mail addresses, at most ten; only their VMs are fenced',
    ),
    {
      type: 'resource',
      labels: [POLICY, 'sekisho'],
      attributes: { project, name: policyName(name), description: `bundle ${digest}` },
    },
    {
      type: 'resource',
      labels: [`${POLICY}_association`, 'sekisho'],
      attributes: {
        project,
        name: 'sekisho-egress',
        attachment_target: new Reference('var.network'),
        firewall_policy: new Reference(`${POLICY}.sekisho.name`),
      },
    },
    {
      type: 'resource',
      labels: ['google_dns_policy', 'sekisho'],
      attributes: { project, name: 'sekisho-dns-log', enable_logging: true },
      blocks: [{ type: 'networks', attributes: { network_url: new Reference('var.network') } }],
    },
  ]
}

function variable(name: string, type: string, description: string): Block {
  return {
    type: 'variable',
    labels: [name],
    attributes: { type: new Reference(type), description },
  }
}

/** RFC 1035: at most 63 characters, the last one no hyphen. */
function policyName(name: string): string {
  return `sekisho-egress-${name}`.slice(0, 63).replace(/-+$/, '')
}
