import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Files by figure, the first that exists counts; a key picks a line of a keyed file. */
type Source = { directory: string; file: string; key?: string }

/**
 * What a session has used, for its end record: `memoryPeakBytes`, `cpuMicros`, `pidsPeak`,
 * `oomKills`, `forksRefused`. A figure that this kernel does not give is absent, never zero.
 */
export function readUsage(at: {
  unified: string
  memory: string
  pids: string
}): Record<string, number> {
  const sources: Record<string, readonly Source[]> = {
    memoryPeakBytes: [
      { directory: at.memory, file: 'memory.peak' },
      { directory: at.memory, file: 'memory.max_usage_in_bytes' },
    ],
    cpuMicros: [{ directory: at.unified, file: 'cpu.stat', key: 'usage_usec' }],
    pidsPeak: [{ directory: at.pids, file: 'pids.peak' }],
    oomKills: [
      { directory: at.memory, file: 'memory.events', key: 'oom_kill' },
      { directory: at.memory, file: 'memory.oom_control', key: 'oom_kill' },
    ],
    forksRefused: [{ directory: at.pids, file: 'pids.events', key: 'max' }],
  }
  return Object.fromEntries(
    Object.entries(sources).flatMap(([name, alternatives]) => {
      const value = alternatives.map(read).find((figure) => figure !== undefined)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function read({ directory, file, key }: Source): number | undefined {
  const path = join(directory, file)
  if (!existsSync(path)) return undefined
  const text = readFileSync(path, 'utf8')
  if (key === undefined) return Number(text.trim())
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${key} `))
  return line === undefined ? undefined : Number(line.slice(key.length + 1))
}
