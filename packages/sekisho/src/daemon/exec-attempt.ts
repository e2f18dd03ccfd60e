import { existsSync, fstatSync, readFileSync, readlinkSync, type BigIntStats } from 'node:fs'

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

/**
 * Whether the file is read by the kernel on behalf of another program: after `#!`, or as its
 * dynamic loader. Costs 25 µs.
 *
 * @throws when the thread has died meanwhile
 */
export function isLoading(tid: number): boolean {
  return hasStacks() && LOADING.test(readFileSync(`/proc/${tid}/stack`, 'latin1'))
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
