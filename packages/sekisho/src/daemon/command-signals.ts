import { existsSync, readFileSync } from 'node:fs'
import { libc } from '../kernel/libc.ts'
import { openPidfd, signalPidfd } from '../kernel/pidfd.ts'
import type { Runtime } from '../sandbox/runtimes/runtime.ts'
import { readProcessStat } from '../sandbox/process-stat.ts'

export type Signal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2' | 'SIGCONT'

type Started = {
  /** written by the runtime once the init process inside exists */
  pidFile: string
  /** the runtime, init's parent */
  runtimePid: number
  /** every process of the session: a `cgroup.procs` file */
  processes: string
  /** of the runtime: one with a kernel of its own takes signals itself, and passes them on */
  takesSignals: Runtime['takesSignals']
}

/** How often it is looked whether the command can take what waits for it. */
const LOOK_EVERY_MS = 5

/**
 * Signals for the command, kept until it can take them.
 *
 * A user's Ctrl-C may come at any moment of the start, and none may be lost. As process 1 of its
 * namespace, init is spared every signal that it has no handler for yet; and what it passes on to
 * the command's process group is gone when there is no such group yet. So nothing is sent before
 * init has a child that leads a group.
 */
export class CommandSignals {
  #started: Started | undefined
  #init: number | undefined
  #waiting: Signal[] = []
  #timer: NodeJS.Timeout | undefined
  #closed = false

  started(started: Started): void {
    this.#started = started
    this.#deliver()
  }

  send(signal: Signal): void {
    if (this.#closed) return
    this.#waiting.push(signal)
    this.#deliver()
  }

  /** From here on nobody is signalled: the kernel may give init's number to another process. */
  close(): void {
    this.#closed = true
    this.#waiting = []
    clearTimeout(this.#timer)
    if (this.#init !== undefined) libc.close(this.#init)
    this.#init = undefined
  }

  #deliver(): void {
    if (this.#started === undefined || this.#waiting.length === 0 || this.#closed) return
    this.#init ??= findTaker(this.#started)
    if (this.#init === undefined) {
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#deliver(), LOOK_EVERY_MS)
      return
    }
    for (const signal of this.#waiting.splice(0)) signalPidfd(this.#init, signal)
  }
}

function findTaker(started: Started): number | undefined {
  if (started.takesSignals === 'init') return findInit(started)
  try {
    return openPidfd(started.runtimePid)
  } catch {
    return undefined // it has ended, and so has the session
  }
}

/** @returns a pidfd of init, once its child leads a process group; the caller owns it */
function findInit({ pidFile, runtimePid, processes }: Started): number | undefined {
  const pid = readPid(pidFile)
  if (pid === undefined || !hasCommand(pid, processes)) return undefined
  let pidfd: number
  try {
    pidfd = openPidfd(pid)
  } catch {
    return undefined // it has ended, and so has the session
  }
  // A number alone could have come to mean another process; a child of the runtime is ours.
  if (readProcessStat(pid)?.parent === runtimePid) return pidfd
  libc.close(pidfd)
  return undefined
}

function hasCommand(init: number, processes: string): boolean {
  const pids = readText(processes).split(/\s+/).map(Number)
  return pids.some((pid) => {
    const stat = readProcessStat(pid)
    return stat?.parent === init && stat.group === pid
  })
}

function readPid(path: string): number | undefined {
  if (!existsSync(path)) return undefined
  const pid = Number(readText(path))
  return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // the process or the session has ended
  }
}
