import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { expect, test } from 'vitest'
import type { CedarPolicy } from '../../wire/cedar.ts'
import { compileCedar } from '../cedar/engine.ts'
import { entityStore } from '../cedar/entities.ts'
import { CedarSet } from '../cedar/set.ts'
import { type CedarValue, EntityRef } from '../cedar/value.ts'
import { INVARIANTS } from './compiled.ts'
import { INVARIANT_TEXTS } from './texts.ts'

test('what the gate has of the invariants is what their texts say', () => {
  const parsed = Object.entries(INVARIANT_TEXTS).map(([id, text]) => {
    const answer = cedar.policyToJson(text)
    return { id, policy: answer.type === 'success' ? answer.json : answer.errors }
  })
  expect(INVARIANTS).toEqual(parsed)
})

test('each of them is a forbid with a name of its own', () => {
  const seen = INVARIANTS.map(({ id, policy }) => `${policy.effect} ${id}`)
  expect(seen).toEqual(Object.keys(INVARIANT_TEXTS).map((id) => `forbid ${id}`))
  expect(seen.every((name) => name.startsWith('forbid invariant.'))).toBe(true)
})

const RIGHT = {
  granted: true,
  grants: new CedarSet(['api']),
  approvals: new CedarSet([]),
  integrity: 'user',
  confidentiality: 'public',
  effect: 'external',
  reversibility: 'externally_reversible',
  consequence: 'low',
  unconfirmed: new CedarSet([]),
}
const SESSION = new EntityRef('Sekisho::Session', 's-1')
const USER = new EntityRef('Sekisho::User', 'bob')
const REQUEST = new EntityRef('Sekisho::Action', 'http.request')
const RESTORE = new EntityRef('Sekisho::Action', 'admin.restore')

/** By a bundle that permits everything, and these invariants. */
function decide(
  invariants: readonly CedarPolicy[],
  attack: { principal?: EntityRef; action?: EntityRef; facts?: Record<string, CedarValue> },
): string {
  const { principal = SESSION, action = REQUEST, facts = {} } = attack
  const all = { op: 'All' } as const
  const permit = { effect: 'permit', principal: all, action: all, resource: all } as const
  const engine = compileCedar([...invariants, { id: 'all', policy: { ...permit, conditions: [] } }])
  const entities = entityStore([
    { uid: RESTORE, parents: [new EntityRef('Sekisho::Action', 'admin')] },
    { uid: USER, attrs: new Map([['enabled', false]]) },
  ])
  const context = new Map([['facts', new Map(Object.entries({ ...RIGHT, ...facts }))]])
  const resource = new EntityRef('Sekisho::Host', 'api.example')
  const { decision, determining } = engine.decide(
    { principal, action, resource, context },
    entities,
  )
  return `${decision} ${determining.join(' ')}`
}

test('what is against none of them passes', () => {
  expect(decide(INVARIANTS, {})).toBe('allow all')
})

test.for([
  ['invariant.irreversible', { facts: { reversibility: 'irreversible' } }],
  ['invariant.critical', { facts: { consequence: 'critical' } }],
  ['invariant.unconfirmed', { facts: { unconfirmed: new CedarSet(['recipient']) } }],
  ['invariant.secret-flow', { facts: { confidentiality: 'secret' } }],
  ['invariant.administration', { action: RESTORE }],
  ['invariant.user-disabled', { principal: USER }],
] as const)('%s alone stops what is against it', ([id, attack]) => {
  const others = INVARIANTS.filter((one) => one.id !== id)
  expect([decide(INVARIANTS, attack), decide(others, attack)]).toEqual([`deny ${id}`, 'allow all'])
})
