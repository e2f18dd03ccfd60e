import { canonicalForm } from '../canonical.ts'
import { sha256 } from '../crypto.ts'
import { count, type Leaf, member, text } from './fields.ts'

/**
 * What a session goes through, replayed from the leaves alone. Written apart from the reducer that
 * the platform decides by: a fault in one is found by the other.
 */
export type ReplayedState = {
  v: 1
  session: string
  agent: string
  configuration: string
  phase: 'running' | 'frozen' | 'contained' | 'revoked' | 'ended' | 'lost'
  seq: number
  identity: string
  trigger: string
  exitCode: number | null
}

type Phase = ReplayedState['phase']

/**
 * One row for a phase and a trigger: the phase after it. What is not here is not allowed.
 */
const TABLE: readonly (readonly [from: Phase, trigger: string, to: Phase])[] = [
  ['running', 'freeze', 'frozen'],
  ['frozen', 'freeze', 'frozen'],
  ['contained', 'freeze', 'contained'],
  ['frozen', 'thaw', 'running'],
  ['running', 'contain', 'contained'],
  ['frozen', 'contain', 'contained'],
  ['contained', 'contain', 'contained'],
  ['revoked', 'contain', 'contained'],
  ['running', 'revoke', 'revoked'],
  ['frozen', 'revoke', 'revoked'],
  ['contained', 'revoke', 'contained'],
  ['revoked', 'revoke', 'revoked'],
  ...(['gate-restart', 'keyholder-restart', 'policy', 'stop'] as const).flatMap((trigger) =>
    (['running', 'frozen', 'contained', 'revoked'] as const).map(
      (phase) => [phase, trigger, phase] as const,
    ),
  ),
]

const STEPS: ReadonlyMap<string, Phase> = new Map(
  TABLE.map(([from, trigger, to]) => [`${from} ${trigger}`, to]),
)

/** What a leaf does to a state; undefined where it changes none. */
type Change = {
  trigger: string
  identity?: string
  end?: { phase: Phase; exitCode: number | null }
}

const CHANGES: Readonly<Record<string, (leaf: Leaf) => Change | undefined>> = {
  'session.state': (leaf) => ({ trigger: text(leaf, 'trigger') ?? '' }),
  'session.contained': () => ({ trigger: 'contain' }),
  'identity.issued': (leaf) => ({
    trigger: `rekey-${text(leaf, 'reason')}`,
    identity: text(leaf, 'key') ?? '',
  }),
  'session.end': (leaf) => ({
    trigger: text(leaf, 'reason') ?? '',
    end: { phase: 'ended', exitCode: count(leaf, 'exitCode') ?? null },
  }),
  gap: (leaf) =>
    leaf['id'] === 'session.end'
      ? { trigger: 'lost', end: { phase: 'lost', exitCode: null } }
      : undefined,
}

/** The state that a start leaf makes. */
export function startedState(leaf: Leaf): ReplayedState {
  return {
    v: 1,
    session: text(leaf, 'session') ?? '',
    agent: text(leaf, 'agent') ?? '',
    configuration: text(leaf, 'configuration') ?? '',
    phase: 'running',
    seq: 0,
    identity: text(member(leaf, 'identity'), 'key') ?? '',
    trigger: 'start',
    exitCode: null,
  }
}

/** The state after a leaf; undefined where the leaf changes none, a string where it may not. */
export function stateAfter(state: ReplayedState, leaf: Leaf): ReplayedState | undefined | string {
  const change = CHANGES[text(leaf, 'type') ?? '']?.(leaf)
  if (change === undefined) return undefined
  const { trigger, identity, end } = change
  const next = { ...state, seq: state.seq + 1, trigger }
  if (end !== undefined) return { ...next, phase: end.phase, exitCode: end.exitCode }
  if (identity !== undefined) {
    return state.phase === 'revoked'
      ? 'a new key for a session that is revoked'
      : { ...next, identity }
  }
  const phase = STEPS.get(`${state.phase} ${trigger}`)
  return phase === undefined ? `${trigger} of a session that is ${state.phase}` : { ...next, phase }
}

export function stateHash(state: ReplayedState): string {
  return `sha256:${sha256(Buffer.from(canonicalForm(state))).toString('hex')}`
}

/** Why a leaf's stamp is not that of these states; undefined when it is. */
export function whyNotStamp(
  stamp: Leaf | undefined,
  { before, after }: { before: ReplayedState | undefined; after: ReplayedState },
): string | undefined {
  if (stamp === undefined) return 'it does not say which state it leads to'
  if (stamp['seq'] !== after.seq)
    return `its state is numbered ${String(stamp['seq'])}, not ${after.seq}`
  if (stamp['from'] !== (before === undefined ? null : stateHash(before))) {
    return 'the state before it is not the one that the leaves lead to'
  }
  return stamp['to'] === stateHash(after)
    ? undefined
    : 'the state after it is not the one that the leaves lead to'
}
