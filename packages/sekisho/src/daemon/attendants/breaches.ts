import type { LeafInput } from '../../wire/leaves.ts'
import type { LimitName } from '../../wire/sandbox.ts'

type BreachLeaf = Extract<LeafInput, { type: 'limit.breach' }>
export type Breach = Omit<BreachLeaf, 'type' | 'session'>

/**
 * The breaches of one session: each limit is recorded when it is first met, and again when the
 * count of a counted one has grown tenfold. So a session that runs into its limits for days writes
 * a handful of leaves.
 */
export class Breaches {
  readonly #session: string
  readonly #record: (leaf: LeafInput) => Promise<unknown>
  /** by limit, the count from which it is told of again */
  readonly #next = new Map<LimitName, number>()
  readonly #pending = new Set<Promise<unknown>>()
  #unrecorded = 0

  constructor(session: string, record: (leaf: LeafInput) => Promise<unknown>) {
    this.#session = session
    this.#record = record
  }

  /** breaches that the log would not take */
  get unrecorded(): number {
    return this.#unrecorded
  }

  /** A limit that is met once and for all. */
  once(breach: Breach): void {
    this.#tell(breach, Number.POSITIVE_INFINITY)
  }

  /** A limit that the kernel counts hits of, in `observed`. @param from counts below are normal life */
  counted(breach: Breach, from = 1): void {
    const next = this.#next.get(breach.limit) ?? from
    if (breach.observed < next) return
    this.#next.delete(breach.limit)
    this.#tell(breach, 10 ** (Math.floor(Math.log10(breach.observed)) + 1))
  }

  /** Resolves when all is in the log, or has failed to get there. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending)
  }

  #tell(breach: Breach, next: number): void {
    if (this.#next.has(breach.limit)) return
    this.#next.set(breach.limit, next)
    const leaf: LeafInput = { type: 'limit.breach', session: this.#session, ...breach }
    const recorded = this.#record(leaf).catch(() => {
      // the limit holds all the same; the end leaf says that its record is missing
      this.#unrecorded += 1
    })
    this.#pending.add(recorded)
    void recorded.then(() => this.#pending.delete(recorded))
  }
}
