import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventOf, type StateLeaf } from './leaf-event.ts'
import {
  type ChangeTrigger,
  hashOfState,
  nextState,
  type SessionState,
  type StateEvent,
  stampOf,
} from './session-state.ts'

const KEY = 'a'.repeat(32)
const START: StateEvent = {
  kind: 'start',
  session: 's-00000000000000000000',
  agent: 'claude',
  configuration: `sha256:${'0'.repeat(64)}`,
  key: KEY,
}
const change = (trigger: ChangeTrigger): StateEvent => ({ kind: 'change', trigger })
const END: StateEvent = { kind: 'end', reason: 'exit', exitCode: 0 }

test.for<{ name: string; events: StateEvent[]; phase: SessionState['phase'] }>([
  { name: 'runs once it has started', events: [], phase: 'running' },
  { name: 'is frozen, and goes on', events: [change('freeze'), change('thaw')], phase: 'running' },
  {
    name: 'is contained while frozen',
    events: [change('freeze'), change('contain')],
    phase: 'contained',
  },
  {
    name: 'stays contained when its key is taken back',
    events: [change('contain'), change('revoke')],
    phase: 'contained',
  },
  { name: 'has no key any more once revoked', events: [change('revoke')], phase: 'revoked' },
  { name: 'goes on under another gate', events: [change('gate-restart')], phase: 'running' },
  { name: 'ends from wherever it is', events: [change('contain'), END], phase: 'ended' },
  { name: 'is lost where nobody saw its end', events: [{ kind: 'lost' }], phase: 'lost' },
])('a session $name', ({ events, phase }) => {
  const states = run([START, ...events])
  expect(states.at(-1)).toMatchObject({ phase, seq: events.length })
})

test.for<{ name: string; events: StateEvent[]; reason: string }>([
  {
    name: 'a change before the start',
    events: [change('freeze')],
    reason: 'change before a start',
  },
  { name: 'a second start', events: [START, START], reason: 'start of a session that is running' },
  {
    name: 'a thaw of what is not frozen',
    events: [START, change('thaw')],
    reason: 'thaw of a session that is running',
  },
  {
    name: 'a thaw of what is contained',
    events: [START, change('contain'), change('thaw')],
    reason: 'thaw of a session that is contained',
  },
  {
    name: 'a new key for what is revoked',
    events: [START, change('revoke'), { kind: 'rekey', key: KEY, reason: 'schedule' }],
    reason: 'rekey of a session that is revoked',
  },
  {
    name: 'anything after the end',
    events: [START, END, change('stop')],
    reason: 'stop of a session that is ended',
  },
  { name: 'a second end', events: [START, END, END], reason: 'end of a session that is ended' },
])('refuses $name', ({ events, reason }) => {
  expect(() => run(events)).toThrow(reason)
})

test('whatever happens, states number themselves, name each other, and no two of a session are alike', () => {
  const event = fc.constantFrom<StateEvent>(
    change('freeze'),
    change('thaw'),
    change('contain'),
    change('revoke'),
    change('policy'),
    change('stop'),
    END,
    { kind: 'rekey', key: 'b'.repeat(32), reason: 'schedule' },
    { kind: 'lost' },
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      const states = run([START, ...legal(events)])
      const stamps = states.map((state, i) => stampOf(states[i - 1], state))
      expect(stamps.map(({ seq }) => seq)).toEqual(states.map((_, i) => i))
      expect(stamps.slice(1).map(({ from }) => from)).toEqual(
        stamps.slice(0, -1).map(({ to }) => to),
      )
      expect(new Set(stamps.map(({ to }) => to)).size).toBe(states.length)
    }),
  )
})

test('a leaf says what it changes', () => {
  const leaves: StateLeaf[] = [
    {
      type: 'session.start',
      session: START.session,
      agent: 'claude',
      configuration: START.configuration,
      identity: { key: KEY },
    },
    { type: 'session.state', trigger: 'freeze' },
    { type: 'session.contained' },
    { type: 'identity.issued', key: 'b'.repeat(32), reason: 'restart' },
    { type: 'gap', id: 'some action' },
    { type: 'session.end', reason: 'contained', exitCode: null },
    { type: 'gap', id: 'session.end' },
  ]
  expect(leaves.map(eventOf)).toEqual([
    START,
    change('freeze'),
    change('contain'),
    { kind: 'rekey', key: 'b'.repeat(32), reason: 'restart' },
    undefined,
    { kind: 'end', reason: 'contained', exitCode: null },
    { kind: 'lost' },
  ])
})

test('every field of a state is in its hash', () => {
  const [state] = run([START])
  if (state === undefined) throw new Error('no state')
  const others: SessionState[] = [
    { ...state, session: 's-11111111111111111111' },
    { ...state, agent: 'codex' },
    { ...state, configuration: 'sha256:1' },
    { ...state, phase: 'frozen' },
    { ...state, seq: 1 },
    { ...state, identity: 'c'.repeat(32) },
    { ...state, trigger: 'stop' },
    { ...state, exitCode: 0 },
  ]
  expect(new Set([state, ...others].map(hashOfState)).size).toBe(Object.keys(state).length)
})

/** Every state on the way. @throws Error with the reason of the first event that is refused */
function run(events: readonly StateEvent[]): SessionState[] {
  const states: SessionState[] = []
  for (const event of events) {
    const next = nextState(states.at(-1), event)
    if (next.kind === 'illegal') throw new Error(next.reason)
    states.push(next.state)
  }
  return states
}

/** Leaves out what is refused. */
function legal(events: readonly StateEvent[]): StateEvent[] {
  const taken: StateEvent[] = []
  let state = run([START]).at(-1)
  for (const event of events) {
    const next = nextState(state, event)
    if (next.kind === 'illegal') continue
    state = next.state
    taken.push(event)
  }
  return taken
}
