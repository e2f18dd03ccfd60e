import type { Isolation, RuntimeName } from '../../wire/sandbox.ts'
import { crun } from './crun.ts'
import { runc } from './runc.ts'
import { runsc } from './runsc.ts'
import type { Runtime } from './runtime.ts'

export const RUNTIMES: readonly Runtime[] = [crun, runc, runsc]

/**
 * The runtime for an isolation: the preferred one where it isolates at least so, else the first
 * that does. Whether it is there, and works, its probe tells: nothing weaker ever takes its place.
 */
export function runtimeFor(isolation: Isolation, preferred: RuntimeName): Runtime {
  if (isolation === 'strong') return runsc
  return RUNTIMES.find(({ name }) => name === preferred) ?? crun
}
