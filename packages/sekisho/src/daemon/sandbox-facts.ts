import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const

/** What the kernel says of one process, read from outside the sandbox. */
export type ProcessFacts = {
  /** /proc/<pid>/status by field */
  status: Readonly<Record<string, string>>
  /** type to `type:[inode]` */
  namespaces: Readonly<Record<string, string>>
  mountinfo: string
  uidMap: string
  gidMap: string
  cgroup: string
  limits: string
  oomScoreAdj: string
  /** what each open descriptor leads to */
  descriptors: readonly string[]
  /** names in its /dev */
  devices: readonly string[]
}

/** Synchronous: a dozen files of /proc, some tens of microseconds each. @throws when it has ended */
export function readProcessFacts(pid: number): ProcessFacts {
  const text = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8')
  return {
    status: Object.fromEntries(
      text('status')
        .split('\n')
        .map((line) => line.split(/:\s*/, 2))
        .map(([name = '', value = '']) => [name, value]),
    ),
    namespaces: readNamespaces(String(pid)),
    mountinfo: text('mountinfo'),
    uidMap: text('uid_map'),
    gidMap: text('gid_map'),
    cgroup: text('cgroup'),
    limits: text('limits'),
    oomScoreAdj: text('oom_score_adj').trim(),
    descriptors: readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)),
    devices: readdirSync(`/proc/${pid}/root/dev`).toSorted(),
  }
}

/** @param process a pid, or `self` */
export function readNamespaces(process: string): Record<string, string> {
  return Object.fromEntries(
    NAMESPACES.map((type) => [type, readlinkSync(`/proc/${process}/ns/${type}`)]),
  )
}
