import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const SWEEP_TIMEOUT_MS = 5000
const KILL_ROUNDS = 100

/**
 * Ends everything below the given parents and removes them. Synchronous: for a process whose last
 * act this is, and for the start of one.
 *
 * @returns the directories that are still there
 */
export function sweep(roots: readonly string[]): string[] {
  const deadline = performance.now() + SWEEP_TIMEOUT_MS
  const present = roots.filter((root) => existsSync(root))
  for (const root of present) for (const path of cgroupsBelow(root)) killCgroup(path)
  let left = present
  while (left.length > 0) {
    left = left.filter((root) => !removeTree(root))
    if (performance.now() > deadline) break
    if (left.length > 0) blockMs(2)
  }
  return left
}

/**
 * `cgroup.kill` also hits what is being forked; without it (before Linux 5.14) freeze first. One that
 * is gone meanwhile needs no killing: a supervisor that starts and a guardian may sweep at once.
 */
export function killCgroup(directory: string): void {
  try {
    killPresent(directory)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENODEV') throw error
  }
}

function killPresent(directory: string): void {
  const kill = join(directory, 'cgroup.kill')
  if (existsSync(kill)) return writeFileSync(kill, '1')
  const freezer = join(directory, 'cgroup.freeze')
  if (existsSync(freezer)) writeFileSync(freezer, '1')
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const pids = processesOf(directory)
    if (pids.length === 0) break
    for (const pid of pids) killProcess(pid)
    if (existsSync(freezer)) break // frozen: nothing new can have appeared
  }
  if (existsSync(freezer)) writeFileSync(freezer, '0')
}

/** @returns whether it is gone; a cgroup with a process in it, even a dying one, resists */
export function removeCgroup(directory: string): boolean {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      rmdirSync(directory)
      return true
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return true
      if (codeOf(error) !== 'EBUSY') throw error
    }
    blockMs(1)
  }
  return false
}

/** Resolves after `ms` milliseconds. */
export function pauseMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Holds the thread. */
export function blockMs(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function removeTree(root: string): boolean {
  return cgroupsBelow(root).every((path) => {
    killCgroup(path)
    return removeCgroup(path)
  })
}

/** Deepest first, the root last. */
function cgroupsBelow(root: string): string[] {
  const children = listDirectories(root)
  if (children === undefined) return []
  return [...children.flatMap((child) => cgroupsBelow(join(root, child))), root]
}

/** undefined for one that is gone */
function listDirectories(path: string): string[] | undefined {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function processesOf(directory: string): number[] {
  if (!existsSync(directory)) return []
  const text = readFileSync(join(directory, 'cgroup.procs'), 'utf8')
  return text.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]))
}

function killProcess(pid: number): void {
  if (pid <= 1) return // 0 is a process of another pid namespace, which this cannot name
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
