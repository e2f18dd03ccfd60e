import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../../core/action.ts'
import type { Verdict } from '../../core/verdict.ts'
import type { DecisionBundle } from '../../wire/decision.ts'
import type { PolicyRule } from '../../wire/policy.ts'
import { compileBundle } from './compiled-bundle.ts'
import { DecisionPoint } from './decision-point.ts'
import { type ActionFacts, NO_FACTS } from '../../core/facts.ts'
import { bundleOf, DEFAULTS, PERMIT_ALL } from './testing/bundle.ts'

const RULE: PolicyRule = {
  id: 'api',
  effect: 'allow',
  scheme: 'https',
  host: 'api.example',
  port: 443,
  methods: [],
  paths: [],
}
const POST: HttpRequestAction = {
  kind: 'http.request',
  scheme: 'https',
  method: 'POST',
  host: 'api.example',
  port: 443,
  path: '/v1/things',
  query: null,
}
const GET: HttpRequestAction = { ...POST, method: 'GET' }
const TAINTED = { integrity: 'untrusted', confidentiality: 'internal' } as const

function point(bundle: DecisionBundle, options: PolicyRule['options'] = {}): DecisionPoint {
  const policy = { rules: [{ ...RULE, options }] }
  const decision = { generation: 1, agent: 'coder', uid: 7, policy, begins: [], task: [] }
  const session = { session: 's-0123456789abcdefghij', decision }
  return new DecisionPoint(compileBundle(bundle), session, () => 1_700_000_000_000)
}

function facts(over: Partial<ActionFacts>): ActionFacts {
  return { ...NO_FACTS, ...over }
}

function short(verdict: Verdict): string {
  if (verdict.kind === 'hold') return `hold ${verdict.rules.join(' ')}: ${verdict.needs?.join(' ')}`
  return `${verdict.kind} ${verdict.rules.join(' ')}`
}

const ALICE = { name: 'alice', uid: 7, groups: ['developers'], enabled: true }

test.for([
  ['what the file grants is permitted', GET, {}, {}, 'allow api'],
  ['what it does not grant is not', { ...GET, host: 'other.example' }, {}, {}, 'deny default'],
  [
    'private data alone holds nothing',
    POST,
    { label: { ...TAINTED, integrity: 'user' } },
    {},
    'allow api',
  ],
  [
    'untrusted content alone holds nothing',
    POST,
    { label: { ...TAINTED, confidentiality: 'public' } },
    {},
    'allow api',
  ],
  ['both, and a read, hold nothing', GET, { label: TAINTED }, {}, 'allow api'],
  [
    'of both and an effect outside, the third waits',
    POST,
    { label: TAINTED },
    {},
    'hold rule-of-two: approver',
  ],
  ['and goes on with a yes', POST, { label: TAINTED, approvals: ['approver'] }, {}, 'allow api'],
  [
    'but not with the yes of whoever asked for it',
    POST,
    { label: TAINTED, approvals: ['initiator'] },
    {},
    'hold rule-of-two: approver',
  ],
  [
    'an effect that tells nobody is none',
    POST,
    { label: TAINTED },
    { effect: 'none' },
    'allow api',
  ],
  [
    'a read that tells is one',
    GET,
    { label: TAINTED },
    { effect: 'external' },
    'hold rule-of-two: approver',
  ],
  [
    'what cannot be taken back waits',
    POST,
    {},
    { reversibility: 'irreversible' },
    'hold invariant.irreversible irreversible: approver',
  ],
  [
    'what could not be kept cannot be taken back',
    POST,
    { hasPreImage: false },
    { recovery: { method: 'PUT', path: null } },
    'hold invariant.irreversible irreversible: approver',
  ],
  [
    'what was kept can',
    POST,
    { hasPreImage: true },
    { recovery: { method: 'PUT', path: null } },
    'allow api',
  ],
  [
    'critical takes two',
    POST,
    {},
    { consequence: 'critical' },
    'hold invariant.critical consequence critical-intent: initiator approver',
  ],
] as const)('%s', ([, action, known, options, expected]) => {
  expect(short(point(bundleOf(DEFAULTS), { ...options }).decide(action, facts({ ...known })))).toBe(
    expected,
  )
})

test('a user who is disabled does nothing, through no agent', () => {
  const users = [{ ...ALICE, enabled: false }]
  const verdict = point(bundleOf(DEFAULTS, { users })).decide(GET)
  expect(short(verdict)).toBe('deny invariant.user-disabled user-enabled')
})

test('what the agent may and its user may not is denied', () => {
  const text = `${DEFAULTS}
    @id("hr-only") forbid (principal is Sekisho::User, action, resource == Sekisho::Host::"api.example")
    unless { principal in Sekisho::Group::"hr" };`
  const verdict = (groups: string[]): string =>
    short(point(bundleOf(text, { users: [{ ...ALICE, groups }] })).decide(GET))
  expect([verdict(['developers']), verdict(['hr'])]).toEqual(['deny hr-only', 'allow api'])
})

test('what the user may and the agent may not is denied', () => {
  const text = `${DEFAULTS}
    @id("no-coder") forbid (principal in Sekisho::Agent::"coder", action, resource);`
  expect(short(point(bundleOf(text)).decide(GET))).toBe('deny no-coder')
})

test('what nothing permits is denied, whatever the agent file grants', () => {
  expect(point(bundleOf('')).decide(GET)).toEqual({
    kind: 'deny',
    rules: ['policy.not-permitted'],
    reason: 'no policy permits http.request to agent coder',
  })
})

test('a credential is asked about by itself', () => {
  const text = `${DEFAULTS}
    @id("no-deploy-key") forbid (principal, action == Sekisho::Action::"secret.use", resource == Sekisho::Secret::"deploy");`
  const decision = point(bundleOf(text))
  const verdicts = [['deploy'], ['other'], []].map((credentials) =>
    short(decision.decide(GET, facts({ credentials }))),
  )
  expect(verdicts).toEqual(['deny no-deploy-key', 'allow api', 'allow api'])
})

test('an install is asked about by itself', () => {
  const text = `${DEFAULTS}
    @id("no-left-pad") forbid (principal, action == Sekisho::Action::"package.install", resource == Sekisho::Package::"npm:left-pad");`
  const decision = point(bundleOf(text))
  const install = (name: string): ActionFacts['install'] => ({
    kind: 'package.install',
    ecosystem: 'npm',
    name,
    version: '1.0.0',
    scheme: 'https',
    host: 'api.example',
    port: 443,
    file: '/x.tgz',
  })
  const verdicts = ['left-pad', 'right-pad'].map((name) =>
    short(decision.decide(GET, facts({ install: install(name) }))),
  )
  expect(verdicts).toEqual(['deny no-left-pad', 'allow api'])
})

test('an invariant that cannot be evaluated denies', () => {
  const bundle = compileBundle(bundleOf(PERMIT_ALL))
  const broken = {
    ...bundle,
    engine: {
      ...bundle.engine,
      prepare: () => () => ({
        decision: 'allow' as const,
        determining: ['all'],
        errors: [{ id: 'invariant.irreversible', message: 'no such attribute' }],
      }),
    },
  }
  const decision = {
    generation: 1,
    agent: 'a',
    uid: 7,
    policy: { rules: [RULE] },
    begins: [],
    task: [],
  }
  const made = new DecisionPoint(broken, { session: 's', decision }, () => 0)
  expect(short(made.decide(GET))).toBe('deny invariant.undecidable invariant.irreversible')
})

// Each of these stands alone: the bundle permits everything and forbids nothing.
test.for([
  [
    'irreversible',
    POST,
    {},
    { reversibility: 'irreversible' },
    'hold invariant.irreversible: initiator',
  ],
  [
    'critical',
    POST,
    {},
    { consequence: 'critical' },
    'hold invariant.critical: initiator approver',
  ],
  [
    'unconfirmed',
    POST,
    {
      unconfirmed: [{ kind: 'recipient', argument: 'to', value: 'a@b.example', origin: 'unknown' }],
    },
    {},
    'hold invariant.unconfirmed: initiator',
  ],
  [
    'secret-flow',
    POST,
    { label: { integrity: 'user', confidentiality: 'secret' } },
    {},
    'deny invariant.secret-flow',
  ],
  [
    'secret-flow, whoever approves',
    POST,
    {
      label: { integrity: 'user', confidentiality: 'secret' },
      approvals: ['initiator', 'approver', 'second-approver'],
    },
    {},
    'deny invariant.secret-flow',
  ],
] as const)('no bundle allows what is against %s', ([, action, known, options, expected]) => {
  const decision = point(bundleOf(PERMIT_ALL), { ...options })
  expect(short(decision.decide(action, facts({ ...known } as Partial<ActionFacts>)))).toBe(expected)
})

test('no bundle allows anything to a user who is disabled', () => {
  const users = [{ ...ALICE, enabled: false }]
  const verdict = point(bundleOf(PERMIT_ALL, { users })).decide(GET)
  expect(short(verdict)).toBe('deny invariant.user-disabled')
})

test('what it was decided by is told for the record, but for what is usual', () => {
  const made = point(bundleOf(DEFAULTS, { users: [ALICE] }), { consequence: 'high' })
  const known = facts({ label: TAINTED, bodyBytes: 5, approvals: ['approver'] })
  expect([made.describe(GET, NO_FACTS), made.describe(POST, known)]).toEqual([
    { user: 'alice', label: NO_FACTS.label, consequence: 'high' },
    {
      user: 'alice',
      label: TAINTED,
      effect: 'external',
      reversibility: 'externally_reversible',
      consequence: 'high',
      bodyBytes: 5,
      approvals: ['approver'],
    },
  ])
})

test('a policy can ask what the session may still send', () => {
  const text = `${DEFAULTS}
    @id("nearly-spent") forbid (principal, action == Sekisho::Action::"http.request", resource)
    when { context.facts has bytesLeft && context.facts.bytesLeft < 1000 };`
  const decision = point(bundleOf(text))
  const verdicts = [999, 1000].map((bytes) =>
    short(decision.decide(GET, facts({ left: { bytes, requests: 1 } }))),
  )
  expect(verdicts).toEqual(['deny nearly-spent', 'allow api'])
})
