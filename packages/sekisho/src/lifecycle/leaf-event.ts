import type { ChangeTrigger, StateEvent } from './session-state.ts'

/** Of a leaf, what decides whether and how it changes its session's state. */
export type StateLeaf =
  | {
      type: 'session.start'
      session: string
      agent: string
      configuration: string
      identity: { key: string }
    }
  | { type: 'session.state'; trigger: ChangeTrigger }
  | { type: 'session.contained' }
  | { type: 'identity.issued'; key: string; reason: string }
  | { type: 'session.end'; reason: string; exitCode: number | null }
  | { type: 'gap'; id: string }

/** The change that a leaf stands for; undefined for a gap of an action. */
export function eventOf(leaf: StateLeaf): StateEvent | undefined {
  switch (leaf.type) {
    case 'session.start': {
      const { session, agent, configuration, identity } = leaf
      return { kind: 'start', session, agent, configuration, key: identity.key }
    }
    case 'session.state':
      return { kind: 'change', trigger: leaf.trigger }
    case 'session.contained':
      return { kind: 'change', trigger: 'contain' }
    case 'identity.issued':
      return { kind: 'rekey', key: leaf.key, reason: leaf.reason }
    case 'session.end':
      return { kind: 'end', reason: leaf.reason, exitCode: leaf.exitCode }
    case 'gap':
      return leaf.id === 'session.end' ? { kind: 'lost' } : undefined
  }
}
