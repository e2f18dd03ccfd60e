import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../../core/action.ts'
import type { Hold } from '../../core/verdict.ts'
import type { Mandate } from '../../wire/decision.ts'
import { compileBundle } from './compiled-bundle.ts'
import { DecisionPoint } from './decision-point.ts'
import { type ActionFacts, NO_FACTS } from '../../core/facts.ts'
import { bundleOf, PERMIT_ALL } from './testing/bundle.ts'

const ACTION: HttpRequestAction = {
  kind: 'http.request',
  scheme: 'https',
  method: 'POST',
  host: 'api.example',
  port: 443,
  path: '/transfers',
  query: null,
}
const MANDATE: Mandate = {
  id: 'rent',
  kinds: ['approver', 'initiator'],
  agent: 'payer',
  user: null,
  operations: ['bank.transfer'],
  rules: ['api'],
  counterparties: ['landlord@example.com'],
  maxAmount: 900,
  maxUses: 12,
  expiresAtMs: 2_000,
  digest: `sha256:${'0'.repeat(64)}`,
}
const HOLD: Hold = { kind: 'hold', rules: ['x'], reason: 'x', needs: ['initiator'] }

function mandateFor(known: Partial<ActionFacts>, { agent = 'payer', nowMs = 1_000 } = {}): unknown {
  const bundle = compileBundle(bundleOf(PERMIT_ALL, { mandates: [MANDATE] }))
  const rule = {
    id: 'api',
    effect: 'allow',
    scheme: 'https',
    host: 'api.example',
    port: 443,
  } as const
  const policy = { rules: [{ ...rule, methods: [], paths: [] }] }
  const decision = { generation: 1, agent, uid: 7, policy, begins: [], task: [] }
  const point = new DecisionPoint(bundle, { session: 's', decision }, () => nowMs)
  return point.mandateFor(ACTION, { ...NO_FACTS, ...known }, HOLD)
}

function transfer(to: string, amount: number): Partial<ActionFacts> {
  const critical = [
    { kind: 'recipient', argument: 'to', value: to },
    { kind: 'amount', argument: 'amount', value: String(amount) },
  ] as const
  return {
    operation: {
      id: 'bank.transfer',
      arguments: { to, amount },
      reversibility: 'irreversible',
      consequence: 'high',
    },
    critical,
    unconfirmed: critical.map((argument) => ({ ...argument, origin: 'unknown' })),
  }
}

test.for([
  ['what it names, to whom it names', transfer('landlord@example.com', 900), {}, 'rent'],
  ['one more than it allows', transfer('landlord@example.com', 901), {}, undefined],
  ['somebody else', transfer('attacker@example.com', 1), {}, undefined],
  ['another agent', transfer('landlord@example.com', 900), { agent: 'coder' }, undefined],
  ['later than it stands', transfer('landlord@example.com', 900), { nowMs: 2_000 }, undefined],
  ['a request that its rule grants', {}, {}, 'rent'],
] as const)('a mandate and %s', ([, known, asked, expected]) => {
  expect(mandateFor(known, asked)).toBe(expected)
})
