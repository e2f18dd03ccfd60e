import { expect, test } from 'vitest'
import type { CgroupUsage } from '../../sandbox/cgroup-usage.ts'
import type { Limits } from '../../wire/sandbox.ts'
import { HandClock } from '../testing/hand-clock.ts'
import { type Limited, LimitsWatch } from './limits.ts'
import { SlowPoll } from './slow-poll.ts'
import type { SpaceUse } from './space.ts'

const MIB = 1024 * 1024
const SESSION = 's-0123456789abcdefghij'
const LIMITS: Limits = {
  memoryBytes: 64 * MIB,
  pids: 12,
  cpuMillis: 500,
  openFiles: 32,
  wallClockMs: 60_000,
  tmpBytes: MIB,
  tmpInodes: 100,
  diskBytes: 8 * MIB,
  diskInodes: 1000,
  egressBytes: 1,
  egressRequests: 1,
}
const EMPTY: SpaceUse = { bytes: 0, inodes: 0, bytesFree: MIB, inodesFree: 100 }
const FULL: SpaceUse = { ...EMPTY, bytes: 8 * MIB, bytesFree: 0 }

/** A session whose kernel says what the test says, and what became of it. */
function watched(options: { isolation?: 'standard' | 'strong'; isLogWritable?: boolean } = {}) {
  const { isolation = 'standard', isLogWritable = true } = options
  const clock = new HandClock()
  const initial: CgroupUsage = { cpuMicros: 0 }
  const kernel = {
    usage: initial,
    tmp: EMPTY,
    disk: EMPTY,
    openFiles: 3,
    hitMemory: (): void => undefined,
    gate: async () => ({ bytes: 10, requests: 1 }),
  }
  const did: string[] = []
  const leaves: unknown[] = []
  const warnings: string[] = []
  const network = { id: 4, gate: 1, egressUsed: { bytes: 0, requests: 0 } }
  const live: Limited = {
    plan: { session: SESSION, limits: LIMITS, isolation },
    platform: {
      reactor: { watch: () => () => undefined },
      gates: { peer: () => ({ call: () => kernel.gate() }) },
      warn: (line) => void warnings.push(line),
    },
    cgroup: {
      processesFile: '/procs',
      usage: () => kernel.usage,
      hits: () => kernel.usage,
      cpuMicros: () => kernel.usage.cpuMicros,
      onMemoryLimit: (_reactor, onHit) => {
        kernel.hitMemory = onHit
        return () => void did.push('memory no longer watched')
      },
      kill: () => void did.push('killed'),
    },
    space: { tmp: () => kernel.tmp, disk: () => kernel.disk },
    network,
    record: async (leaf) => {
      if (!isLogWritable) throw new Error('disk full')
      leaves.push(leaf)
    },
    stop: (reason) => void did.push(`stop: ${reason}`),
  }
  const watch = new LimitsWatch(live, {
    clock,
    poll: new SlowPoll(clock),
    mostOpenFiles: () => kernel.openFiles,
  })
  return { clock, kernel, did, leaves, warnings, network, watch }
}

const breach = (what: object): unknown => ({ type: 'limit.breach', session: SESSION, ...what })

test('a session within its limits is left alone, and its end tells what it used', async () => {
  const { clock, kernel, did, leaves, watch } = watched()
  kernel.usage = { cpuMicros: 5, memoryPeakBytes: MIB, pidsPeak: 3, forksRefused: 0, oomKills: 0 }
  kernel.tmp = { ...EMPTY, bytes: 4096, inodes: 9 }
  await clock.pass(1200)
  kernel.usage = { ...kernel.usage, cpuMicros: 7 }
  kernel.tmp = { ...EMPTY, bytes: 100, inodes: 2 }
  await clock.pass(1200)
  expect(await watch.end()).toEqual({
    'session.cpuMicros': 7,
    'session.memoryPeakBytes': MIB,
    'session.pidsPeak': 3,
    'session.forksRefused': 0,
    'session.oomKills': 0,
    'session.tmpPeakBytes': 4096,
    'session.tmpPeakInodes': 9,
    'session.diskPeakBytes': 0,
    'session.diskPeakInodes': 0,
    'session.openFilesPeak': 3,
    'session.wallMs': 2400,
  })
  expect(leaves).toEqual([])
  expect(did).toEqual(['memory no longer watched'])
  expect(clock.timers).toBe(0)
})

test('when its time is over it is stopped, and that is recorded', async () => {
  const { clock, did, leaves } = watched()
  await clock.pass(59_999)
  expect(did).toEqual([])
  await clock.pass(1)
  expect(did).toEqual(['stop: wall-clock'])
  expect(leaves).toEqual([
    breach({ limit: 'wall-clock', configured: 60_000, observed: 60_000, did: 'stopped' }),
  ])
})

test('at the memory limit all of it is killed at once, whichever process the kernel chose', () => {
  const { kernel, did, leaves } = watched()
  kernel.usage = { cpuMicros: 5, memoryPeakBytes: 64 * MIB, oomKills: 1 }
  kernel.hitMemory()
  kernel.hitMemory()
  expect(did).toEqual(['killed', 'stop: limit', 'killed', 'stop: limit'])
  expect(leaves).toEqual([
    breach({ limit: 'memory', configured: 64 * MIB, observed: 64 * MIB, did: 'killed' }),
  ])
})

test('a memory limit that nobody told of is seen when the command is over', () => {
  const { kernel, did, leaves, watch } = watched()
  kernel.usage = { cpuMicros: 5, memoryPeakBytes: 64 * MIB, oomKills: 4 }
  watch.exited()
  expect(did).toContain('stop: limit')
  expect(leaves).toEqual([
    breach({ limit: 'memory', configured: 64 * MIB, observed: 64 * MIB, did: 'killed' }),
  ])
})

test('refused forks and throttled seconds are recorded within half a second, then tenfold', async () => {
  const { clock, kernel, leaves } = watched()
  kernel.usage = { cpuMicros: 5, forksRefused: 3, cpuThrottledPeriods: 9 }
  await clock.pass(500)
  expect(leaves).toEqual([breach({ limit: 'pids', configured: 12, observed: 3, did: 'refused' })])
  kernel.usage = { cpuMicros: 6, forksRefused: 9, cpuThrottledPeriods: 10 }
  await clock.pass(500)
  kernel.usage = { cpuMicros: 7, forksRefused: 10, cpuThrottledPeriods: 11 }
  await clock.pass(500)
  expect(leaves.slice(1)).toEqual([
    breach({ limit: 'cpu', configured: 500, observed: 10, did: 'throttled' }),
    breach({ limit: 'pids', configured: 12, observed: 10, did: 'refused' }),
  ])
})

test.for([
  { limit: 'tmp-bytes', at: 'tmp', over: { bytes: MIB }, configured: MIB, observed: MIB },
  { limit: 'tmp-inodes', at: 'tmp', over: { inodes: 100 }, configured: 100, observed: 100 },
  {
    limit: 'disk-bytes',
    at: 'disk',
    over: { bytes: 8 * MIB - 5 },
    configured: 8 * MIB,
    observed: 8 * MIB - 5,
  },
  {
    limit: 'disk-inodes',
    at: 'disk',
    over: { inodes: 990, inodesFree: 0 },
    configured: 1000,
    observed: 990,
  },
] as const)('a file system that is full is recorded once: $limit', async (row) => {
  const { clock, kernel, leaves } = watched()
  kernel[row.at] = { ...EMPTY, ...row.over }
  for (let index = 1; index < 4; index++) {
    kernel.usage = { cpuMicros: index }
    await clock.pass(500)
  }
  expect(leaves).toEqual([
    breach({
      limit: row.limit,
      configured: row.configured,
      observed: row.observed,
      did: 'refused',
    }),
  ])
})

test('a process with as many open files as it may have is recorded', async () => {
  const { clock, kernel, leaves } = watched()
  kernel.openFiles = 32
  await clock.pass(500)
  expect(leaves).toEqual([
    breach({ limit: 'open-files', configured: 32, observed: 32, did: 'refused' }),
  ])
})

test('under gVisor open files are not the host’s to count', async () => {
  const { kernel, leaves, watch } = watched({ isolation: 'strong' })
  kernel.openFiles = 5000
  expect(await watch.end()).not.toHaveProperty('session.openFilesPeak')
  expect(leaves).toEqual([])
})

test('an idle session is not looked at', async () => {
  const { clock, kernel, leaves } = watched()
  await clock.pass(500)
  kernel.tmp = FULL
  await clock.pass(5000)
  expect(leaves).toEqual([])
  kernel.usage = { cpuMicros: 1 }
  await clock.pass(500)
  expect(leaves).toHaveLength(1)
})

test('what a gate has let out is known when it dies, and never less than before', async () => {
  const { clock, kernel, network } = watched()
  await clock.pass(500)
  expect(network.egressUsed).toEqual({ bytes: 10, requests: 1 })
  kernel.usage = { cpuMicros: 1 }
  kernel.gate = () => Promise.reject(new Error('down'))
  await clock.pass(500)
  kernel.usage = { cpuMicros: 2 }
  kernel.gate = async () => ({ bytes: 0, requests: 5 })
  await clock.pass(500)
  expect(network.egressUsed).toEqual({ bytes: 10, requests: 5 })
})

test('a breach that is in no leaf shows in the end', async () => {
  const { kernel, watch } = watched({ isLogWritable: false })
  kernel.usage = { cpuMicros: 5, forksRefused: 1 }
  expect(await watch.end()).toMatchObject({ 'session.breachesUnrecorded': 1 })
})

test('what cannot be looked at is said once, and the rest is looked at', async () => {
  const { clock, kernel, leaves, warnings } = watched()
  Object.defineProperty(kernel, 'tmp', {
    get: () => {
      throw new Error('ENOENT')
    },
  })
  kernel.disk = FULL
  for (let index = 1; index < 4; index++) {
    kernel.usage = { cpuMicros: index }
    await clock.pass(500)
  }
  expect(warnings).toEqual([`${SESSION}: tmp not looked at: Error: ENOENT`])
  expect(leaves).toHaveLength(1)
})
