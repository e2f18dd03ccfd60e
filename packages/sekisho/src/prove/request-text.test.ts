import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PolicyRule } from '../wire/policy.ts'
import type { ComparedBundle, Comparison } from '../wire/solver.ts'
import { compareBundles } from './compare.ts'
import { holdsFor } from './holds-for.ts'
import { requestText } from './request-text.ts'
import { SPECIFICATIONS } from './specification.ts'
import { bundleOf, DEFAULTS, parsePolicies, rule, SCHEMA } from './testing/default-policy.ts'
import { Z3 } from './z3.ts'

const now = (): number => performance.now()
let z3: Z3
beforeAll(async () => {
  z3 = await Z3.open()
})
afterAll(() => z3.close())

const RULES = [
  rule('docs', 'docs.example.com', { methods: ['GET'] }),
  rule('api', 'api.example.com', { paths: ['/v1/**'] }),
]

function compare(before: ComparedBundle, after: ComparedBundle): Promise<Comparison> {
  return compareBundles(before, after, { ask: z3.ask, timeoutMs: 10_000, now })
}

async function newly(before: ComparedBundle, after: ComparedBundle): Promise<string[]> {
  const { reasons, counterexample } = await compare(before, after)
  expect(reasons).toEqual([`newly allowed: ${counterexample?.text}`])
  return counterexample?.text.split('\n') ?? []
}

function without(id: string): typeof DEFAULTS {
  return DEFAULTS.filter((policy) => policy.id !== id)
}

const GRANTED = 'permit (principal, action, resource) when { context.facts.granted'
const REQUEST = 'action == Sekisho::Action::"http.request"'

test.for<[string, string[]]>([
  [
    'rule-of-two',
    [
      'agent builder (user uid-0): POST https://api.example.com/v1/x',
      'after untrusted content and internal data',
    ],
  ],
  [
    'irreversible',
    ['agent builder (user uid-0): GET https://docs.example.com/', 'that cannot be taken back'],
  ],
  [
    'consequence',
    ['agent builder (user uid-0): GET https://docs.example.com/', 'of high consequence'],
  ],
  [
    'critical-intent',
    [
      'agent builder (user uid-0): GET https://docs.example.com/',
      'with the yes of approver',
      'of critical consequence',
    ],
  ],
])('without %s, what is let through is shown by what an agent file grants', async ([id, lines]) => {
  expect(await newly(bundleOf(DEFAULTS, RULES), bundleOf(without(id), RULES))).toEqual(lines)
})

test.for<[string, string, string, string[]]>([
  [
    'a finding',
    `${GRANTED} && !context.facts.findings.contains("secret.github-pat") };`,
    `${GRANTED} };`,
    ['agent builder (user uid-0): GET https://docs.example.com/', 'finding secret.github-pat'],
  ],
  [
    'any finding',
    `${GRANTED} && context.facts.findings.isEmpty() };`,
    `${GRANTED} };`,
    [
      'agent builder (user uid-0): GET https://docs.example.com/',
      'finding something that no policy names',
    ],
  ],
  [
    'one approval of two',
    `${GRANTED} && context.facts.approvals.containsAll(["approver", "second-approver"]) };`,
    `${GRANTED} && context.facts.approvals.contains("approver") };`,
    ['agent builder (user uid-0): GET https://docs.example.com/', 'with the yes of approver'],
  ],
  [
    'a host that a pattern stands for',
    `${GRANTED} }; forbid (principal, ${REQUEST}, resource) when { context.http.method == "DELETE" && resource.name like "*.wiki.example" };`,
    `${GRANTED} };`,
    ['agent builder (user uid-0): DELETE https://x.wiki.example/'],
  ],
  [
    'other hosts than all that are named',
    `${GRANTED} }; forbid (principal, action, resource is Sekisho::Host) unless { ["docs.example.com", "api.example.com"].contains(resource.name) };`,
    `${GRANTED} };`,
    ['agent builder (user uid-0): GET / at a host that no file names'],
  ],
  [
    'other users than all that are named',
    `${GRANTED} }; forbid (principal is Sekisho::User, action, resource) unless { principal == Sekisho::User::"uid-0" };`,
    `${GRANTED} };`,
    ['agent builder (some other user): GET https://docs.example.com/'],
  ],
  [
    'a group',
    `${GRANTED} }; forbid (principal is Sekisho::User, action, resource) unless { principal in Sekisho::Group::"staff" };`,
    `${GRANTED} }; forbid (principal is Sekisho::User, action, resource) unless { principal in Sekisho::Group::"staff" || principal in Sekisho::Group::"guests" };`,
    [
      'agent builder (user uid-0): GET https://docs.example.com/',
      'where the user is in group guests',
    ],
  ],
  [
    'a size',
    `${GRANTED} }; forbid (principal, ${REQUEST}, resource) when { context.http.bodyBytes > 1000 };`,
    `${GRANTED} };`,
    ['agent builder (user uid-0): GET https://docs.example.com/', 'with a body of 1001 bytes'],
  ],
  [
    'arguments of an operation',
    `${GRANTED} };`,
    `${GRANTED} }; permit (principal, action == Sekisho::Action::"tool.call/mail.send", resource) when { context.args.to.contains("a@b.example") && context.args has amount && context.args.amount > 5 };`,
    [
      'agent builder (user uid-0): call mail.send',
      'that no rule of the agent file grants',
      'with amount 6',
      'with to a@b.example',
    ],
  ],
  [
    'administration',
    `${GRANTED} };`,
    `${GRANTED} }; permit (principal is Sekisho::Operator, action, resource);`,
    ['some operator: admin.approve of this platform'],
  ],
])('%s is said in words', async ([, before, after, lines]) => {
  const [a, b] = [parsePolicies(before), parsePolicies(after)]
  expect(await newly(bundleOf(a, RULES), bundleOf(b, RULES))).toEqual(lines)
})

test.for<[string, PolicyRule, string[]]>([
  [
    'a rule with a wildcard',
    rule('n', '*.new.example', { methods: ['DELETE'] }),
    ['agent builder (user uid-0): DELETE https://x.new.example/'],
  ],
  [
    'another port',
    rule('n', 'docs.example.com', { port: 8443 }),
    ['agent builder (user uid-0): GET https://docs.example.com:8443/'],
  ],
  [
    'WebSockets',
    rule('n', 'docs.example.com', { paths: ['/a'], options: { websocket: true } }),
    ['agent builder (user uid-0): GET wss://docs.example.com/a'],
  ],
  [
    'a connection',
    rule('n', 'db.example', { scheme: 'tcp', port: 5432 }),
    ['agent builder (user uid-0): connect tcp://db.example:5432'],
  ],
])('of rules, %s is shown as a request', async ([, more, lines]) => {
  const before = rule('docs', 'docs.example.com', { paths: ['/a'] })
  const [then, later] = [bundleOf(DEFAULTS, [before]), bundleOf(DEFAULTS, [before, more])]
  expect(await newly(then, later)).toEqual(lines)
})

test('a rule that no longer ends is shown when it would have ended', async () => {
  const ends = rule('a', 'x.example', { expiresAtMs: 1_800_000_000_000 })
  const [then, later] = [bundleOf(DEFAULTS, [ends]), bundleOf(DEFAULTS, [rule('a', 'x.example')])]
  expect(await newly(then, later)).toEqual([
    'agent builder (user uid-0): GET https://x.example/',
    'at 2027-01-15T08:00:00.000Z',
  ])
})

test('a user of users.yaml is named', async () => {
  const users = [{ name: 'ann', uid: 1000, groups: [], enabled: true }]
  const [before, after] = [DEFAULTS, without('irreversible')]
  expect(
    await newly(bundleOf(before, RULES, { users }), bundleOf(after, RULES, { users })),
  ).toEqual([
    'agent builder (user ann): GET https://docs.example.com/',
    'that cannot be taken back',
  ])
})

test('the values are all there beside the text', async () => {
  const { counterexample } = await compare(
    bundleOf(DEFAULTS, RULES),
    bundleOf(without('rule-of-two'), RULES),
  )
  expect(counterexample?.values).toMatchObject({
    resource: 'api.example.com',
    'session.agent': 'builder',
    user: 'uid-0',
    'user.enabled': true,
    'context.http.method': 'POST',
    'context.http.path': '/v1/x',
    'context.facts.granted': true,
    'context.facts.approvals': [],
    'context.facts.findings': [],
    'context.facts.integrity': 'untrusted',
    'context.facts.confidentiality': 'internal',
    'context.facts.effect': 'external',
  })
})

test.for<[string, string[]]>([
  ['irreversible', ['that cannot be taken back']],
  ['critical', ['of critical consequence']],
  ['secret-flow', ['after secret data']],
])('the promise %s, broken, is shown by one request', async ([id, lines]) => {
  const specification = SPECIFICATIONS.find((each) => each.id === id)
  if (specification === undefined) throw new Error(`${id} is not promised`)
  const policies = parsePolicies('permit (principal, action, resource);')
  const known = { agents: [{ name: 'builder', rules: RULES }], users: ['uid-0'] }
  const decided = { schema: SCHEMA, policies, rules: null, invariants: [], known }
  const holding = await holdsFor(decided, specification, { ask: z3.ask, timeoutMs: 60_000, now })
  expect(holding).toMatchObject({
    kind: 'violated',
    counterexample: {
      text: ['agent builder (user uid-0): POST https://api.example.com/v1/x', ...lines].join('\n'),
    },
  })
})

test('a name cannot make a line of its own', () => {
  const values = { 'session.agent': 'a\nagent b', user: 'u', resource: 'h' }
  const request = {
    action: 'dns.resolve',
    resource: 'Sekisho::Name',
    principals: ['Sekisho::Session'],
    values,
  }
  expect(requestText(request, () => true)).toBe('agent a\\u{a}agent b (user u): resolve h')
})
