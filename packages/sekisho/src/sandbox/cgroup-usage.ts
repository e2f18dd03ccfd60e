import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Files by figure, the first that exists counts; a key picks a line of a keyed file. */
type Source = { directory: string; file: string; key?: string; scale?: number }

/** Directories of one session. */
export type UsagePlaces = { unified: string; memory: string; pids: string; cpu: string }

/**
 * What a session has used, and how often it met a limit. A figure that this kernel does not give is
 * absent, never zero.
 */
export type CgroupUsage = {
  memoryPeakBytes?: number
  cpuMicros?: number
  /** time that its processes wanted to run and were kept waiting by the limit, over all processors */
  cpuThrottledMicros?: number
  /** periods of 100 ms in which they were */
  cpuThrottledPeriods?: number
  pidsPeak?: number
  forksRefused?: number
  /** processes killed for the memory limit */
  oomKills?: number
}

export function readUsage(at: UsagePlaces): CgroupUsage {
  return readAll({
    memoryPeakBytes: [
      { directory: at.memory, file: 'memory.peak' },
      { directory: at.memory, file: 'memory.max_usage_in_bytes' },
    ],
    cpuMicros: [{ directory: at.unified, file: 'cpu.stat', key: 'usage_usec' }],
    pidsPeak: [{ directory: at.pids, file: 'pids.peak' }],
    ...hits(at),
  })
}

/** The part of {@link readUsage} that tells whether a limit was met. */
export function readHits(at: UsagePlaces): CgroupUsage {
  return readAll(hits(at))
}

/** Microseconds of processor time: what has not moved on since has done nothing. */
export function readCpuMicros({ unified }: Pick<UsagePlaces, 'unified'>): number | undefined {
  return read({ directory: unified, file: 'cpu.stat', key: 'usage_usec' })
}

function hits(at: UsagePlaces): Partial<Record<keyof CgroupUsage, readonly Source[]>> {
  const { memory, pids, cpu } = at
  return {
    oomKills: [
      { directory: memory, file: 'memory.events', key: 'oom_kill' },
      { directory: memory, file: 'memory.oom_control', key: 'oom_kill' },
    ],
    forksRefused: [{ directory: pids, file: 'pids.events', key: 'max' }],
    cpuThrottledPeriods: [{ directory: cpu, file: 'cpu.stat', key: 'nr_throttled' }],
    cpuThrottledMicros: [
      { directory: cpu, file: 'cpu.stat', key: 'throttled_usec' },
      { directory: cpu, file: 'cpu.stat', key: 'throttled_time', scale: 1 / 1000 }, // ns in v1
    ],
  }
}

function readAll(figures: Partial<Record<keyof CgroupUsage, readonly Source[]>>): CgroupUsage {
  return Object.fromEntries(
    Object.entries(figures).flatMap(([name, alternatives]) => {
      const value = alternatives.map(read).find((figure) => figure !== undefined)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function read({ directory, file, key, scale = 1 }: Source): number | undefined {
  const path = join(directory, file)
  if (!existsSync(path)) return undefined
  const text = readFileSync(path, 'utf8')
  if (key === undefined) return Number(text.trim())
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${key} `))
  return line === undefined ? undefined : Math.round(Number(line.slice(key.length + 1)) * scale)
}
