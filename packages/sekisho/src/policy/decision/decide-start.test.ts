import { expect, test } from 'vitest'
import type { DecisionBundle } from '../../wire/decision.ts'
import { compileBundle } from './compiled-bundle.ts'
import { decideStart } from './decide-start.ts'
import { bundleOf, DEFAULTS, PERMIT_ALL } from './testing/bundle.ts'

const ALICE = { name: 'alice', uid: 7, groups: ['developers'], enabled: true }
const HR_ONLY = `
  @id("hr-only") @reason("personnel files are for the people of HR")
  forbid (principal, action == Sekisho::Action::"session.start", resource == Sekisho::Agent::"personnel")
  unless { principal in Sekisho::Group::"hr" };`

function start(text: string, agent: string, over: Partial<DecisionBundle> = {}): unknown {
  return decideStart(compileBundle(bundleOf(text, over)), { agent, uid: 7, nowMs: 0 })
}

test('whoever is not named may begin what nobody forbids', () => {
  expect(start(DEFAULTS, 'coder')).toEqual({ kind: 'allow', rules: ['granted'] })
})

test('a user begins no agent that a policy keeps for others', () => {
  const text = DEFAULTS + HR_ONLY
  expect([
    start(text, 'personnel', { users: [ALICE] }),
    start(text, 'personnel', { users: [{ ...ALICE, groups: ['hr'] }] }),
    start(text, 'coder', { users: [ALICE] }),
  ]).toEqual([
    {
      kind: 'deny',
      rules: ['hr-only'],
      reason: 'alice may begin no session of personnel: personnel files are for the people of HR',
    },
    { kind: 'allow', rules: ['granted'] },
    { kind: 'allow', rules: ['granted'] },
  ])
})

test('a user who is disabled begins none, whatever the bundle permits', () => {
  expect(start(PERMIT_ALL, 'coder', { users: [{ ...ALICE, enabled: false }] })).toEqual({
    kind: 'deny',
    rules: ['invariant.user-disabled'],
    reason: 'alice may begin no session of coder: invariant.user-disabled',
  })
})

test('what nothing permits is not begun', () => {
  expect(start('', 'coder')).toEqual({
    kind: 'deny',
    rules: ['policy.not-permitted'],
    reason: 'no policy permits uid-7 to begin a session of coder',
  })
})
