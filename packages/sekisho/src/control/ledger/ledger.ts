import { SekishoError, toSekishoError } from '../../core/error.ts'
import type { Reservation } from '../../policy/constraints/ledger-part.ts'
import { type Assessed, LedgerState } from '../../policy/constraints/ledger-state.ts'
import type { Constraint } from '../../wire/constraints.ts'
import type { controlToSupervisor } from '../../wire/control.ts'
import type { LedgerEntry } from '../../wire/ledger.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'
import type { SettleProblem, SettleResult } from '../../wire/solver.ts'
import type { LedgerHandlers } from '../gate-peers.ts'
import { LedgerStore } from './ledger-store.ts'

const MAX_REASON = 1024

export type LedgerOptions = {
  supervisor: Pick<Peer<typeof controlToSupervisor, Protocol>, 'call'>
  /** of the generation in force */
  constraints: () => readonly Constraint[]
  /** answers within its own time limit; anything but `holds` denies */
  settle: (problem: SettleProblem) => Promise<SettleResult>
  /** whether the session may still act */
  isRunning: (session: string) => boolean
  now: () => Date
  report: (line: string) => void
}

type Reserved = Awaited<ReturnType<LedgerHandlers['ledger.reserve']>>

/**
 * The one place where actions of all gates are counted. A reservation is in force from the moment
 * that it is looked at, so of two that race for what is left one is refused; it is told as reserved
 * only when it has been written down. What cannot be counted, written or settled is not reserved.
 */
export class Ledger {
  readonly #options: LedgerOptions
  readonly #store: LedgerStore<LedgerEntry>
  readonly #state = new LedgerState()
  #loaded: Promise<void> | undefined
  #current: readonly Constraint[] = []
  /** of the generation before: by it those are decided that have begun under it */
  #previous: readonly Constraint[] = []

  constructor(options: LedgerOptions) {
    this.#options = options
    const { supervisor } = options
    this.#store = new LedgerStore(
      {
        read: (page) => supervisor.call('ledger.read', { page }),
        note: (note) => supervisor.call('ledger.note', note),
      },
      () => this.#state.snapshot(this.#nowMs()),
    )
  }

  handlers(): LedgerHandlers {
    return {
      'ledger.reserve': ({ id, ...rest }) => this.#reserve({ id, ...rest }),
      'ledger.release': (reservation) => {
        this.#release(reservation)
        return {}
      },
    }
  }

  sessionEnded(session: string): void {
    this.#state.endSession(session)
  }

  /** @throws SekishoError when it is not known what has been counted, or it cannot be written */
  async #reserve(reservation: Reservation): Promise<Reserved> {
    await this.#load()
    if (!this.#options.isRunning(reservation.session)) {
      throw new SekishoError('SESSION_UNKNOWN', `${reservation.session} does not run`)
    }
    const constraints = this.#constraintsFor(reservation)
    const assessed = this.#state.assess(reservation, constraints, this.#nowMs())
    if (assessed.kind === 'exceeded') return refuse(assessed)
    const entries = this.#state.reserve(reservation, constraints, this.#nowMs())
    try {
      const refused = assessed.kind === 'open' ? await this.#settle(assessed) : undefined
      if (refused !== undefined) {
        this.#release(reservation, { isKept: false })
        return refused
      }
      await this.#store.append(entries)
    } catch (error) {
      this.#release(reservation, { isKept: false })
      throw error
    }
    return { kind: 'reserved' }
  }

  /** @returns why it is refused; undefined where it holds whatever the unknown amounts are */
  async #settle({ open }: Extract<Assessed, { kind: 'open' }>): Promise<Reserved | undefined> {
    const answer = await this.#options.settle(open.problem).catch((error: unknown) => ({
      kind: 'unknown' as const,
      why: toSekishoError(error).message,
    }))
    switch (answer.kind) {
      case 'holds':
        return undefined
      case 'violated':
        return refuse(open.explain(answer))
      case 'unknown':
        return refuse({
          constraint: open.constraint,
          reason: `whether it holds could not be settled: ${answer.why}`,
        })
    }
  }

  /** @param kept whether the reservation may have been written down */
  #release(
    reservation: Pick<Reservation, 'session' | 'id'>,
    { isKept }: { isKept: boolean } = { isKept: true },
  ): void {
    const entries = this.#state.release(reservation)
    if (!isKept) return
    // what cannot be written down counts for too much after a restart, and not for too little
    this.#store.append(entries).catch((error: unknown) => {
      this.#options.report(
        `a release is not in the ledger's file: ${toSekishoError(error).message}`,
      )
    })
  }

  #load(): Promise<void> {
    this.#loaded ??= this.#store
      .read()
      .then((entries) => this.#state.load(entries))
      .catch((error: unknown) => {
        this.#loaded = undefined
        throw error
      })
    return this.#loaded
  }

  /** Those of the generation in force, and of the one before what an action still names. */
  #constraintsFor({ amounts }: Reservation): readonly Constraint[] {
    const inForce = this.#options.constraints()
    if (inForce !== this.#current) {
      this.#previous = this.#current
      this.#current = inForce
    }
    const isNamed = ({ id }: Constraint): boolean =>
      Object.hasOwn(amounts, id) && !inForce.some((each) => each.id === id)
    return [...inForce, ...this.#previous.filter(isNamed)]
  }

  #nowMs(): number {
    return this.#options.now().getTime()
  }
}

function refuse({ constraint, reason }: { constraint: string; reason: string }): Reserved {
  return { kind: 'exceeded', constraint, reason: reason.slice(0, MAX_REASON) }
}
