import type { Reactor } from '../../kernel/reactor.ts'
import type { SessionCgroup } from '../../sandbox/cgroup.ts'
import type { EgressUse } from '../../wire/gate.ts'
import type { LimitName } from '../../wire/sandbox.ts'
import { type Clock, SYSTEM_CLOCK } from '../clock.ts'
import type { Attend, Attendant, LiveSession } from './attendant.ts'
import { Breaches } from './breaches.ts'
import { mostOpenFiles } from './open-files.ts'
import { SlowPoll } from './slow-poll.ts'
import { fullnessOf } from './space.ts'

/** Periods of 100 ms at the limit: a burst of a second is the ordinary life of a build. */
const THROTTLED_PERIODS = 10

type Watching = {
  clock: Clock
  poll: Pick<SlowPoll, 'add'>
  mostOpenFiles: typeof mostOpenFiles
}

/** The part of {@link LiveSession} that limits are about. */
export type Limited = Pick<LiveSession, 'record' | 'stop' | 'network' | 'space'> & {
  plan: Pick<LiveSession['plan'], 'session' | 'limits' | 'isolation'>
  cgroup: Pick<
    SessionCgroup,
    'processesFile' | 'usage' | 'hits' | 'cpuMicros' | 'onMemoryLimit' | 'kill'
  >
  platform: {
    reactor: Pick<Reactor, 'watch'>
    gates: { peer(index: number): EgressCounter }
    warn(line: string): void
  }
}
type EgressCounter = {
  call(method: 'network.egress', params: { network: number }): Promise<EgressUse>
}

type SpaceName = 'tmp' | 'disk'
const SPACES: readonly SpaceName[] = ['tmp', 'disk']

/**
 * What the kernel holds a session to is recorded here, and what nobody else ends is ended: the
 * session whose time is over, and the rest of one that met its memory limit. Egress is the gate's.
 */
export class LimitsWatch implements Attendant {
  readonly #live: Limited
  readonly #with: Watching
  readonly #breaches: Breaches
  readonly #startedAtMs: number
  readonly #cancel: (() => void)[] = []
  readonly #peaks = new Map<string, number>()
  readonly #unseen = new Set<string>()
  #cpuMicros: number | undefined

  constructor(live: Limited, watching: Watching) {
    this.#live = live
    this.#with = watching
    this.#breaches = new Breaches(live.plan.session, (leaf) => live.record(leaf))
    this.#startedAtMs = watching.clock.nowMs()
    const { cgroup, platform, plan } = live
    this.#cancel.push(
      cgroup.onMemoryLimit(platform.reactor, () => this.#killForMemory()),
      watching.clock.after(plan.limits.wallClockMs, () => this.#stopForTime()),
      watching.poll.add(() => this.#lookIfBusy()),
    )
  }

  /** Killed with the process that met it, or stopped for it: the reason must not come too late. */
  exited(): void {
    this.#orWarn('cgroup', () => this.#lookAtCounts())
  }

  /**
   * Peaks of memory, processor and processes are the kernel's own; those of file systems and open
   * files are the highest that were seen, every half second.
   */
  async end(): Promise<Record<string, number>> {
    for (const cancel of this.#cancel.splice(0)) cancel()
    this.#look()
    await this.#breaches.settled()
    const { cgroup } = this.#live
    const figures = { ...cgroup.usage(), ...Object.fromEntries(this.#peaks), wallMs: this.#wallMs }
    const counters = Object.entries(figures).map(([name, value]) => [`session.${name}`, value])
    const { unrecorded } = this.#breaches
    if (unrecorded > 0) counters.push(['session.breachesUnrecorded', unrecorded])
    return Object.fromEntries(counters)
  }

  get #wallMs(): number {
    return Math.round(this.#with.clock.nowMs() - this.#startedAtMs)
  }

  /** The kernel killed one process of it, or all: a session is whole or it is over. */
  #killForMemory(): void {
    const { cgroup, plan, stop } = this.#live
    cgroup.kill() // first: what is killed anyway is not to end by a SIGTERM
    stop('limit', {
      message: `the memory limit of ${Math.floor(plan.limits.memoryBytes / 2 ** 20)} MiB is reached`,
      hint: 'raise limits.memory in the agent file',
    })
    const { memoryPeakBytes = plan.limits.memoryBytes } = cgroup.usage()
    const configured = plan.limits.memoryBytes
    this.#breaches.once({ limit: 'memory', configured, observed: memoryPeakBytes, did: 'killed' })
  }

  #stopForTime(): void {
    const configured = this.#live.plan.limits.wallClockMs
    this.#breaches.once({ limit: 'wall-clock', configured, observed: this.#wallMs, did: 'stopped' })
    this.#live.stop('wall-clock')
  }

  /** What has used no processor time since the last look can have met no limit. */
  #lookIfBusy(): void {
    const cpuMicros = this.#live.cgroup.cpuMicros()
    if (cpuMicros !== undefined && cpuMicros === this.#cpuMicros) return
    this.#cpuMicros = cpuMicros
    this.#look()
    this.#askGate()
  }

  #look(): void {
    this.#orWarn('cgroup', () => this.#lookAtCounts())
    for (const name of SPACES) this.#orWarn(name, () => this.#lookAtSpace(name))
    this.#orWarn('open files', () => this.#lookAtOpenFiles())
  }

  /** A limit that cannot be looked at holds all the same. The operator is told once a session. */
  #orWarn(what: string, look: () => void): void {
    try {
      look()
    } catch (error) {
      if (this.#unseen.has(what)) return
      this.#unseen.add(what)
      const { platform, plan } = this.#live
      platform.warn(`${plan.session}: ${what} not looked at: ${String(error)}`)
    }
  }

  #lookAtCounts(): void {
    const { limits } = this.#live.plan
    const hits = this.#live.cgroup.hits()
    const { forksRefused = 0, cpuThrottledPeriods = 0, oomKills = 0 } = hits
    if (oomKills > 0) this.#killForMemory()
    this.#breaches.counted({
      limit: 'pids',
      configured: limits.pids,
      observed: forksRefused,
      did: 'refused',
    })
    this.#breaches.counted(
      {
        limit: 'cpu',
        configured: limits.cpuMillis,
        observed: cpuThrottledPeriods,
        did: 'throttled',
      },
      THROTTLED_PERIODS,
    )
  }

  #lookAtSpace(name: SpaceName): void {
    const { plan, space } = this.#live
    const use = space[name]()
    if (use === null) return
    this.#raise(`${name}PeakBytes`, use.bytes)
    this.#raise(`${name}PeakInodes`, use.inodes)
    const limits = { bytes: plan.limits[`${name}Bytes`], inodes: plan.limits[`${name}Inodes`] }
    const { ofBytes, ofInodes } = fullnessOf(use, limits)
    if (ofBytes) this.#tellOfSpace(`${name}-bytes`, limits.bytes, use.bytes)
    if (ofInodes) this.#tellOfSpace(`${name}-inodes`, limits.inodes, use.inodes)
  }

  #tellOfSpace(limit: LimitName, configured: number, observed: number): void {
    this.#breaches.once({ limit, configured, observed, did: 'refused' })
  }

  /** The kernel counts no refused open. Under gVisor all descriptors are its own. */
  #lookAtOpenFiles(): void {
    const { plan, cgroup } = this.#live
    if (plan.isolation === 'strong') return
    const most = this.#with.mostOpenFiles(cgroup.processesFile)
    if (most === 0) return
    this.#raise('openFilesPeak', most)
    const { openFiles } = plan.limits
    if (most < openFiles) return
    const did = 'refused'
    this.#breaches.once({ limit: 'open-files', configured: openFiles, observed: most, did })
  }

  /** A gate that dies takes its count along: the next one begins with what was last known. */
  #askGate(): void {
    const { network, platform } = this.#live
    const ask = async (): Promise<void> => {
      const peer = platform.gates.peer(network.gate)
      const used = await peer.call('network.egress', { network: network.id })
      network.egressUsed = {
        bytes: Math.max(used.bytes, network.egressUsed.bytes),
        requests: Math.max(used.requests, network.egressUsed.requests),
      }
    }
    ask().catch(() => undefined) // it is down: the last answer stands
  }

  #raise(name: string, value: number): void {
    this.#peaks.set(name, Math.max(value, this.#peaks.get(name) ?? 0))
  }
}

const WATCHING: Watching = { clock: SYSTEM_CLOCK, poll: new SlowPoll(), mostOpenFiles }

export const watchLimits: Attend = (live) => new LimitsWatch(live, WATCHING)
