import { expect, test } from 'vitest'
import type { NetConnectAction } from '../core/action.ts'
import type { Verdict } from '../core/verdict.ts'
import type { PolicyRule } from '../wire/policy.ts'
import { compilePolicy } from './compile.ts'

function rule(id: string, host: string, rest: Partial<PolicyRule>): PolicyRule {
  return { id, effect: 'allow', scheme: 'tcp', host, port: 5432, methods: [], paths: [], ...rest }
}

const policy = compilePolicy(
  {
    rules: [
      rule('db', 'db.example', {}),
      rule('pass', 'pinned.example', { scheme: 'tls', port: 443 }),
      rule('logs', 'logs.example', {}),
      rule('no-logs', 'logs.example', { effect: 'deny', paths: ['/x'] }),
    ],
  },
  () => 0,
)

const to = (host: string, port: number): NetConnectAction => ({
  kind: 'net.connect',
  transport: 'tcp',
  address: '198.18.0.7',
  host,
  port,
})

test.for<[string, NetConnectAction, Verdict]>([
  [
    'any protocol is allowed where a rule says tcp',
    to('db.example', 5432),
    { kind: 'allow', rules: ['db'] },
  ],
  [
    'passed-through TLS is allowed where a rule says tls',
    to('pinned.example', 443),
    { kind: 'allow', rules: ['pass'] },
  ],
  [
    'another port is denied',
    to('db.example', 443),
    {
      kind: 'deny',
      rules: ['default'],
      reason: 'no rule opens port 443 of db.example; open there: tcp on port 5432',
    },
  ],
  [
    'a deny rule closes the place, whatever methods and paths it names: none are seen there',
    to('logs.example', 5432),
    { kind: 'deny', rules: ['no-logs'], reason: 'rule no-logs denies port 5432 of logs.example' },
  ],
])('%s', ([, action, want]) => {
  expect(policy.decide(action)).toEqual(want)
})

test('a request is not what a rule for tcp or tls allows', () => {
  const request = { kind: 'http.request', method: 'GET', path: '/', query: null } as const
  const db = { ...request, scheme: 'https', host: 'db.example', port: 5432 } as const
  const pinned = { ...request, scheme: 'https', host: 'pinned.example', port: 443 } as const
  expect([policy.decide(db), policy.decide(pinned)]).toEqual([
    {
      kind: 'deny',
      rules: ['default'],
      reason:
        'no rule allows GET https://db.example:5432/; rule db allows any method over tcp at port 5432',
    },
    {
      kind: 'deny',
      rules: ['default'],
      reason:
        'no rule allows GET pinned.example/; rule pass allows any method over tls at port 443',
    },
  ])
})

test('what is spoken at a port is known before its first byte', () => {
  const asked = [
    policy.isPort('db.example', 5432),
    policy.isPort('pinned.example', 443),
    policy.isPort('logs.example', 5432),
    policy.isPort('db.example', 443),
  ]
  expect(asked).toEqual(['tcp', 'tls', undefined, undefined])
})

test('where rules disagree, the scheme of which the gate sees most counts', () => {
  const all = (['tls', 'tcp', 'http', 'https'] as const).map((scheme) =>
    rule(scheme, 'a.example', { scheme }),
  )
  const seen = [4, 3, 2, 1].map((count) =>
    compilePolicy({ rules: all.slice(0, count) }, () => 0).isPort('a.example', 5432),
  )
  expect(seen).toEqual(['https', 'http', 'tcp', 'tls'])
})
