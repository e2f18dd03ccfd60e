import { spawn } from 'node:child_process'
import { closeSync, openSync, rmSync } from 'node:fs'
import { call, callInChild, fork, waitFor, wordsOf } from './native.ts'
import { fact, type Finding, type Given, type Probe, type Probes, told } from './probe.ts'

const SYS = {
  mmap: 9,
  pause: 34,
  kill: 62,
  alarm: 37,
  fallocate: 285,
  prlimit: 302,
  mknod: 133,
} as const
const SIGKILL = 9
const MAP_PRIVATE_ANONYMOUS_POPULATE = 0x8022
const RLIMIT = { core: 4, openFiles: 7 } as const
const ENOSPC = -28
const SPIN_MS = 250

function hard(resource: number): bigint {
  const limit = Buffer.alloc(16)
  const value = call(SYS.prlimit, 0, resource, 0, limit)
  return value < 0 ? -1n : limit.readBigUInt64LE(8)
}

/** Raising the hard limit again, in a child. */
function raises(resource: number, to: bigint): Probe {
  return (): Finding => {
    const limit = Buffer.alloc(16)
    limit.writeBigUInt64LE(to, 0)
    limit.writeBigUInt64LE(to, 8)
    const { values } = callInChild([wordsOf(SYS.prlimit, [0, resource, limit, 0])])
    const value = values[0] ?? null
    return { held: value === null || value < 0, detail: told(value) }
  }
}

/** Takes more bytes than the limit in one file; nothing is written. */
function fillsBytes(directory: string): Probe {
  return ({ limits }) => {
    const path = `${directory}/filler`
    const fd = openSync(path, 'w')
    try {
      const value = call(SYS.fallocate, fd, 0, 0, limits.tmpBytes + 4096)
      return { held: value === ENOSPC, detail: told(value) }
    } finally {
      closeSync(fd)
      rmSync(path)
    }
  }
}

const S_IFREG = 0o100000

function fillsInodes(directory: string): Probe {
  return ({ limits }) => {
    let made = 0
    let value = 0
    while (made <= limits.tmpInodes && value >= 0) {
      value = call(SYS.mknod, `${directory}/inode-${made}`, S_IFREG | 0o600, 0)
      if (value >= 0) made += 1
    }
    for (let i = 0; i < made; i++) rmSync(`${directory}/inode-${i}`)
    return { held: value === ENOSPC, detail: `${told(value)} after ${made}` }
  }
}

function opensFiles({ limits }: Given): Finding {
  const open: number[] = []
  try {
    while (open.length <= limits.openFiles) open.push(openSync('/dev/null', 'r'))
    return { held: false, detail: `${open.length} open` }
  } catch (error) {
    return { held: true, detail: String(error instanceof Error && 'code' in error && error.code) }
  } finally {
    for (const fd of open) closeSync(fd)
  }
}

/** Children that do nothing; each dies by itself should the battery be killed. */
function forks({ limits, hostKernel }: Given): Finding {
  if (!hostKernel) return { held: null, detail: 'the sandbox’s kernel has threads of its own' }
  const children: number[] = []
  let refused = 0
  while (children.length <= limits.pids && refused === 0) {
    const child = fork([wordsOf(SYS.alarm, [5]), wordsOf(SYS.pause, [])])
    if (child < 0) refused = child
    else children.push(child)
  }
  for (const child of children) call(SYS.kill, child, SIGKILL)
  for (const child of children) waitFor(child)
  return { held: refused < 0, detail: `${told(refused)} after ${children.length}` }
}

/** The kernel kills the child, or the whole session at once: the host knows to expect that. */
function takesMemory({ limits, hostKernel }: Given): Finding {
  if (!hostKernel) return { held: null, detail: 'would end the sandbox’s kernel' }
  const bytes = limits.memoryBytes + 16 * 2 ** 20
  const words = wordsOf(SYS.mmap, [0, bytes, 3, MAP_PRIVATE_ANONYMOUS_POPULATE, -1, 0])
  const { signal, values } = callInChild([words])
  return { held: signal === SIGKILL, detail: `${told(values[0] ?? null)}, signal ${signal}` }
}

/** What is taken is the host's to measure. */
async function spins(): Promise<Finding> {
  const spinners = [1, 2].map(() => spawn('/bin/sh', ['-c', 'while :; do :; done']))
  const end = performance.now() + SPIN_MS
  while (performance.now() < end) JSON.parse('[1, 2, 3]')
  await Promise.all(
    spinners.map(
      (spinner) =>
        new Promise((resolve) => {
          spinner.on('close', resolve)
          spinner.kill('SIGKILL')
        }),
    ),
  )
  return { held: true, detail: `${spinners.length + 1} for ${SPIN_MS} ms` }
}

export const limits: Probes = {
  'open-files': fact(({ limits: { openFiles } }) => {
    const found = hard(RLIMIT.openFiles)
    return found >= 0n && found <= BigInt(openFiles) ? undefined : String(found)
  }),
  'open-files-taken': opensFiles,
  'open-files-raised': (given) =>
    raises(RLIMIT.openFiles, BigInt(given.limits.openFiles + 1))(given),
  'core-file': fact(() => (hard(RLIMIT.core) === 0n ? undefined : 'not 0')),
  'core-file-raised': raises(RLIMIT.core, 1024n),
  'tmp-bytes': fillsBytes('/tmp'),
  'home-bytes': fillsBytes('/home/agent'),
  'run-bytes': fillsBytes('/run'),
  'shm-bytes': fillsBytes('/dev/shm'),
  'tmp-inodes': fillsInodes('/tmp'),
  'shm-inodes': fillsInodes('/dev/shm'),
  processes: forks,
  cpu: spins,
  memory: takesMemory,
}
