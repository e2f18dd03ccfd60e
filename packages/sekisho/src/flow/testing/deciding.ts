import { CLEAN } from '../../core/label.ts'
import type { CheckpointPorts, Decide, Decider } from '../ports.ts'

type Deciding = Pick<CheckpointPorts, 'decide' | 'current' | 'labels' | 'live'>

/** Ports of one generation that decides as it is told, in a session that nothing has come into. */
export function deciding(decide: Decide, over: Partial<Decider> = {}): Deciding {
  const decider: Decider = {
    generation: 1,
    digest: `sha256:${'0'.repeat(64)}`,
    decide,
    optionsFor: () => ({}),
    readOperation: () => null,
    mandateFor: () => undefined,
    amountsFor: () => null,
    describe: (_action, { label }) => ({ user: 'uid-0', label }),
    ...over,
  }
  return {
    decide,
    current: () => decider,
    labels: {
      label: CLEAN,
      sources: [],
      after: () => CLEAN,
      enter: () => undefined,
      raise: () => undefined,
    },
    live: { enter: () => () => undefined },
  }
}
