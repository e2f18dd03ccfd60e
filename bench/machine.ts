import { cpus, release, totalmem } from 'node:os'

export type Machine = {
  cpu: string
  cores: number
  memoryBytes: number
  kernel: string
  node: string
}

/** What the figures were taken on: without it they mean nothing to anyone else. */
export function describeMachine(): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
  }
}
