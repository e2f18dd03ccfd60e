import { readFileSync } from 'node:fs'

export type ProcessStat = {
  /** proc(5): `R`, `S`, `D`, `T` stopped, `t` traced, `Z` dead and not yet reaped, `X` … */
  state: string
  parent: number
  /** the process group */
  group: number
}

/** @returns undefined for a process that has ended */
export function readProcessStat(pid: number): ProcessStat | undefined {
  const text = readStat(pid)
  // `pid (comm) state ppid pgrp …`, where comm may hold anything, `)` too
  const [state, parent, group] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (state === undefined || parent === undefined || group === undefined) return undefined
  return { state, parent: Number(parent), group: Number(group) }
}

/** Dead and not yet reaped is dead. */
export function isAlive(pid: number): boolean {
  const stat = readProcessStat(pid)
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X'
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return '' // it has ended
  }
}
