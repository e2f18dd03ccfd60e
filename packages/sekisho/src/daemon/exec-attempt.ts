import { existsSync, fstatSync, readFileSync, readlinkSync, type BigIntStats } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'

/** The file that a thread waits to execute, as the kernel tells of it. */
export type AttemptedFile = {
  /** as the caller's mount namespace names it */
  path: string
  stats: BigIntStats
  /** it has no name any more */
  isDeleted: boolean
}

/** Who executes it: nothing of this is the caller's own word. */
export type Caller = {
  pid: number
  parent: number
  /** what the process executed before; of one that was forked, what its parent did */
  path: string
}

const DELETED = ' (deleted)'
/** Functions of the kernel (fs/binfmt_*.c) that open an interpreter while they load a program. */
const LOADING = / load_\w+/

export function readAttemptedFile(fd: number): AttemptedFile {
  const path = readPath(fd)
  return { path, stats: fstatSync(fd, { bigint: true }), isDeleted: path.endsWith(DELETED) }
}

/** A thread that has asked us is on its way to sleep; on a busy machine others run before it. */
const ASLEEP_WITHIN_MS = 2_000

/**
 * Whether the file is read by the kernel on behalf of another program: after `#!`, or as its
 * dynamic loader. Costs 50 µs.
 *
 * The kernel tells of an attempt before the thread sleeps. Of one that still runs, the stack is that
 * of some earlier sleep: a loader would pass for a program.
 *
 * @throws when the thread has died meanwhile
 */
export async function isLoading(tid: number): Promise<boolean> {
  if (!hasStacks()) return false
  const deadlineMs = performance.now() + ASLEEP_WITHIN_MS
  for (let tries = 0; isRunning(tid) && performance.now() < deadlineMs; tries++) {
    if (tries < TRIES_AT_ONCE) await nextTurn()
    else await pause(1)
  }
  return LOADING.test(readFileSync(`/proc/${tid}/stack`, 'latin1'))
}

const TRIES_AT_ONCE = 8

/** proc_pid_stat(5): the state is the third field, behind the name in brackets. */
function isRunning(tid: number): boolean {
  const stat = readFileSync(`/proc/${tid}/stat`, 'latin1')
  return stat.startsWith('R', stat.lastIndexOf(')') + 2)
}

let stacks: boolean | undefined

/** A kernel without CONFIG_STACKTRACE: there each interpreter is a program like any other. */
export function hasStacks(): boolean {
  stacks ??= existsSync('/proc/self/stack')
  return stacks
}

/** @throws when the thread has died meanwhile */
export function readCaller(tid: number): Caller {
  const status = readFileSync(`/proc/${tid}/status`, 'latin1')
  return {
    pid: numberAfter(status, '\nTgid:'),
    parent: numberAfter(status, '\nPPid:'),
    path: readProgram(tid),
  }
}

/** @returns 0 for a process that has died, or whose parent is outside our pid namespace */
export function readParent(pid: number): number {
  try {
    return numberAfter(readFileSync(`/proc/${pid}/status`, 'latin1'), '\nPPid:')
  } catch {
    return 0
  }
}

/** The cgroup that a thread is in, and cannot leave, names its berth. @returns undefined for none */
export function berthOfThread(tid: number): string | undefined {
  return /\/(berth-\d+)(?:\/|$)/m.exec(readFileSync(`/proc/${tid}/cgroup`, 'latin1'))?.[1]
}

function readPath(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`, 'buffer').toString('utf8')
  } catch {
    return `a path of more than 4095 bytes${DELETED}` // ENAMETOOLONG: as good as no name
  }
}

function readProgram(tid: number): string {
  try {
    return readlinkSync(`/proc/${tid}/exe`, 'buffer').toString('utf8')
  } catch {
    return ''
  }
}

function numberAfter(text: string, label: string): number {
  const at = text.indexOf(label)
  return at === -1 ? 0 : Number.parseInt(text.slice(at + label.length, at + label.length + 16), 10)
}
