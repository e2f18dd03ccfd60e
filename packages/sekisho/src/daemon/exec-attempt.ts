import { fstatSync, readFileSync, readlinkSync, type BigIntStats } from 'node:fs'
import type { ExecAttempt } from '../kernel/fanotify-exec.ts'

/** What the kernel says of an exec that waits: nothing of it is the caller's own word. */
export type AttemptFacts = {
  /** the file as the caller's mount namespace names it */
  path: string
  stats: BigIntStats
  /** it has no name any more */
  isDeleted: boolean
  /** read by the kernel on behalf of another program: after `#!`, or as its dynamic loader */
  isInterpreter: boolean
  pid: number
  parent: number
  /** what the process executed before; of one that was forked, what its parent did */
  callerPath: string
}

const DELETED = ' (deleted)'
/** Functions of the kernel (fs/binfmt_*.c) that open an interpreter while they load a program. */
const LOADING = / load_\w+/

/** @throws when the thread has died meanwhile */
export function readAttempt({ fd, tid }: ExecAttempt): AttemptFacts {
  const path = readPath(fd)
  const status = readFileSync(`/proc/${tid}/status`, 'latin1')
  return {
    path,
    stats: fstatSync(fd, { bigint: true }),
    isDeleted: path.endsWith(DELETED),
    isInterpreter: LOADING.test(readFileSync(`/proc/${tid}/stack`, 'latin1')),
    pid: numberAfter(status, '\nTgid:'),
    parent: numberAfter(status, '\nPPid:'),
    callerPath: readCaller(tid),
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

function readCaller(tid: number): string {
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
