import { hash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'

/**
 * What a session goes through, as the log tells it: every change is a leaf, and the state after it
 * follows from the leaf and the state before alone (AISVS 9.11.2).
 */
export type SessionState = {
  readonly v: 1
  readonly session: string
  readonly agent: string
  /** digest of the resolved agent definition */
  readonly configuration: string
  readonly phase: Phase
  /** how many changes there were; 0 at the start */
  readonly seq: number
  /** id of the key that signs for it */
  readonly identity: string
  /** what led here */
  readonly trigger: string
  readonly exitCode: number | null
}

type Phase = 'running' | 'frozen' | 'contained' | 'revoked' | 'ended' | 'lost'

export type StateEvent =
  | { kind: 'start'; session: string; agent: string; configuration: string; key: string }
  | { kind: 'change'; trigger: ChangeTrigger }
  | { kind: 'rekey'; key: string; reason: string }
  | { kind: 'end'; reason: string; exitCode: number | null }
  | { kind: 'lost' }

/** As `session.state` names them; `contain` is what `session.contained` stands for. */
export type ChangeTrigger =
  | 'freeze'
  | 'thaw'
  | 'contain'
  | 'revoke'
  | 'gate-restart'
  | 'keyholder-restart'
  | 'policy'
  | 'stop'

/** What a stored leaf has beside its own fields: the hashes of the states around it. */
export type Stamp = { seq: number; from: string | null; to: string }

export type NextState = { kind: 'next'; state: SessionState } | { kind: 'illegal'; reason: string }

/** Phases from which a change leads on, and where; a trigger that is not named keeps the phase. */
const CHANGES: Readonly<Record<ChangeTrigger, Partial<Record<Phase, Phase>>>> = {
  freeze: { running: 'frozen', frozen: 'frozen', contained: 'contained' },
  thaw: { frozen: 'running' },
  contain: {
    running: 'contained',
    frozen: 'contained',
    contained: 'contained',
    revoked: 'contained',
  },
  revoke: { running: 'revoked', frozen: 'revoked', contained: 'contained', revoked: 'revoked' },
  'gate-restart': keeping('running', 'frozen', 'contained', 'revoked'),
  'keyholder-restart': keeping('running', 'frozen', 'contained', 'revoked'),
  policy: keeping('running', 'frozen', 'contained', 'revoked'),
  stop: keeping('running', 'frozen', 'contained', 'revoked'),
}

function keeping(...phases: readonly Phase[]): Partial<Record<Phase, Phase>> {
  return Object.fromEntries(phases.map((phase) => [phase, phase]))
}

/** The one way from a state to the next; undefined is a session that the log does not know. */
export function nextState(state: SessionState | undefined, event: StateEvent): NextState {
  if (event.kind === 'start')
    return state === undefined ? next(started(event)) : illegal(state, event)
  if (state === undefined) return { kind: 'illegal', reason: `${event.kind} before a start` }
  if (state.phase === 'ended' || state.phase === 'lost') return illegal(state, event)
  if (event.kind === 'change') return changed(state, event.trigger)
  return following(state, event)
}

function following(
  state: SessionState,
  event: Exclude<StateEvent, { kind: 'start' | 'change' }>,
): NextState {
  switch (event.kind) {
    case 'rekey':
      // a key that is taken back for good is not followed by another
      if (state.phase === 'revoked') return illegal(state, event)
      return next({ ...after(state, `rekey-${event.reason}`), identity: event.key })
    case 'end':
      return next({ ...after(state, event.reason), phase: 'ended', exitCode: event.exitCode })
    case 'lost':
      return next({ ...after(state, 'lost'), phase: 'lost' })
  }
}

function started({
  session,
  agent,
  configuration,
  key,
}: StateEvent & { kind: 'start' }): SessionState {
  const trigger = 'start'
  return {
    v: 1,
    session,
    agent,
    configuration,
    phase: 'running',
    seq: 0,
    identity: key,
    trigger,
    exitCode: null,
  }
}

function changed(state: SessionState, trigger: ChangeTrigger): NextState {
  const phase = CHANGES[trigger][state.phase]
  if (phase === undefined) return illegal(state, { kind: 'change', trigger })
  return next({ ...after(state, trigger), phase })
}

function after(state: SessionState, trigger: string): SessionState {
  return { ...state, seq: state.seq + 1, trigger }
}

function next(state: SessionState): NextState {
  return { kind: 'next', state }
}

function illegal({ phase }: SessionState, event: StateEvent): NextState {
  const what = event.kind === 'change' ? event.trigger : event.kind
  return { kind: 'illegal', reason: `${what} of a session that is ${phase}` }
}

/** SHA-256 of the state's canonical form (RFC 8785), as leaves have it. */
export function hashOfState(state: SessionState): string {
  return `sha256:${hash('sha256', canonicalJson(state))}`
}

export function stampOf(before: SessionState | undefined, after: SessionState): Stamp {
  return {
    seq: after.seq,
    from: before === undefined ? null : hashOfState(before),
    to: hashOfState(after),
  }
}
