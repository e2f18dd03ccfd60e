import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CedarPolicies } from '../wire/cedar.ts'
import type { PolicyRule } from '../wire/policy.ts'
import type { ComparedBundle, Comparison } from '../wire/solver.ts'
import { compareBundles } from './compare.ts'
import { bundleOf, DEFAULTS, parsePolicies, rule } from './testing/default-policy.ts'
import { Z3 } from './z3.ts'

let z3: Z3
beforeAll(async () => {
  z3 = await Z3.open()
})
afterAll(() => z3.close())

function compare(before: ComparedBundle, after: ComparedBundle): Promise<Comparison> {
  return compareBundles(before, after, {
    ask: z3.ask,
    timeoutMs: 60_000,
    now: () => performance.now(),
  })
}

const GRANTED = 'permit (principal, action, resource) when { context.facts.granted'

function withPolicies(text: string): CedarPolicies {
  return parsePolicies(text)
}

test.for([
  ['the same policies', DEFAULTS, DEFAULTS, 'equal'],
  ['the same policies in another order', DEFAULTS, DEFAULTS.toReversed(), 'equal'],
  ['without a permit', DEFAULTS, DEFAULTS.filter(({ id }) => id !== 'granted'), 'narrower'],
  [
    'without a forbid that an invariant repeats',
    DEFAULTS,
    DEFAULTS.filter(({ id }) => id !== 'user-enabled'),
    'narrower',
  ],
  ['without the rule of two', DEFAULTS, DEFAULTS.filter(({ id }) => id !== 'rule-of-two'), 'wider'],
  [
    'a permit that more is asked of',
    withPolicies(`${GRANTED} };`),
    withPolicies(`${GRANTED} && context.facts.findings.isEmpty() };`),
    'narrower',
  ],
  [
    'a permit that less is asked of',
    withPolicies(`${GRANTED} && context.facts.findings.isEmpty() };`),
    withPolicies(`${GRANTED} };`),
    'wider',
  ],
  [
    'a narrower host in a permit',
    withPolicies(
      `permit (principal, action == Sekisho::Action::"http.request", resource) when { resource.name like "*.example" };`,
    ),
    withPolicies(
      `permit (principal, action == Sekisho::Action::"http.request", resource) when { resource.name like "*.api.example" };`,
    ),
    'narrower',
  ],
  [
    'a wider path in a permit',
    withPolicies(
      `permit (principal, action == Sekisho::Action::"http.request", resource) when { context.http.path like "/a/*/b" };`,
    ),
    withPolicies(
      `permit (principal, action == Sekisho::Action::"http.request", resource) when { context.http.path like "/a/*" };`,
    ),
    'wider',
  ],
  [
    'one permit written as two',
    withPolicies(`${GRANTED} };`),
    withPolicies(
      `${GRANTED} && context.facts.effect == "external" }; ${GRANTED} && context.facts.effect != "external" };`,
    ),
    'narrower',
  ],
  [
    'an approval less',
    withPolicies(
      `${GRANTED} }; forbid (principal, action, resource) unless { context.facts.approvals.containsAll(["initiator", "approver"]) };`,
    ),
    withPolicies(
      `${GRANTED} }; forbid (principal, action, resource) unless { context.facts.approvals.contains("approver") };`,
    ),
    'wider',
  ],
] as const)('%s', async ([, before, after, change]) => {
  expect((await compare(bundleOf([...before]), bundleOf([...after]))).change).toBe(change)
})

test('what is newly allowed is shown as a request', async () => {
  const before = withPolicies(
    `${GRANTED} }; forbid (principal, action == Sekisho::Action::"http.request", resource) when { ["PUT", "DELETE"].contains(context.http.method) && resource.name like "*.wiki.example" };`,
  )
  const after = withPolicies(
    `${GRANTED} }; forbid (principal, action == Sekisho::Action::"http.request", resource) when { context.http.method == "PUT" && resource.name like "*.wiki.example" };`,
  )
  const { change, counterexample } = await compare(bundleOf(before), bundleOf(after))
  expect(change).toBe('wider')
  expect(counterexample).toMatchObject({
    action: 'http.request',
    principals: ['Sekisho::Session', 'Sekisho::User'],
    values: {
      'context.http.method': 'DELETE',
      'context.facts.granted': true,
      'user.enabled': true,
    },
  })
  expect(String(counterexample?.values['resource'])).toMatch(/\.wiki\.example$/)
})

test('a policy that cannot be encoded never proves a change', async () => {
  const ip = (net: string): string =>
    `permit (principal, action, resource) when { ip("10.0.0.1").isInRange(ip("${net}")) };`
  const same = withPolicies(ip('10.0.0.0/8'))
  const added = withPolicies(
    `${ip('10.0.0.0/8')} forbid (principal, action, resource) when { context.facts.granted };`,
  )
  expect((await compare(bundleOf(same), bundleOf(added))).change).toBe('narrower')
  const other = await compare(bundleOf(same), bundleOf(withPolicies(ip('10.1.0.0/16'))))
  expect(other.change).toBe('not-proven')
  expect(other.reasons[0]).toBe('http.request: not encoded: policy p0: ip, a function of addresses')
})

test.for<[string, PolicyRule[], PolicyRule[], Comparison['change']]>([
  [
    'a path less',
    [rule('a', 'x.example', { paths: ['/a/**', '/b'] })],
    [rule('a', 'x.example', { paths: ['/a/**'] })],
    'narrower',
  ],
  [
    'a path within another',
    [rule('a', 'x.example', { paths: ['/a/**'] })],
    [rule('a', 'x.example', { paths: ['/a/b/*'] })],
    'narrower',
  ],
  [
    'a path beside another',
    [rule('a', 'x.example', { paths: ['/a/*'] })],
    [rule('a', 'x.example', { paths: ['/a/**'] })],
    'wider',
  ],
  ['a host below a wildcard', [rule('a', '*.example')], [rule('a', 'x.example')], 'narrower'],
  ['a wildcard over a host', [rule('a', 'x.y.example')], [rule('a', '*.y.example')], 'wider'],
  [
    'a method less',
    [rule('a', 'x.example', { methods: ['GET', 'PUT'] })],
    [rule('a', 'x.example', { methods: ['GET'] })],
    'narrower',
  ],
  ['another port', [rule('a', 'x.example')], [rule('a', 'x.example', { port: 8443 })], 'wider'],
  [
    'a deny rule less',
    [rule('a', 'x.example'), rule('d', 'x.example', { effect: 'deny', paths: ['/admin/**'] })],
    [rule('a', 'x.example')],
    'wider',
  ],
  [
    'a deny rule that another covers',
    [
      rule('a', 'x.example'),
      rule('d', 'x.example', { effect: 'deny', paths: ['/admin/**'] }),
      rule('e', 'x.example', { effect: 'deny', paths: ['/admin/keys'] }),
    ],
    [rule('a', 'x.example'), rule('d', 'x.example', { effect: 'deny', paths: ['/admin/**'] })],
    'narrower',
  ],
  [
    'WebSockets too',
    [rule('a', 'x.example')],
    [rule('a', 'x.example', { options: { websocket: true } })],
    'wider',
  ],
  [
    'an end to a rule',
    [rule('a', 'x.example')],
    [rule('a', 'x.example', { expiresAtMs: 1_800_000_000_000 })],
    'narrower',
  ],
  [
    'bodies uninspected',
    [rule('a', 'x.example')],
    [rule('a', 'x.example', { options: { uninspected: true } })],
    'not-proven',
  ],
])('of an agent’s rules, %s', async ([, before, after, change]) => {
  expect((await compare(bundleOf(DEFAULTS, before), bundleOf(DEFAULTS, after))).change).toBe(change)
})

test('a rule gone is wider where a policy forbids what it grants', async () => {
  const policies = parsePolicies(
    `${GRANTED} }; forbid (principal, action, resource) when { context.facts.grants.contains("risky") };`,
  )
  const [safe, risky] = [rule('safe', 'x.example'), rule('risky', 'x.example', { paths: ['/a'] })]
  const { change, counterexample } = await compare(
    bundleOf(policies, [safe, risky]),
    bundleOf(policies, [safe]),
  )
  expect(change).toBe('wider')
  expect(counterexample?.values).toMatchObject({
    resource: 'x.example',
    'session.agent': 'builder',
  })
})

const mandate = {
  id: 'm',
  kinds: ['approver' as const],
  agent: null,
  user: null,
  operations: [],
  rules: [],
  counterparties: [],
  maxAmount: null,
  maxUses: 1,
  expiresAtMs: 0,
  digest: `sha256:${'1'.repeat(64)}`,
}
const constraint = {
  id: 'mails',
  of: {},
  measure: { kind: 'count' as const },
  per: 'session' as const,
  windowMs: null,
  max: 5,
}
const user = { name: 'ann', uid: 1000, groups: [], enabled: true }

test.for<
  [
    string,
    Partial<ComparedBundle['bundle']>,
    Partial<ComparedBundle['bundle']>,
    Comparison['change'],
  ]
>([
  ['a mandate more', {}, { mandates: [mandate] }, 'wider'],
  ['a mandate less', { mandates: [mandate] }, {}, 'narrower'],
  [
    'a mandate that says something else',
    { mandates: [mandate] },
    { mandates: [{ ...mandate, maxUses: 2 }] },
    'not-proven',
  ],
  ['a constraint less', { constraints: [constraint] }, {}, 'wider'],
  [
    'a constraint with a smaller maximum',
    { constraints: [constraint] },
    { constraints: [{ ...constraint, max: 4 }] },
    'narrower',
  ],
  [
    'a constraint with a greater maximum',
    { constraints: [constraint] },
    { constraints: [{ ...constraint, max: 6 }] },
    'wider',
  ],
  ['a user disabled', { users: [user] }, { users: [{ ...user, enabled: false }] }, 'narrower'],
  [
    'a disabled user forgotten, who is enabled so',
    { users: [{ ...user, name: 'uid-1000', enabled: false }] },
    {},
    'wider',
  ],
  [
    'a host with another label',
    {},
    {
      hosts: [
        {
          host: 'x.example',
          integrity: 'trusted',
          confidentiality: 'public',
          external: false,
          groups: [],
        },
      ],
    },
    'not-proven',
  ],
])('%s', async ([, before, after, change]) => {
  expect(
    (await compare(bundleOf(DEFAULTS, [], before), bundleOf(DEFAULTS, [], after))).change,
  ).toBe(change)
})
