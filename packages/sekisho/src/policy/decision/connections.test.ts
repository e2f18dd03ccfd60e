import { expect, test } from 'vitest'
import type { Verdict } from '../../core/verdict.ts'
import type { PolicyRule } from '../../wire/policy.ts'
import { compileBundle } from './compiled-bundle.ts'
import { DecisionPoint } from './decision-point.ts'
import { bundleOf, DEFAULTS } from './testing/bundle.ts'

const PLACE = { host: 'db.example', port: 5432 }
const CONNECT = {
  kind: 'net.connect',
  transport: 'tcp',
  address: '198.18.0.1',
  ...PLACE,
} as const

function decide(scheme: PolicyRule['scheme'], options: PolicyRule['options']): Verdict {
  const rule = {
    id: 'db',
    effect: 'allow',
    scheme,
    ...PLACE,
    methods: [],
    paths: [],
    options,
  } as const
  const policy = { rules: [{ ...rule, methods: [], paths: [] }] }
  const decision = { generation: 1, agent: 'coder', uid: 7, policy, begins: [], task: [] }
  const session = { session: 's-0123456789abcdefghij', decision }
  return new DecisionPoint(compileBundle(bundleOf(DEFAULTS)), session, () => 0).decide(CONNECT)
}

test.for<readonly [string, PolicyRule['scheme'], PolicyRule['options'], string]>([
  ['nothing that its rule does not say', 'tcp', {}, 'allow db'],
  ['its consequence', 'tcp', { consequence: 'high' }, 'hold consequence'],
  [
    'that it cannot be taken back, where nobody reads it',
    'tls',
    { reversibility: 'irreversible' },
    'hold invariant.irreversible irreversible',
  ],
  ['nothing, where each request is asked about', 'https', { consequence: 'high' }, 'allow db'],
])('a connection is decided by %s', ([, scheme, options, expected]) => {
  const { kind, rules } = decide(scheme, options)
  expect(`${kind} ${rules.join(' ')}`).toBe(expected)
})
