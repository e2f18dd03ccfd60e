import { expect, test } from 'vitest'
import type { Action } from '../../core/action.ts'
import { AttemptLedger } from './attempts.ts'
import { propose } from './proposal.ts'
import { attemptsOf, dial, groundOf, leafOf, name, request, SESSION } from './testing/denied.ts'

const GROUND = groundOf(`version: 1
name: docs-bot
rules:
  - { id: read, effect: allow, host: open.example, paths: ["/v1/**"] }
  - { id: plain, effect: allow, host: plain.example, scheme: http, ports: [8080] }
  - { id: no, effect: deny, host: closed.example }
secrets:
  - { name: forge, from: "env:FORGE", hosts: [open.example], header: authorization }
`)

const proposed = (...actions: Action[]): string[] =>
  propose(SESSION, attemptsOf(...actions), GROUND).rules.map(
    ({ host, scheme, ports, methods, paths }) =>
      `${methods.join()} ${scheme}://${host}:${ports.join('+')} ${paths.join(' ')}`.trimEnd(),
  )

const refused = (...actions: Action[]): string[] =>
  propose(SESSION, attemptsOf(...actions), GROUND).notProposed.map(
    ({ what, because }) => `${what}: ${because}`,
  )

test('methods with the same paths are one rule', () => {
  const url = 'https://a.example/x'
  expect(
    proposed(request('GET', url), request('HEAD', url), request('POST', 'https://a.example/y')),
  ).toEqual(['GET,HEAD https://a.example:443 /x', 'POST https://a.example:443 /y'])
})

test('the same at two ports is one rule', () => {
  expect(
    proposed(request('GET', 'https://a.example/x'), request('GET', 'https://a.example:8443/x')),
  ).toEqual(['GET https://a.example:443+8443 /x'])
})

test('names and ports that a request came after are no rules of their own', () => {
  const actions = [name('a.example'), dial('a.example', 443), request('GET', 'https://a.example/x')]
  expect(proposed(...actions)).toEqual(['GET https://a.example:443 /x'])
})

test('a name alone is opened to read, and says that it is a guess', () => {
  const [rule] = propose(SESSION, attemptsOf(name('a.example')), GROUND).rules
  expect(rule).toMatchObject({
    methods: ['GET', 'HEAD', 'OPTIONS'],
    paths: [],
    opens: 'GET, HEAD, OPTIONS on everything at https://a.example:443, with any query',
    staysClosed: 'every method but GET, HEAD, OPTIONS; other ports, names below a.example',
    risks: [
      'only the name was asked for: methods and paths are unknown, so all of it is opened to read; narrow it',
    ],
  })
})

test('what a rule costs is said with it', () => {
  const [rule] = propose(
    SESSION,
    attemptsOf(request('POST', 'https://open.example/1')),
    GROUND,
  ).rules
  expect(rule?.risks).toEqual([
    'POST carries a body: the host can keep whatever the agent sends',
    'credential forge is bound to this host and can be used with this rule',
  ])
  const shared = propose(SESSION, attemptsOf(request('GET', 'http://x.github.io:81/')), GROUND)
    .rules[0]
  expect(shared?.risks).toEqual([
    'in clear text: anyone on the way reads and changes it',
    'an unusual port',
    'names below github.io belong to many: make sure whose this one is',
  ])
})

test.for([
  ['invariant.private-address', 'an invariant: no rule opens it'],
  ['limit.egress-bytes', 'a limit: raise it under `limits` if the work needs it'],
  ['budget.url-entropy', 'a budget: raise it under `budgets` if the work needs it'],
  [
    'provenance.unknown-url',
    'a URL of unknown origin: add an index rule or a template under `provenance`',
  ],
  ['detect.secret.github-pat', 'a detector found something in it'],
  ['packages.typo', 'the package firewall'],
  ['no', 'a rule of the agent file denies it, or has expired: change that rule'],
] as const)('what %s denied is never proposed', ([rule, because]) => {
  const ledger = new AttemptLedger()
  ledger.add(leafOf(request('GET', 'https://a.example/x'), ['default', rule]))
  const { rules, notProposed } = propose(SESSION, ledger.attempts(), GROUND)
  expect(rules).toEqual([])
  expect(notProposed.map((row) => `${row.what}: ${row.because}`)).toEqual([
    `GET a.example/x: ${because} (${rule})`,
  ])
})

test.for<[string, Action, string]>([
  [
    'allowed by now',
    request('GET', 'https://open.example/v1/x'),
    'the bundle allows it by now (read)',
  ],
  [
    'under a deny rule',
    request('GET', 'https://closed.example/x'),
    'it stays denied by no whatever is added',
  ],
  [
    'https where http is spoken',
    request('GET', 'https://plain.example:8080/'),
    'rule plain speaks http at this port',
  ],
  [
    'a star in the path',
    request('GET', 'https://a.example/', { path: '/a*' }),
    'its path holds a `*`, which would be a wildcard',
  ],
  [
    'an address as a host',
    request('GET', 'https://a.example/', { host: '10.0.0.1' }),
    'not a name that a rule can have',
  ],
  [
    'a WebSocket',
    request('GET', 'https://a.example/', { upgrade: 'websocket' }),
    'a WebSocket: write `websocket: true` into a rule yourself',
  ],
  [
    'a method of no rule',
    request('BREW', 'https://a.example/'),
    'not a method that a rule can have',
  ],
  ['`any` for a method', request('any', 'https://a.example/'), 'not a method that a rule can have'],
  [
    'a path that is too long',
    request('GET', `https://a.example/${'a'.repeat(600)}`),
    'its path is too long or not canonical',
  ],
  ['a wildcard for a name', name('*.example'), 'not a name that a rule can have'],
])('not proposed: %s', ([, action, because]) => {
  expect(proposed(action)).toEqual([])
  expect(refused(action)).toEqual([expect.stringContaining(because)])
})

test('names that look like data are no hosts', () => {
  const tunnel = Array.from({ length: 9 }, (_, i) => name(`${i}aef.t.example`))
  expect(proposed(...tunnel)).toEqual([])
  expect(refused(...tunnel)).toEqual([
    'resolve 0aef.t.example and 8 more: one of 9 names below t.example, which looks like data sent in names',
  ])
  expect(proposed(...tunnel.slice(0, 8))).toHaveLength(8)
})

test('the query of a denied request stands nowhere in the proposal', () => {
  const action = request('GET', 'https://a.example/x', { query: 'token=made-up-value' })
  const ledger = new AttemptLedger()
  ledger.add(leafOf(action))
  ledger.add(leafOf(action, ['invariant.host-mismatch']))
  expect(JSON.stringify(propose(SESSION, ledger.attempts(), GROUND))).not.toContain('made-up')
})
