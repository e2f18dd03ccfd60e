import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { FENCE_KINDS, writeFence } from './all.ts'
import { CiliumPolicyShape, NetworkPolicyShape } from './testing/api-shapes.ts'
import { itemsOf, type ShapedBlock, shapeOf } from './testing/hcl-shape.ts'
import { inputOf, sample, sourceOf } from './testing/sample.ts'

const EXTENSIONS = { 'k8s-networkpolicy': 'yaml', cilium: 'yaml', 'gcp-ngfw-terraform': 'tf' }
const NOTHING = sourceOf('version: 1\nname: default\npresets: none\n', 'default')

test.for(FENCE_KINDS)('%s for the sample is the text that was reviewed', async (kind) => {
  const text = writeFence(kind, sample)
  await expect(text).toMatchFileSnapshot(`golden/${kind}.${EXTENSIONS[kind]}`)
  expect(writeFence(kind, sample)).toBe(text)
})

test('a NetworkPolicy has fields of its API and no others', () => {
  const policy = NetworkPolicyShape.parse(parse(writeFence('k8s-networkpolicy', sample)))
  expect(policy.spec.egress.at(-1)?.ports.map(({ port }) => port)).toEqual([80, 443])
})

test('a NetworkPolicy for agents without network denies all egress, DNS too', () => {
  const text = writeFence('k8s-networkpolicy', inputOf(NOTHING))
  expect(NetworkPolicyShape.parse(parse(text)).spec.egress).toEqual([])
  expect(text).toContain('These agents have no network')
})

test('a CiliumNetworkPolicy has fields of its API and no others', () => {
  const { spec } = CiliumPolicyShape.parse(parse(writeFence('cilium', sample)))
  const denied = spec.egressDeny.flatMap(({ toCIDRSet }) => toCIDRSet)
  expect(denied).toContainEqual({ cidr: '10.0.0.0/8', except: ['10.1.2.3/32', '10.9.0.0/16'] })
  expect(denied).toContainEqual({ cidr: '169.254.0.0/16' })
  expect(denied).toContainEqual({ cidr: 'fc00::/7' })
})

test('a CiliumNetworkPolicy for agents without network has the one rule that selects nothing', () => {
  const text = writeFence('cilium', inputOf(NOTHING))
  expect(CiliumPolicyShape.parse(parse(text)).spec.egress).toEqual([{}])
})

const rulesIn = (text: string): ShapedBlock[] =>
  shapeOf(text).filter(({ head }) => head.includes('firewall_policy_rule"'))

test('Terraform is blocks and attributes, each resource once, each rule logged with a priority of its own', () => {
  const blocks = shapeOf(writeFence('gcp-ngfw-terraform', sample))
  const heads = blocks.map(({ head }) => head)
  expect(new Set(heads).size).toBe(heads.length)
  const rules = blocks.filter(({ head }) => head.includes('firewall_policy_rule"'))
  const priorities = rules.map(({ attributes }) => Number(attributes['priority']))
  expect(new Set(priorities).size).toBe(rules.length)
  expect(rules.map(({ attributes }) => attributes['enable_logging'])).toEqual(
    rules.map(() => 'true'),
  )
})

test('the last rules deny what is left of IPv4 and of IPv6', () => {
  const rules = rulesIn(writeFence('gcp-ngfw-terraform', sample))
    .toSorted((a, b) => Number(a.attributes['priority']) - Number(b.attributes['priority']))
    .slice(-2)
  expect(rules.map(({ attributes }) => attributes['action'])).toEqual(['"deny"', '"deny"'])
  expect(rules.flatMap(({ blocks }) => blocks.map(({ attributes }) => attributes))).toEqual([
    { dest_ip_ranges: '["0.0.0.0/0"]' },
    { dest_ip_ranges: '["::/0"]' },
  ])
})

test('two hundred and fifty names are three rules of at most a hundred', () => {
  const names = Array.from(
    { length: 250 },
    (_, i) => `  - { id: r${i}, effect: allow, host: h${i}.example }`,
  )
  const source = sourceOf(`version: 1\nname: docs-bot\nrules:\n${names.join('\n')}\n`)
  const counts = rulesIn(writeFence('gcp-ngfw-terraform', inputOf(source)))
    .flatMap(({ blocks }) => blocks)
    .map(({ attributes }) => itemsOf(attributes['dest_fqdns']).length)
    .filter((count) => count > 0)
  expect(counts).toEqual([100, 100, 50])
})

test('for several agents the fence is around what any of them may reach', () => {
  const other = sourceOf(
    'version: 1\nname: other\nrules:\n  - { id: z, effect: allow, host: z.example }\n',
    'other',
  )
  const text = writeFence('cilium', inputOf(...sample.sources, other))
  expect(text).toContain('# Agents: docs-bot, other.')
  expect(text).toContain('name: sekisho-egress-all')
  expect(text).toContain('matchName: z.example')
})
