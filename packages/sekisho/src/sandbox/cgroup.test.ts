import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { createReactor } from '../kernel/reactor.ts'
import { type Cgroups, type SessionCgroup, openCgroups, sweep } from './cgroup.ts'
import { findHierarchies, planCgroupMounts } from './cgroup-layout.ts'

const MIB = 1024 ** 2
const LIMITS = { memoryBytes: 64 * MIB, pids: 12, cpuMillis: 500 }

const HYBRID = [
  '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
  '35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
  '39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids',
  '38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio',
  '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
  '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
].join('\n')
const UNIFIED = '25 20 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate'

test('a mixed host gets its hierarchies again in private, and a plain one for crun', () => {
  expect(planCgroupMounts(HYBRID, '/run/sekisho/cgroup')).toEqual({
    mounts: [
      { type: 'cgroup', options: 'cpu,cpuacct', target: '/run/sekisho/cgroup/cpu,cpuacct' },
      { type: 'cgroup', options: 'memory', target: '/run/sekisho/cgroup/memory' },
      { type: 'cgroup', options: 'pids', target: '/run/sekisho/cgroup/pids' },
      { type: 'cgroup2', options: null, target: '/run/sekisho/cgroup/unified' },
      { type: 'cgroup2', options: null, target: '/sys/fs/cgroup' },
    ],
    under: '/run/sekisho/cgroup',
  })
})

test('a unified host is taken as it is', () => {
  expect(planCgroupMounts(UNIFIED, '/run/x')).toEqual({ mounts: [], under: '/sys/fs/cgroup' })
})

test('fast joining is asked for in each mount of the unified hierarchy', () => {
  const options = (mountinfo: string): unknown[] =>
    planCgroupMounts(mountinfo, '/run/x', { fastJoin: true })
      .mounts.filter(({ type }) => type === 'cgroup2')
      .map((mount) => [mount.target, mount.options])
  expect(options(UNIFIED)).toEqual([['/run/x/unified', 'favordynmods']])
  expect(options(HYBRID)).toEqual([
    ['/run/x/unified', 'favordynmods'],
    ['/sys/fs/cgroup', 'favordynmods'],
  ])
})

test('our own cgroup is found in each hierarchy, whatever part of it is mounted', () => {
  const membership = '4:memory:/docker/abc/job\n3:pids:/../other\n2:cpu,cpuacct:/job:1\n0::/a\n'
  expect(
    findHierarchies(HYBRID, membership, '/sys/fs/cgroup').map((h) => [h.version, h.own]),
  ).toEqual([
    [1, '/sys/fs/cgroup/cpu,cpuacct/job:1'],
    [1, '/sys/fs/cgroup/memory/job'],
    [1, '/sys/fs/cgroup/pids'],
    [1, '/sys/fs/cgroup/blkio'],
    [2, '/sys/fs/cgroup/unified/a'],
  ])
  expect(findHierarchies(HYBRID, membership, '/run')).toEqual([])
})

const opened: Cgroups[] = []
const scratch: string[] = []
afterEach(() => {
  for (const cgroups of opened.splice(0)) cgroups.close()
  for (const directory of scratch.splice(0)) rmSync(directory, { recursive: true })
})

function open(): Cgroups {
  const cgroups = openCgroups({
    instance: `test-${process.pid}`,
    under: '/sys/fs/cgroup',
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: readFileSync('/proc/self/cgroup', 'utf8'),
  })
  opened.push(cgroups)
  return cgroups
}

/** Starts a shell inside the cgroup, by the same writes as the launcher's. */
function inside(cgroup: SessionCgroup, script: string): ChildProcess {
  const enter =
    'joins=$1; shift; while [ $joins -gt 0 ]; do echo 0 > "$1" || exit 99; shift; joins=$((joins-1)); done; eval "$1"'
  const { joinPaths } = cgroup
  return spawn('bash', ['-c', enter, 'bash', String(joinPaths.length), ...joinPaths, script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function outputOf(
  child: ChildProcess,
): Promise<{ text: string; code: unknown; signal: unknown }> {
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const [code, signal]: unknown[] = await once(child, 'close')
  return { text, code, signal }
}

test('a process that joined is in every hierarchy, under the session’s name', async () => {
  const cgroup = open().create('s-1', LIMITS)
  const { text } = await outputOf(inside(cgroup, 'cat /proc/self/cgroup'))
  const here = text.split('\n').filter((line) => line.endsWith(`/sekisho-test-${process.pid}/s-1`))
  expect(new Set(here.map((line) => line.split(':')[1]))).toEqual(
    new Set(cgroup.joinPaths.map((path) => controllersOf(text, path))),
  )
  expect(here.length).toBe(cgroup.joinPaths.length)
})

const BOMB = `
import os, signal
made = []
try:
    for _ in range(100):
        pid = os.fork()
        if pid == 0: signal.pause()
        made.append(pid)
except BlockingIOError:
    print(len(made), flush=True)
for pid in made: os.kill(pid, 9)
`

test('a fork bomb stops at the limit and is counted', async () => {
  const cgroup = open().create('s-1', LIMITS)
  const { text } = await outputOf(inside(cgroup, `exec python3 -c '${BOMB}'`))
  expect(text).toBe(`${LIMITS.pids - 1}\n`)
  expect(cgroup.hits().forksRefused).toBeGreaterThan(0)
})

test('a process above the memory limit is killed, and the peak is known', async () => {
  const cgroup = open().create('s-1', LIMITS)
  const hog = inside(cgroup, 'exec python3 -c "x = bytearray(200 * 1024 * 1024); print(len(x))"')
  expect(await outputOf(hog)).toEqual({ text: '', code: null, signal: 'SIGKILL' })
  const usage = cgroup.usage()
  expect(usage.oomKills).toBe(1)
  expect(usage.memoryPeakBytes).toBeGreaterThan(50 * MIB)
  expect(usage.memoryPeakBytes).toBeLessThanOrEqual(LIMITS.memoryBytes)
})

test('who watches the memory limit is told at once, and while the session lives no sooner', async () => {
  const reactor = createReactor({ onError: (error) => expect.unreachable(String(error)) })
  const cgroup = open().create('s-1', LIMITS)
  const hits: number[] = []
  const hit = new Promise<void>((resolve) => {
    const stop = cgroup.onMemoryLimit(reactor, () => {
      hits.push(cgroup.hits().oomKills ?? 0)
      stop()
      resolve()
    })
  })
  const modest = inside(cgroup, 'exec python3 -c "x = bytearray(8 * 1024 * 1024)"')
  expect((await outputOf(modest)).code).toBe(0)
  expect(hits).toEqual([])
  const hog = inside(cgroup, 'exec python3 -c "x = bytearray(200 * 1024 * 1024)"')
  await Promise.all([hit, outputOf(hog)])
  expect(hits).toHaveLength(1)
  reactor.close()
})

test('a cgroup that is removed has met no limit', async () => {
  const reactor = createReactor({ onError: (error) => expect.unreachable(String(error)) })
  const cgroup = open().create('s-1', LIMITS)
  const stop = cgroup.onMemoryLimit(reactor, () => expect.unreachable('a hit'))
  expect(cgroup.remove()).toBe(true)
  await new Promise((resolve) => void setImmediate(() => setImmediate(resolve)))
  stop()
  reactor.close()
})

test('a spinner gets its share of one processor and no more', async () => {
  const cgroup = open().create('s-1', { ...LIMITS, cpuMillis: 100 })
  const startedMs = performance.now()
  const spin = inside(cgroup, 'while :; do :; done')
  const closed = once(spin, 'close')
  // among others that spin it may get less than its share for as long as they do
  await vi.waitUntil(() => (cgroup.usage().cpuThrottledPeriods ?? 0) >= 5, 60_000)
  const { cpuMicros = 0, cpuThrottledMicros } = cgroup.usage()
  expect(cpuThrottledMicros).toBeGreaterThan(0)
  expect(cpuMicros).toBeGreaterThan(20_000)
  expect(cpuMicros).toBeLessThan(300 * (performance.now() - startedMs)) // three tenths, not a tenth
  cgroup.kill()
  await closed
})

test('frozen, nothing runs; killed, nothing is left', async () => {
  const cgroup = open().create('s-1', LIMITS)
  const child = inside(cgroup, 'echo ready; setsid sleep 1000 & while :; do echo tick; done')
  child.stdout?.resume()
  const closed = once(child, 'close')
  await once(child.stdout ?? child, 'data')
  expect(cgroup.isEmpty()).toBe(false)
  await cgroup.freeze()
  const before = cgroup.cpuMicros()
  await cgroup.freeze()
  expect(cgroup.cpuMicros()).toBe(before)
  cgroup.kill()
  await closed
  expect(child.signalCode).toBe('SIGKILL')
  await expect.poll(() => cgroup.isEmpty()).toBe(true)
  cgroup.remove()
  expect(cgroup.joinPaths.filter((path) => existsSync(path))).toEqual([])
})

test('what two have frozen, one does not let go', async () => {
  const cgroup = open().create('s-1', LIMITS)
  const files = cgroup.joinPaths.map((path) => join(dirname(path), 'cgroup.freeze'))
  const isFrozen = (): boolean =>
    files.some((path) => existsSync(path) && readFileSync(path, 'utf8') === '1\n')
  await cgroup.freeze()
  await cgroup.freeze()
  cgroup.thaw()
  expect(isFrozen()).toBe(true)
  cgroup.thaw()
  expect(isFrozen()).toBe(false)
})

test('a sweep ends and removes what a dead instance left', async () => {
  const cgroups = open()
  const child = inside(cgroups.create('s-1', LIMITS), 'echo ready; exec sleep 1000')
  const closed = once(child, 'close')
  await once(child.stdout ?? child, 'data')
  expect(sweep(cgroups.roots)).toEqual([])
  await closed
  expect(child.signalCode).toBe('SIGKILL')
  expect(cgroups.roots.filter((root) => existsSync(root))).toEqual([])
  expect(sweep(cgroups.roots)).toEqual([])
})

test('a session’s name cannot lead out of the instance', () => {
  expect(() => open().create('../x', LIMITS)).toThrow('session name')
})

/** A directory tree that looks like cgroup v2 with every controller. */
function fakeUnified(): string {
  const top = mkdtempSync(join(tmpdir(), 'sekisho-cgroup-'))
  scratch.push(top)
  writeFileSync(join(top, 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids\n')
  writeFileSync(join(top, 'cgroup.subtree_control'), 'cpu memory pids\n')
  return top
}

function openFake(top: string): Cgroups {
  return openCgroups({
    instance: 'a',
    under: top,
    mountinfo: `25 20 0:22 / ${top} rw - cgroup2 cgroup2 rw`,
    membership: '0::/\n',
  })
}

test('on a unified host all limits are in one cgroup', () => {
  const top = fakeUnified()
  const cgroups = openFake(top)
  mkdirSync(join(top, 'sekisho-a', 's-0'))
  const cgroup = cgroups.create('s-1', LIMITS)
  const at = join(top, 'sekisho-a', 's-1')
  expect(cgroups.roots).toEqual([join(top, 'sekisho-a')])
  expect(cgroup.joinPaths).toEqual([join(at, 'cgroup.procs')])
  expect(readFileSync(join(top, 'sekisho-a', 'cgroup.subtree_control'), 'utf8')).toBe(
    '+memory +pids +cpu',
  )
  const written = readdirSync(at).map((name) => [name, readFileSync(join(at, name), 'utf8')])
  expect(Object.fromEntries(written)).toEqual({
    'memory.max': String(64 * MIB),
    'memory.oom.group': '1',
    'pids.max': '12',
    'cpu.max': '50000 100000',
  })
  for (const [name, text] of Object.entries({
    'memory.peak': '4096\n',
    'memory.events': 'low 0\noom 1\noom_kill 2\n',
    'pids.peak': '3\n',
    'pids.events': 'max 7\n',
    'cpu.stat': 'usage_usec 123\nuser_usec 100\nnr_throttled 4\nthrottled_usec 5000\n',
  })) {
    writeFileSync(join(at, name), text)
  }
  expect(cgroup.usage()).toEqual({
    memoryPeakBytes: 4096,
    cpuMicros: 123,
    pidsPeak: 3,
    oomKills: 2,
    forksRefused: 7,
    cpuThrottledPeriods: 4,
    cpuThrottledMicros: 5000,
  })
})

test('on a unified host the kernel’s word on memory.events is heard', async () => {
  const cgroup = openFake(fakeUnified()).create('s-1', LIMITS)
  const events = join(dirname(cgroup.joinPaths[0] ?? ''), 'memory.events')
  writeFileSync(events, 'max 0\noom 0\noom_kill 0\n')
  const noReactor = { watch: () => expect.unreachable('an eventfd') }
  await new Promise<void>((resolve) => {
    const stop = cgroup.onMemoryLimit(noReactor, () => {
      stop()
      resolve()
    })
    writeFileSync(events, 'max 9\noom 0\noom_kill 0\n')
    writeFileSync(events, 'max 9\noom 1\noom_kill 3\n')
  })
  expect(cgroup.hits().oomKills).toBe(3)
})

test('a host that cannot limit memory is refused', () => {
  const top = fakeUnified()
  writeFileSync(join(top, 'cgroup.controllers'), 'cpu pids\n')
  const mountinfo = `25 20 0:22 / ${top} rw - cgroup2 cgroup2 rw`
  expect(() => openCgroups({ instance: 'a', under: top, mountinfo, membership: '0::/\n' })).toThrow(
    'no cgroup controller for memory',
  )
})

function controllersOf(membership: string, path: string): string {
  const [, , , , hierarchy = ''] = path.split('/')
  return hierarchy === 'unified' || !membership.includes(`:${hierarchy}:`) ? '' : hierarchy
}
