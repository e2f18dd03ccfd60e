import { readdirSync, readFileSync } from 'node:fs'

/** Of Linux on every machine that Node runs on (sysconf(_SC_CLK_TCK)). */
const TICK_MS = 10

/** CPU time of these processes so far, user and system, in ms. @throws when one of them is gone */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // the name may hold spaces and brackets: what follows its last bracket is fixed (proc(5))
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_MS
  }, 0)
}

/** Memory of these processes, pages that several share counted in parts, in bytes. */
export function memoryBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
    const [, kibibytes = ''] = /^Pss: +(\d+) kB$/m.exec(rollup) ?? []
    if (kibibytes === '') throw new Error(`no Pss of ${pid}`)
    return sum + Number(kibibytes) * 1024
  }, 0)
}

/** A process and all below it. */
export function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1')
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  )
  return [pid, ...children.flatMap(familyOf)]
}
