import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { mount } from '../../kernel/mounts.ts'
import { type Cgroups, openCgroups, type SessionCgroup } from '../cgroup.ts'
import { planCgroupMounts } from '../cgroup-layout.ts'
import type { Surroundings } from './surroundings.ts'

/** A sandbox's cgroup, and what the kernel says of it. */
export type BerthCgroup = {
  cgroup: SessionCgroup
  /** how often the kernel has held its processors back */
  throttled(): number
  /** bytes that it may have beside its memory; undefined where the kernel counts no swap */
  swapBytes(): number | undefined
  /** gives it less of the processors, or what it had */
  squeeze(on: boolean): void
}

/** In this mount namespace alone. @returns with the cgroups, what is to be unmounted */
export function openOwnCgroups(directory: string): { cgroups: Cgroups; mounted: string[] } {
  mkdirSync(directory)
  const own = readFileSync('/proc/self/cgroup', 'utf8')
  const plan = planCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'), directory)
  for (const { type, options, target } of plan.mounts) {
    mkdirSync(target, { recursive: true })
    mount({ source: 'none', target, type, flags: 0, options })
  }
  const cgroups = openCgroups({
    instance: `battery-${process.pid}`,
    under: plan.under,
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: own,
  })
  return { cgroups, mounted: plan.mounts.map(({ target }) => target) }
}

export function makeCgroup(cgroups: Cgroups, name: string, around: Surroundings): BerthCgroup {
  const cgroup = cgroups.create(name, null)
  const files = (file: string): string[] =>
    cgroup.joinPaths.map((path) => join(dirname(path), file)).filter((path) => existsSync(path))
  const read = (file: string): string[] => files(file).map((path) => readFileSync(path, 'utf8'))
  const swap = [...files('memory.swap.max'), ...files('memory.memsw.limit_in_bytes')]
  const limit = (cpuMillis: number): void => {
    cgroup.limit({ ...around.limits, cpuMillis })
    if (!around.swaps) return
    for (const path of swap) writeFileSync(path, path.endsWith('max') ? 'max' : '-1')
  }
  limit(around.limits.cpuMillis)
  return {
    cgroup,
    throttled: () =>
      Math.max(
        ...read('cpu.stat').map((text) => Number(/^nr_throttled (\d+)$/m.exec(text)?.[1] ?? 0)),
      ),
    swapBytes: () => {
      const [unified] = read('memory.swap.max')
      if (unified !== undefined) return unified.trim() === 'max' ? Infinity : Number(unified)
      const [both] = read('memory.memsw.limit_in_bytes')
      const [memory] = read('memory.limit_in_bytes')
      return both === undefined ? undefined : Number(both) - Number(memory)
    },
    squeeze: (on) => limit(on ? around.squeezedCpuMillis : around.limits.cpuMillis),
  }
}
