import type { SessionLimits } from '../cgroup.ts'

const MIB = 2 ** 20
export const LIMITS = {
  memoryBytes: 128 * MIB,
  pids: 32,
  cpuMillis: 2000,
  openFiles: 256,
  tmpBytes: 8 * MIB,
  tmpInodes: 400,
} as const

/** What stands around one sandbox and is no part of its OCI configuration. */
export type Surroundings = {
  limits: SessionLimits
  /** whether memory may go to the swap */
  swaps: boolean
  /** whether the score that the launcher has set is taken back before the runtime */
  resetsOomScore: boolean
  /** set while the processors are spun, so that a busy machine shows it, too */
  squeezedCpuMillis: number
  tmp: { tmpBytes: number; tmpInodes: number }
  /** of what a runtime binds from, by place inside: flags that are left out there */
  without: Readonly<Record<string, readonly ('nosuid' | 'nodev' | 'noexec')[]>>
}

export const SURROUNDINGS: Surroundings = {
  limits: LIMITS,
  swaps: false,
  resetsOomScore: false,
  squeezedCpuMillis: 100,
  tmp: LIMITS,
  without: {},
}

/** A kernel of the sandbox's own needs threads and memory itself, within the same limits. */
export const ROOMY: Surroundings = {
  ...SURROUNDINGS,
  limits: { ...LIMITS, memoryBytes: 1024 * MIB, pids: 512 },
}
