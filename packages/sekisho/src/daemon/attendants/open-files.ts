import { readFileSync, statSync } from 'node:fs'

/** Of a session with more, the first are looked at: this is a sample. */
const MAX_PROCESSES = 64

/**
 * The most descriptors that a process of a cgroup has open just now. Linux 6.2 gives the number as
 * the size of the directory; 0 before, and for a cgroup without a process.
 */
export function mostOpenFiles(processesPath: string): number {
  const pids = read(() => readFileSync(processesPath, 'utf8'), '')
    .split(/\s+/)
    .slice(0, MAX_PROCESSES)
    .filter(Boolean)
  return pids.reduce((most, pid) => {
    return Math.max(
      most,
      read(() => statSync(`/proc/${pid}/fd`).size, 0),
    )
  }, 0)
}

/** A process, or the whole cgroup, can go between two looks. */
function read<Value>(from: () => Value, otherwise: Value): Value {
  try {
    return from()
  } catch {
    return otherwise
  }
}
