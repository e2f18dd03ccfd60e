import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { libc } from '../kernel/libc.ts'
import { hasEnded, openPidfd, signalPidfd } from '../kernel/pidfd.ts'
import { limitProcesses } from '../kernel/resource-limits.ts'
import { blockMs, pauseMs } from './cgroup-end.ts'
import type { SessionLimits } from './cgroup-limits.ts'
import type { Cgroups, SessionCgroup } from './cgroup.ts'
import { isAlive, readProcessStat } from './process-stat.ts'

/** What a session lacks where its processes are in no cgroup of its own, each for the start leaf. */
const WITHOUT_CGROUPS: readonly string[] = [
  'limits: no cgroup is delegated to this user; memory and cpu are not limited, processes by RLIMIT_NPROC, unrecorded',
  'freeze: without a cgroup by SIGSTOP to each process, which one that is not stopped yet can undo',
]

const FREEZE_TIMEOUT_MS = 2000

/**
 * Sessions of a user to whom no cgroup is delegated: each is what its launcher has started, and ends
 * with the first process of its pid namespace, which takes every other along (pid_namespaces(7)).
 */
export function openProcessTrees(): Cgroups {
  return {
    degraded: WITHOUT_CGROUPS,
    roots: [],
    create: () => new ProcessTree(),
    close: () => undefined,
  }
}

class ProcessTree implements SessionCgroup {
  readonly joinPaths: readonly string[] = []
  #launcher: number | undefined
  #init: { pid: number; pidfd: number } | undefined
  #isGone = false
  #limits: SessionLimits | undefined
  #holds = 0

  started(launcher: number): void {
    this.#launcher = launcher
  }

  get processesFile(): string {
    const init = this.#findInit()?.pid
    return init === undefined ? '' : childrenFile(init)
  }

  limit(to: SessionLimits): void {
    this.#limits = to
  }

  /**
   * RLIMIT_NPROC counts by uid and user namespace, and each session has a namespace of its own. The
   * agent inherits it from the process that waits, and has no right to raise it.
   */
  begin(): void {
    const init = this.#findInit()
    if (init === undefined || this.#limits === undefined) {
      throw new SekishoError('SANDBOX_FAILED', 'the sandbox has no process to limit')
    }
    for (const pid of this.#members()) limitProcesses(pid, this.#limits.pids)
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
    const isInitGone = init === undefined || hasEnded(init.pidfd)
    return isInitGone && !isRunning(this.#launcher)
  }

  /**
   * Stops each process until a look finds none that runs: only who is not stopped can start another,
   * or one that was stopped. Never the launcher, which has to see their end.
   */
  async freeze(timeoutMs = FREEZE_TIMEOUT_MS): Promise<void> {
    this.#holds += 1
    const deadline = performance.now() + timeoutMs
    for (let looks = 0; looks < 2; ) {
      const running = this.#members().filter((pid) => !isStopped(pid))
      for (const pid of running) signal(pid, 'SIGSTOP')
      looks = running.length === 0 ? looks + 1 : 0
      if (performance.now() > deadline) {
        throw new SekishoError('TIMEOUT', 'the session does not stop', { hint: 'kill the session' })
      }
      if (looks < 2) await pauseMs(1)
    }
  }

  thaw(): void {
    this.#holds = Math.max(0, this.#holds - 1)
    if (this.#holds === 0) for (const pid of this.#members()) signal(pid, 'SIGCONT')
  }

  kill(): void {
    const init = this.#findInit()
    const below = this.#launcher === undefined ? [] : descendantsOf(this.#launcher)
    if (init !== undefined) signalPidfd(init.pidfd, 'SIGKILL')
    for (const pid of below) signal(pid, 'SIGKILL')
  }

  /** Every process of its pid namespace, which none can leave. */
  #members(): number[] {
    const init = this.#findInit()
    const own = init === undefined ? undefined : namespaceOf(String(init.pid))
    if (own === undefined) return []
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return pids.filter((pid) => namespaceOf(pid) === own).map(Number)
  }

  remove(): boolean {
    if (this.#isGone) return true
    for (let attempt = 0; attempt < 10; attempt++) {
      this.kill()
      if (this.isEmpty()) break
      blockMs(2)
    }
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
  const children = threadsOf(pid).map((thread) =>
    readOrEmpty(`/proc/${pid}/task/${thread}/children`),
  )
  const pids = children.join(' ').split(' ').filter(Boolean).map(Number)
  return pids.flatMap((child) => [child, ...descendantsOf(child)])
}

/** A child is listed with the thread that forked it. */
function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return [] // it has ended
  }
}

/** proc(5); needs CONFIG_PROC_CHILDREN, which distributions set. */
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

function isRunning(pid: number | undefined): boolean {
  return pid !== undefined && isAlive(pid)
}

function isStopped(pid: number): boolean {
  const stat = readProcessStat(pid)
  return stat === undefined || ['Z', 'X', 'T', 't'].includes(stat.state)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
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
