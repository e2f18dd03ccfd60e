import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Limits } from '../wire/sandbox.ts'
import type { Controller } from './cgroup-layout.ts'

export type SessionLimits = Pick<Limits, 'memoryBytes' | 'pids' | 'cpuMillis'>

/** A controller's directory, in the hierarchy that this host offers it in. */
export type Place = { version: 1 | 2; directory: string }

const CPU_PERIOD_MICROS = 100_000

/**
 * Sets one session's limit of one controller.
 *
 * There is no `memory.high`: it would hold a session at its limit, ever slower, in place of ending
 * it. What comes back without pain (page cache) is reclaimed at `memory.max` too.
 */
export function setLimit(
  name: Controller,
  { version, directory }: Place,
  limits: SessionLimits,
): void {
  const quota = limits.cpuMillis * (CPU_PERIOD_MICROS / 1000)
  const files: Record<Controller, readonly [string, string | number][]> =
    version === 2
      ? {
          memory: [
            ['memory.max', limits.memoryBytes],
            // one process less would leave a session half dead: all of it or none
            ['memory.oom.group', 1],
          ],
          pids: [['pids.max', limits.pids]],
          cpu: [['cpu.max', `${quota} ${CPU_PERIOD_MICROS}`]],
        }
      : {
          memory: [['memory.limit_in_bytes', limits.memoryBytes]],
          pids: [['pids.max', limits.pids]],
          cpu: [
            ['cpu.cfs_period_us', CPU_PERIOD_MICROS],
            ['cpu.cfs_quota_us', quota],
          ],
        }
  for (const [file, value] of files[name]) writeFileSync(join(directory, file), String(value))
  if (name === 'memory') forbidSwap({ version, directory }, limits.memoryBytes)
}

/** Swap would let a session hold more than its limit. Absent when the kernel accounts no swap. */
function forbidSwap({ version, directory }: Place, memoryBytes: number): void {
  const [file, value] =
    version === 2 ? ['memory.swap.max', '0'] : ['memory.memsw.limit_in_bytes', String(memoryBytes)]
  if (existsSync(join(directory, file))) writeFileSync(join(directory, file), value)
  else if (version === 1) writeFileSync(join(directory, 'memory.swappiness'), '0')
}
