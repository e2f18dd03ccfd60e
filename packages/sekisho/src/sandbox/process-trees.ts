import { readFileSync, readlinkSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { libc } from '../kernel/libc.ts'
import { openPidfd, signalPidfd } from '../kernel/pidfd.ts'
import type { Cgroups, SessionCgroup } from './cgroup.ts'

/** What a session lacks where its processes are in no cgroup of its own, each for the start leaf. */
const WITHOUT_CGROUPS: readonly string[] = [
  'limits: no cgroup is delegated to this user, so memory and cpu are not limited; processes are, by RLIMIT_NPROC',
  'freeze: without a cgroup a session is killed without being stopped first',
]

/**
 * Sessions of a user to whom no cgroup is delegated: each is what its launcher has started, and ends
 * with the first process of its pid namespace, which takes every other along (pid_namespaces(7)).
 */
export function openProcessTrees(): Cgroups {
  return { degraded: WITHOUT_CGROUPS, roots: [], create: () => new ProcessTree(), close: () => undefined }
}

class ProcessTree implements SessionCgroup {
  readonly joinPaths: readonly string[] = []
  #launcher: number | undefined
  #init: { pid: number; pidfd: number } | undefined
  #isGone = false

  started(launcher: number): void {
    this.#launcher = launcher
  }

  get processesFile(): string {
    const init = this.#findInit()?.pid
    return init === undefined ? '' : childrenFile(init)
  }

  limit(): void {
    // RLIMIT_NPROC is set on the process that waits; the rest is reported as missing
  }

  usage(): Record<never, never> {
    return {}
  }

  hits(): Record<never, never> {
    return {}
  }

  cpuMicros(): undefined {
    return undefined
  }

  onMemoryLimit(): () => void {
    return () => undefined
  }

  isEmpty(): boolean {
    const init = this.#findInit()
    const isInitGone = init === undefined || !signalPidfd(init.pidfd, 0)
    return isInitGone && !isAlive(this.#launcher)
  }

  freeze(): Promise<void> {
    return Promise.reject(
      new SekishoError('HOST_UNSUPPORTED', 'a session without a cgroup cannot be frozen', {
        hint: 'run the platform as root, or in a delegated cgroup',
      }),
    )
  }

  thaw(): void {
    // nothing was frozen
  }

  kill(): void {
    const init = this.#findInit()
    const below = this.#launcher === undefined ? [] : descendantsOf(this.#launcher)
    if (init !== undefined) signalPidfd(init.pidfd, 'SIGKILL')
    for (const pid of below) killProcess(pid)
  }

  remove(): boolean {
    if (this.#isGone) return true
    this.kill()
    if (!this.isEmpty()) return false
    this.#isGone = true
    if (this.#init !== undefined) libc.close(this.#init.pidfd)
    this.#init = undefined
    return true
  }

  /** Held by a descriptor once it is there: its number could come to mean another process. */
  #findInit(): { pid: number; pidfd: number } | undefined {
    if (this.#init !== undefined || this.#launcher === undefined || this.#isGone) return this.#init
    const own = namespaceOf('self')
    const pid = descendantsOf(this.#launcher).find((one) => {
      const namespace = namespaceOf(String(one))
      return namespace !== undefined && namespace !== own
    })
    if (pid === undefined) return undefined
    try {
      this.#init = { pid, pidfd: openPidfd(pid) }
    } catch {
      return undefined // it has ended meanwhile
    }
    return this.#init
  }
}

/** Parents before children. */
function descendantsOf(pid: number): number[] {
  const children = readOrEmpty(childrenFile(pid)).split(' ').filter(Boolean).map(Number)
  return children.flatMap((child) => [child, ...descendantsOf(child)])
}

/** proc(5); needs CONFIG_PROC_CHILDREN, which distributions set. The runtimes fork on one thread. */
function childrenFile(pid: number): string {
  return `/proc/${pid}/task/${pid}/children`
}

function namespaceOf(process: string): string | undefined {
  try {
    return readlinkSync(`/proc/${process}/ns/pid`)
  } catch {
    return undefined
  }
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false
  const text = readOrEmpty(`/proc/${pid}/stat`)
  return text !== '' && !/\) [ZX] /.test(text)
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // the process has ended
  }
}
