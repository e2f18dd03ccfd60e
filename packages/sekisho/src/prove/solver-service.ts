import { SekishoError } from '../core/error.ts'
import { OneAtATime } from '../core/one-at-a-time.ts'
import { type Handlers, Peer, type Transport } from '../wire/peer.ts'
import { type SettleProblem, supervisorToSolver } from '../wire/solver.ts'
import { compareBundles } from './compare.ts'
import { settle } from './settle.ts'
import { type Ask, Z3 } from './z3.ts'

/** Jobs that wait or run; a further one is refused, which denies what it was asked for. */
const MAX_JOBS = 32
/** What the first question may take, which compiles z3's code; see {@link warmUp}. */
const WARM_UP_MS = 10_000
const FIRST_PROBLEM: SettleProblem = {
  variables: { some: { min: 0, max: 9 }, more: { min: 0, max: 9 } },
  given: [{ terms: [{ variable: 'some', factor: 1 }], max: 5 }],
  constraints: [
    { terms: ['some', 'more'].map((variable) => ({ variable, factor: 1 })), max: 14 },
    { terms: [{ variable: 'more', factor: 2 }], max: 17 },
  ],
}

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
  await warmUp(z3.ask, now)
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

/**
 * The first question of a z3 takes a hundred times as long as the next, most of an action's limit
 * or all of it: whoever asks it would be denied for having come first.
 */
async function warmUp(ask: Ask, now: () => number): Promise<void> {
  for (let time = 0; time < 2; time++) {
    await settle(FIRST_PROBLEM, { ask, timeoutMs: WARM_UP_MS, now })
  }
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
