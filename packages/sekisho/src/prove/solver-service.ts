import { SekishoError } from '../core/error.ts'
import { OneAtATime } from '../core/one-at-a-time.ts'
import { type Handlers, Peer, type Transport } from '../wire/peer.ts'
import { supervisorToSolver } from '../wire/solver.ts'
import { compareBundles } from './compare.ts'
import { settle } from './settle.ts'
import { Z3 } from './z3.ts'

/** Jobs that wait or run; a further one is refused, which denies what it was asked for. */
const MAX_JOBS = 32

/**
 * The solver: z3 for one supervisor, one job at a time, each under its own limit, in which its wait
 * counts too. A z3 that does not stop within twice a limit cannot be ended from within, so
 * then the process ends itself, and everything asked of it is denied until it is there again.
 *
 * @param end ends the process
 * @throws SekishoError DEPENDENCY_MISSING when z3 cannot be started
 */
export async function serveSolver(options: {
  supervisor: Transport
  /** milliseconds that only grow */
  now: () => number
  end: (error: SekishoError) => void
}): Promise<{ stop(): Promise<void> }> {
  const { supervisor, now, end } = options
  const z3 = await Z3.open(end).catch((cause: unknown) => {
    throw new SekishoError('DEPENDENCY_MISSING', 'z3 cannot be started', { cause })
  })
  const jobs = new Jobs(now)
  const handlers: Handlers<typeof supervisorToSolver> = {
    settle: ({ problem, timeoutMs }) =>
      jobs.run(timeoutMs, (leftMs) => settle(problem, { ask: z3.ask, timeoutMs: leftMs, now })),
    compare: ({ before, after, timeoutMs }) =>
      jobs.run(timeoutMs, (leftMs) =>
        compareBundles(before, after, { ask: z3.ask, timeoutMs: leftMs, now }),
      ),
    stop: async () => {
      await stop()
      return {}
    },
  }
  const stop = async (): Promise<void> => {
    jobs.close()
    await z3.close()
  }
  new Peer('supervisor', supervisor, { out: {}, in: supervisorToSolver, handlers })
  return { stop }
}

/** One after the other. */
class Jobs {
  readonly #now: () => number
  readonly #line = new OneAtATime()
  #count = 0
  #closed = false

  constructor(now: () => number) {
    this.#now = now
  }

  close(): void {
    this.#closed = true
  }

  async run<T>(timeoutMs: number, job: (leftMs: number) => Promise<T>): Promise<T> {
    if (this.#closed) throw new SekishoError('PEER_UNAVAILABLE', 'the solver is stopping')
    if (this.#count >= MAX_JOBS) {
      throw new SekishoError('PEER_UNAVAILABLE', `the solver has ${MAX_JOBS} jobs already`, {
        hint: 'try again in a moment',
      })
    }
    const deadlineMs = this.#now() + timeoutMs
    this.#count += 1
    try {
      return await this.#line.run(() => this.#start(deadlineMs, job))
    } finally {
      this.#count -= 1
    }
  }

  #start<T>(deadlineMs: number, job: (leftMs: number) => Promise<T>): Promise<T> {
    const leftMs = Math.floor(deadlineMs - this.#now())
    if (leftMs < 1) throw new SekishoError('TIMEOUT', 'other jobs took the solver’s time')
    return job(leftMs)
  }
}
