import { type ReplayedState, startedState, stateAfter, stateHash } from '@sekisho/verify'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventOf, type StateLeaf } from '../src/lifecycle/leaf-event.ts'
import {
  hashOfState,
  type NextState,
  nextState,
  type SessionState,
} from '../src/lifecycle/session-state.ts'

/** Two reducers, written apart: what the platform decides by, and what an auditor replays by. */

const START: StateLeaf = {
  type: 'session.start',
  session: 's-00000000000000000000',
  agent: 'claude',
  configuration: `sha256:${'0'.repeat(64)}`,
  identity: { key: 'a'.repeat(32) },
}

const TRIGGERS = [
  'freeze',
  'thaw',
  'contain',
  'revoke',
  'gate-restart',
  'keyholder-restart',
  'policy',
  'stop',
] as const

const leaf: fc.Arbitrary<StateLeaf> = fc.oneof(
  fc.constantFrom(...TRIGGERS).map((trigger): StateLeaf => ({ type: 'session.state', trigger })),
  fc.constant<StateLeaf>({ type: 'session.contained' }),
  fc
    .constantFrom('schedule', 'restart', 'emergency')
    .map((reason): StateLeaf => ({ type: 'identity.issued', key: 'b'.repeat(32), reason })),
  fc.constant<StateLeaf>({ type: 'gap', id: 'an action' }),
  fc.constant<StateLeaf>({ type: 'gap', id: 'session.end' }),
  fc
    .option(fc.integer({ min: 0, max: 255 }))
    .map((exitCode): StateLeaf => ({ type: 'session.end', reason: 'exit', exitCode })),
)

test('whatever leaves a session has, both come to the same states or refuse the same leaf', () => {
  fc.assert(
    fc.property(fc.array(leaf, { maxLength: 12 }), (leaves) => {
      let decided: SessionState = begun()
      let replayed: ReplayedState = startedState(START)
      expect(stateHash(replayed)).toBe(hashOfState(decided))
      for (const one of leaves) {
        if (decided.phase === 'ended' || decided.phase === 'lost') return // nothing is asked of it
        const event = eventOf(one)
        const after = stateAfter(replayed, one)
        const next: NextState | undefined =
          event === undefined ? undefined : nextState(decided, event)
        expect(typeof after === 'string').toBe(next?.kind === 'illegal')
        if (next?.kind !== 'next' || after === undefined || typeof after === 'string') continue
        decided = next.state
        replayed = after
        expect(replayed).toEqual(decided)
        expect(stateHash(replayed)).toBe(hashOfState(decided))
      }
    }),
    { numRuns: 300 },
  )
})

function begun(): SessionState {
  const event = eventOf(START)
  const next = event === undefined ? undefined : nextState(undefined, event)
  if (next?.kind !== 'next') throw new Error('it does not start')
  return next.state
}
