import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** What one platform holds of the kernel, by name where there is one: equal lists are equal states. */
export type Traces = {
  /** processes in cgroups of this instance: sandboxes, and launchers that wait for one */
  sandboxProcesses: number
  cgroups: number
  /** mounts in the supervisor's own namespace */
  mounts: number
  /** mounts of this instance on the host, where none should be, as mount points */
  hostMounts: string[]
  /** network namespaces that the supervisor holds */
  networks: number
  /** berths in the supervisor's box */
  berths: number
  /** of those, FIFOs that a sandbox waits at */
  fifos: number
  /** disks of sessions that the supervisor has mounted */
  disks: number
  /** what runtimes note of their sandboxes */
  runtimeStates: number
  /** loop devices over files of this instance */
  loops: number
  /** sessions with files in the state directory */
  kept: string[]
}

/** The instance's cgroup, as the supervisor names it. */
export function cgroupNameOf(home: string): string {
  const digest = createHash('sha256').update(join(home, 'state')).digest('hex')
  return `sekisho-${digest.slice(0, 12)}`
}

export function tracesOf(home: string, supervisor: number): Traces {
  return {
    sandboxProcesses: sandboxProcesses(home).length,
    cgroups: cgroupsOf(home).length,
    mounts: mountPoints(`/proc/${supervisor}/mountinfo`).length,
    hostMounts: hostMountsOf(home),
    networks: descriptorsOf(supervisor).filter((link) => link.startsWith('net:')).length,
    ...inBox(`/proc/${supervisor}/root/run/sekisho-box`),
    loops: loopsOf(home).length,
    kept: list(join(home, 'state/sessions')),
  }
}

function inBox(box: string): Pick<Traces, 'berths' | 'fifos' | 'disks' | 'runtimeStates'> {
  const berths = list(join(box, 's'))
  const files = berths.flatMap((name) => {
    const directory = join(box, 's', name, 'files')
    return list(directory).map((file) => join(directory, file))
  })
  const runtimes = list(join(box, 'runtimes'))
  return {
    berths: berths.length,
    fifos: files.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isFIFO()).length,
    disks: list(join(box, 'disks')).length,
    runtimeStates: runtimes.flatMap((name) => list(join(box, 'runtimes', name))).length,
  }
}

/** Loop devices on the whole machine whose file is below this home, removed files included. */
export function loopsOf(home: string): string[] {
  return list('/sys/block').filter((name) =>
    read(`/sys/block/${name}/loop/backing_file`).startsWith(`${home}/`),
  )
}

/** Processes that run in any cgroup of this instance, on the whole machine. */
export function sandboxProcesses(home: string): number[] {
  const name = cgroupNameOf(home)
  return pids().filter((pid) => read(`/proc/${pid}/cgroup`).includes(`/${name}/`) && !isGone(pid))
}

/** Cgroup directories of this instance in all hierarchies of the host. */
export function cgroupsOf(home: string): string[] {
  const name = cgroupNameOf(home)
  return below('/sys/fs/cgroup').filter(
    (path) => path.includes(`/${name}/`) || path.endsWith(`/${name}`),
  )
}

/** Where each descriptor of a process leads; empty when it has ended. */
export function descriptorsOf(pid: number): string[] {
  return list(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return [] // closed in between
    }
  })
}

/** Other programs on this machine mount what they like meanwhile. */
export function hostMountsOf(home: string): string[] {
  return mountPoints('/proc/self/mountinfo').filter(
    (path) => path.startsWith(`${home}/`) || path.startsWith('/run/sekisho-box'),
  )
}

/** No process has this number, or what has it is dead and not yet reaped. */
export function isGone(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`)
  return stat === '' || stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
}

function mountPoints(path: string): string[] {
  return read(path)
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [line.split(' ')[4] ?? '']))
    .toSorted()
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function below(directory: string): string[] {
  const children = (() => {
    try {
      return readdirSync(directory, { withFileTypes: true })
    } catch {
      return [] // removed in between
    }
  })()
  const paths = children
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name))
  return paths.flatMap((path) => [path, ...below(path)])
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch {
    return [] // it is not there, which is what is asked
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // the process has ended
  }
}
