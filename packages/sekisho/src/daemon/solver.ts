import type { controlToSupervisor } from '../wire/control.ts'
import type { Handlers, Peer, Protocol } from '../wire/peer.ts'
import type { supervisorToSolver } from '../wire/solver.ts'
import { makeSolver } from './child-kinds.ts'

/** z3 is 35 MB to load, and then to keep: after this long without a question it goes. */
const IDLE_MS = 5 * 60_000
/** A comparison that takes longer proves nothing. */
const COMPARE_TIMEOUT_MS = 10_000
/** An action waits for it. */
const SETTLE_TIMEOUT_MS = 500
/** What an answer may be late for its way and its turn; then the process is held to hang. */
const HUNG_AFTER_MS = 3_000
const STOP_GRACE_MS = 500
/** A timer may fire a little before its time by the other clock. */
const TIMER_SLACK_MS = 5

type SolverPeer = Peer<typeof supervisorToSolver, Protocol>
type SolverCalls = Pick<typeof controlToSupervisor, 'solver.compare' | 'solver.settle'>

/** What is needed of a child process: a process that can be started once and stopped. */
export type SolverProcess = {
  readonly isUp: boolean
  readonly peer: SolverPeer
  readonly pid: number | undefined
  start(): Promise<void>
  stop(graceMs: number): Promise<void>
}

type Options = {
  warn: (line: string) => void
  launch?: () => SolverProcess
  idleMs?: number
}

/** A process each: what an action waits for does not wait for a comparison. */
export class Solvers {
  readonly #compare: Solver
  readonly #settle: Solver

  constructor(options: Options) {
    this.#compare = new Solver(options)
    this.#settle = new Solver(options)
  }

  /** Of the processes that are there. */
  pids(): Record<string, number> {
    const all = { 'solver-compare': this.#compare.pid, 'solver-settle': this.#settle.pid }
    return Object.fromEntries(
      Object.entries(all).flatMap(([name, pid]) => (pid === undefined ? [] : [[name, pid]])),
    )
  }

  handlers(): Handlers<SolverCalls> {
    return {
      'solver.compare': (bundles) =>
        this.#compare.ask(COMPARE_TIMEOUT_MS, (peer, { limitMs, timeoutMs }) =>
          peer.call('compare', { ...bundles, timeoutMs: limitMs }, { timeoutMs }),
        ),
      'solver.settle': ({ problem }) =>
        this.#settle.ask(SETTLE_TIMEOUT_MS, (peer, { limitMs, timeoutMs }) =>
          peer.call('settle', { problem, timeoutMs: limitMs }, { timeoutMs }),
        ),
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#compare.stop(), this.#settle.stop()])
  }
}

type Running = { child: SolverProcess; up: Promise<void>; isReady: boolean }

type Times = {
  /** of the solver itself */
  limitMs: number
  /** after which it is held to hang */
  timeoutMs: number
}

/**
 * A process that proves things, which is there while somebody asks. It has code and nothing else:
 * no network, no files, a uid of its own; one that hangs or dies answers nobody, and whoever waits
 * is told that nothing is proven.
 */
export class Solver {
  readonly #launch: () => SolverProcess
  readonly #warn: (line: string) => void
  readonly #idleMs: number
  #process: Running | undefined
  #asking = 0
  #idle: NodeJS.Timeout | undefined

  constructor({ warn, launch = () => makeSolver(warn), idleMs = IDLE_MS }: Options) {
    this.#warn = warn
    this.#launch = launch
    this.#idleMs = idleMs
  }

  get pid(): number | undefined {
    return this.#process?.child.pid
  }

  /** @throws SekishoError PEER_UNAVAILABLE, TIMEOUT, DEPENDENCY_MISSING: nothing is proven */
  async ask<T>(limitMs: number, call: (peer: SolverPeer, times: Times) => Promise<T>): Promise<T> {
    this.#asking += 1
    clearTimeout(this.#idle)
    // one that has died since it was last asked is no reason to prove nothing
    if (this.#process?.isReady === true && !this.#process.child.isUp) await this.stop()
    const running = (this.#process ??= this.#start())
    let askedAtMs = Infinity
    const timeoutMs = limitMs + HUNG_AFTER_MS
    try {
      await running.up
      running.isReady = true
      askedAtMs = performance.now()
      return await call(running.child.peer, { limitMs, timeoutMs })
    } catch (thrown) {
      const isHung = performance.now() - askedAtMs >= timeoutMs - TIMER_SLACK_MS
      if (isHung || !running.child.isUp) await this.#end(running) // the next question gets another
      throw thrown
    } finally {
      this.#asking -= 1
      if (this.#asking === 0) this.#endWhenIdle()
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle)
    if (this.#process !== undefined) await this.#end(this.#process)
  }

  #start(): Running {
    const child = this.#launch()
    const up = child.start()
    up.catch(() => undefined) // whoever asks has the error
    return { child, up, isReady: false }
  }

  async #end(running: Running): Promise<void> {
    if (this.#process === running) this.#process = undefined
    await running.child.stop(STOP_GRACE_MS)
  }

  #endWhenIdle(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => {
      this.stop().catch((error: unknown) => this.#warn(`the solver: ${String(error)}`))
    }, this.#idleMs)
    this.#idle.unref()
  }
}
