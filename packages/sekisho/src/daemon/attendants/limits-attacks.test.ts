import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmdirSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, type TestContext, vi } from 'vitest'
import { MOUNT_FLAGS, mount } from '../../kernel/mounts.ts'
import { createReactor, type Reactor } from '../../kernel/reactor.ts'
import { type Cgroups, openCgroups, type SessionCgroup } from '../../sandbox/cgroup.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import type { Limits } from '../../wire/sandbox.ts'
import { SYSTEM_CLOCK } from '../clock.ts'
import { StopLadder } from '../stop-ladder.ts'
import { type Limited, LimitsWatch } from './limits.ts'
import { mostOpenFiles } from './open-files.ts'
import { SlowPoll } from './slow-poll.ts'
import type { SpaceUse } from './space.ts'

const MIB = 1024 * 1024
const SESSION = 's-0123456789abcdefghij'
const LIMITS: Limits = {
  memoryBytes: 64 * MIB,
  pids: 24,
  cpuMillis: 100,
  openFiles: 32,
  wallClockMs: 60_000,
  tmpBytes: 4 * MIB,
  tmpInodes: 200,
  diskBytes: 4 * MIB,
  diskInodes: 200,
  egressBytes: 0,
  egressRequests: 0,
}

let made = 0

/** A session with real limits and no sandbox around it: a cgroup, two file systems, its watch. */
class Attacked {
  readonly leaves: LeafInput[] = []
  readonly reasons: string[] = []
  readonly scratch: string
  readonly cgroup: SessionCgroup
  readonly ladder: StopLadder
  readonly #reactor: Reactor
  readonly #cgroups: Cgroups
  readonly #watch: LimitsWatch
  #command: ChildProcess | undefined

  /** @param limits those that are left out are as good as none: how a test is seen to be red */
  constructor(limits: Partial<Limits> = {}) {
    const all = { ...LIMITS, ...limits }
    this.#reactor = createReactor({ onError: (error) => expect.unreachable(String(error)) })
    this.#cgroups = openCgroups({
      instance: `attack-${process.pid}-${made++}`,
      under: '/sys/fs/cgroup',
      mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
      membership: readFileSync('/proc/self/cgroup', 'utf8'),
    })
    this.cgroup = this.#cgroups.create('s-1', all)
    this.scratch = mkdtempSync(join(tmpdir(), 'sekisho-attack-'))
    const options = `size=${all.tmpBytes},nr_inodes=${all.tmpInodes},mode=1777`
    const flags = MOUNT_FLAGS.noSetuid | MOUNT_FLAGS.noDevices
    mount({ source: 'tmpfs', target: this.scratch, type: 'tmpfs', flags, options })
    this.ladder = new StopLadder({
      terminate: () => void this.#command?.kill('SIGTERM'),
      freeze: (timeoutMs) => this.cgroup.freeze(timeoutMs),
      kill: () => this.cgroup.kill(),
      isEmpty: () => this.cgroup.isEmpty(),
      letGo: () => undefined,
    })
    this.#watch = new LimitsWatch(this.#live(all), {
      clock: SYSTEM_CLOCK,
      poll: new SlowPoll(),
      mostOpenFiles,
    })
  }

  /** Resolves when the command has ended. */
  async run(script: string): Promise<{ text: string; signal: unknown }> {
    const enter =
      'joins=$1; shift; while [ $joins -gt 0 ]; do echo 0 > "$1" || exit 99; shift; joins=$((joins-1)); done; cd "$1"; ulimit -n 32; eval "$2"'
    const { joinPaths } = this.cgroup
    const args = ['-c', enter, 'bash', String(joinPaths.length), ...joinPaths, this.scratch, script]
    const child = spawn('bash', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#command = child
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const [, signal]: unknown[] = await once(child, 'exit')
    return { text, signal }
  }

  breachOf(limit: string): Extract<LeafInput, { type: 'limit.breach' }> | undefined {
    return this.leaves
      .filter((leaf) => leaf.type === 'limit.breach')
      .find((leaf) => leaf.limit === limit)
  }

  async end(): Promise<{ isGone: boolean; counters: Record<string, number> }> {
    const isGone = await this.ladder.finish()
    this.ladder.close()
    return { isGone, counters: await this.#watch.end() }
  }

  close(): void {
    this.ladder.close()
    this.#cgroups.close()
    this.#reactor.close()
    spawnSync('umount', ['-l', this.scratch])
    rmdirSync(this.scratch)
  }

  #use(): SpaceUse {
    const { blocks, bfree, bsize, files, ffree } = statfsSync(this.scratch)
    const bytesFree = bfree * bsize
    return {
      bytes: blocks * bsize - bytesFree,
      inodes: files - ffree,
      bytesFree,
      inodesFree: ffree,
    }
  }

  #live(limits: Limits): Limited {
    return {
      plan: { session: SESSION, limits, isolation: 'standard' },
      platform: {
        reactor: this.#reactor,
        gates: { peer: () => expect.unreachable('no gate here') },
        warn: (line) => expect.unreachable(line),
      },
      cgroup: this.cgroup,
      network: { id: 1, gate: 0, egressUsed: { bytes: 0, requests: 0 } },
      space: { tmp: () => this.#use(), disk: () => null },
      record: async (leaf) => this.leaves.push(leaf),
      stop: (reason) => {
        this.reasons.push(reason)
        this.ladder.stop()
      },
    }
  }
}

function begin(context: TestContext, limits: Partial<Limits> = {}): Attacked {
  const attacked = new Attacked(limits)
  context.onTestFinished(() => attacked.close())
  return attacked
}

const breach = (what: object): unknown => ({ type: 'limit.breach', session: SESSION, ...what })

test.concurrent('a fork bomb gets no further than its limit, is recorded, and dies whole', async (context) => {
  const session = begin(context, { cpuMillis: 500, wallClockMs: 700 })
  await session.run('bomb() { bomb | bomb & bomb; }; trap "" TERM; bomb; sleep 100')
  await vi.waitUntil(() => session.breachOf('wall-clock'), 60_000)
  const { isGone, counters } = await session.end()
  expect(isGone).toBe(true)
  expect(counters['session.pidsPeak']).toBeLessThanOrEqual(24)
  expect(session.breachOf('pids')).toEqual(
    breach({ limit: 'pids', configured: 24, observed: expect.any(Number), did: 'refused' }),
  )
  expect(counters['session.forksRefused']).toBeGreaterThan(0)
})

test.concurrent('a memory filler takes the whole session with it, daemons that use nothing included', async (context) => {
  const session = begin(context)
  const script = 'setsid sleep 1000 & python3 -c "x = bytearray(500 * 1024 * 1024)"; sleep 1000'
  await session.run(script)
  const { isGone, counters } = await session.end()
  expect({ isGone, reason: session.reasons[0] }).toEqual({ isGone: true, reason: 'limit' })
  expect(session.breachOf('memory')).toEqual(
    breach({ limit: 'memory', configured: 64 * MIB, observed: expect.any(Number), did: 'killed' }),
  )
  expect(counters['session.memoryPeakBytes']).toBeLessThanOrEqual(64 * MIB)
})

test.concurrent('a spinner is throttled to its share, and recorded', async (context) => {
  const session = begin(context)
  const startedAtMs = performance.now()
  const ran = session.run('while :; do :; done')
  // among others that spin it may get less than its share for as long as they do
  const isThrottled = (): boolean => {
    const { cpuThrottledMicros = 0, cpuThrottledPeriods = 0 } = session.cgroup.usage()
    return cpuThrottledMicros > 200_000 && cpuThrottledPeriods >= 15
  }
  await vi.waitUntil(isThrottled, 60_000)
  const { counters } = await session.end()
  await ran
  const tookMs = performance.now() - startedAtMs
  expect(session.breachOf('cpu')).toEqual(
    breach({ limit: 'cpu', configured: 100, observed: expect.any(Number), did: 'throttled' }),
  )
  expect(counters['session.cpuMicros']).toBeLessThan(300 * tookMs) // three tenths of it, not a tenth
  expect(counters['session.cpuThrottledMicros']).toBeGreaterThan(200_000)
})

test.concurrent('a sleeper that ignores SIGTERM dies with its daemonised grandchild when its time is over', async (context) => {
  const session = begin(context, { wallClockMs: 1000, cpuMillis: 1000 })
  const daemon = "(setsid sh -c 'echo pid $$; exec sleep 1000' &)"
  const { text, signal } = await session.run(`trap "" TERM; ${daemon}; sleep 1000`)
  const { isGone, counters } = await session.end()
  const grandchild = Number(/pid (\d+)/.exec(text)?.[1])
  expect(grandchild).toBeGreaterThan(1)
  expect({ isGone, signal }).toEqual({ isGone: true, signal: 'SIGKILL' })
  expect(isRunning(grandchild)).toBe(false)
  expect(readFileSync(session.cgroup.joinPaths[0] ?? '', 'utf8')).toBe('')
  expect(session.reasons).toEqual(['wall-clock'])
  expect(session.breachOf('wall-clock')).toEqual(
    breach({ limit: 'wall-clock', configured: 1000, observed: expect.any(Number), did: 'stopped' }),
  )
  expect(counters['session.wallMs']).toBeGreaterThanOrEqual(3000)
})

test.concurrent('a file filler is refused, and recorded', async (context) => {
  const session = begin(context, { memoryBytes: 128 * MIB, cpuMillis: 1000 })
  const ran = session.run('dd if=/dev/zero of=big bs=64k 2>/dev/null; wc -c < big; sleep 1000')
  await vi.waitUntil(() => session.breachOf('tmp-bytes'), 60_000)
  const { counters } = await session.end()
  const { text } = await ran
  expect(Number(text)).toBeLessThanOrEqual(4 * MIB)
  expect(session.breachOf('tmp-bytes')).toEqual(
    breach({
      limit: 'tmp-bytes',
      configured: 4 * MIB,
      observed: expect.any(Number),
      did: 'refused',
    }),
  )
  expect(counters['session.tmpPeakBytes']).toBe(4 * MIB)
})

test.concurrent('a filler of inodes is refused, and recorded', async (context) => {
  const session = begin(context, { cpuMillis: 1000 })
  const ran = session.run('for i in $(seq 1000); do : > f$i || break; done 2>/dev/null; sleep 1000')
  await vi.waitUntil(() => session.breachOf('tmp-inodes'), 60_000)
  const { counters } = await session.end()
  await ran
  expect(session.breachOf('tmp-inodes')).toEqual(
    breach({ limit: 'tmp-inodes', configured: 200, observed: 200, did: 'refused' }),
  )
  expect(counters['session.tmpPeakInodes']).toBe(200)
})

test.concurrent('a hoarder of descriptors is refused, and recorded while it holds them', async (context) => {
  const session = begin(context, { cpuMillis: 1000 })
  const hoard =
    'import os, time\ntry:\n  while True: os.open("/dev/null", 0)\nexcept OSError: print("refused", flush=True)\ntime.sleep(1000)'
  const ran = session.run(`exec python3 -c '${hoard}'`)
  await vi.waitUntil(() => session.breachOf('open-files'), 60_000)
  await session.end()
  expect((await ran).text).toBe('refused\n')
  const found = session.breachOf('open-files')
  expect(found).toMatchObject({ limit: 'open-files', configured: 32, did: 'refused' })
  expect(found?.observed).toBeLessThan(40)
})

/** One that is dead and not yet waited for does not run. */
function isRunning(pid: number): boolean {
  const status = `/proc/${pid}/status`
  return existsSync(status) && !/^State:\s+Z/m.test(readFileSync(status, 'utf8'))
}
