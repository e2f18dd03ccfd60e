import { amountsOf, NOTHING } from '../../budget/measures.ts'
import * as z from 'zod'
import type { Spender } from '../../budget/account.ts'
import { type Cut, type Granted, type Kept, SpendState } from '../../budget/spend-state.ts'
import { SekishoError, toSekishoError } from '../../core/error.ts'
import type { controlToSupervisor } from '../../wire/control.ts'
import type { LlmBudget } from '../../wire/llm.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'
import {
  type BudgetBreaker,
  BudgetBreakerLeaf,
  type BudgetStatus,
  MAX_BUDGET_STATUSES,
  type SpendAnswer,
  type SpendCall,
  SpendEntry,
  type SpendReservation,
  type SpendSettlement,
} from '../../wire/spend.ts'
import { LedgerStore } from '../ledger/ledger-store.ts'

const MAX_REASON = 1024
/** Nobody waits for a settlement: it is written with the next reservation, for which somebody does. */
const SETTLED_MAY_WAIT_MS = 5

export type SpendLedgerOptions = {
  supervisor: Pick<Peer<typeof controlToSupervisor, Protocol>, 'call'>
  /** of the generation in force */
  budgets: () => readonly LlmBudget[]
  /** as the generation in force knows them */
  userOf: (uid: number) => { name: string; groups: readonly string[] }
  /** the session that this one was forked from first, or itself */
  chainOf: (session: string) => Promise<string>
  /** whether the session may still act */
  isRunning: (session: string) => boolean
  /** tells the session's gate */
  cut: (cut: Cut) => void
  now: () => Date
  report: (line: string) => void
}

/**
 * The one place where calls of models of all gates are counted. A reservation is in force from the
 * moment that it is looked at, and told as reserved only when it has been written down; what cannot
 * be counted or written is not reserved.
 */
export class SpendLedger {
  readonly #options: SpendLedgerOptions
  readonly #store: LedgerStore<SpendEntry>
  readonly #state = new SpendState()
  #loaded: Promise<void> | undefined

  constructor(options: SpendLedgerOptions) {
    this.#options = options
    const { supervisor } = options
    this.#store = new LedgerStore(
      {
        read: (page) => supervisor.call('spend.read', { page }),
        note: (note) => supervisor.call('spend.note', note),
      },
      () => this.#state.snapshot(this.#nowMs()),
    )
  }

  sessionEnded(session: string): void {
    this.#state.endSession(session)
  }

  /** @throws SekishoError when it is not known what has been counted */
  async status(): Promise<BudgetStatus[]> {
    await this.#load()
    const all = this.#state.status(this.#options.budgets(), this.#nowMs())
    return all.toSorted(byUrgency).slice(0, MAX_BUDGET_STATUSES)
  }

  /** @throws SekishoError when it is not known what has been counted, or it cannot be written */
  async reserve(asked: SpendReservation): Promise<SpendAnswer> {
    await this.#load()
    if (!this.#options.isRunning(asked.session)) {
      throw new SekishoError('SESSION_UNKNOWN', `${asked.session} does not run`)
    }
    const spender = await this.#spenderOf(asked)
    const { id, promptTokens, outputTokens, price } = asked
    const call = { id, spender, promptTokens, outputTokens, price }
    const answer = this.#state.reserve(call, this.#options.budgets(), this.#nowMs())
    try {
      await this.#keep(answer, spender)
    } catch (error) {
      this.#state.settle(asked, NOTHING, this.#nowMs())
      throw error
    }
    if (answer.kind === 'granted') return grantOf(answer, outputTokens)
    return { kind: 'exceeded', budget: answer.budget, reason: answer.reason.slice(0, MAX_REASON) }
  }

  /** What cannot be written down counts for too much after a restart, and not for too little. */
  async settle(call: SpendSettlement): Promise<void> {
    await this.#load()
    const spender = await this.#spenderOf(call)
    const settled = call.wasReserved ? this.#settled(call) : this.#counted(call, spender)
    if (settled.overshoot.length > 0) {
      const what = settled.overshoot.join(', ')
      this.#options.report(`${call.session} ${call.id} came to more than was reserved: ${what}`)
    }
    // others wait for what a breaker that has changed lets pass
    await this.#keep(settled, spender, settled.breakers.length > 0 ? 0 : SETTLED_MAY_WAIT_MS)
  }

  #settled(call: SpendSettlement): ReturnType<SpendState['settle']> {
    return this.#state.settle(call, actualOf(call), this.#nowMs())
  }

  /** Its gate knew of no budget for it when it began. */
  #counted(call: SpendSettlement, spender: Spender): ReturnType<SpendState['settle']> {
    const actual = actualOf(call)
    if (actual === 'as reserved') return { entries: [], breakers: [], overshoot: [], cuts: [] }
    const at = { budgets: this.#options.budgets(), nowMs: this.#nowMs() }
    const entries = this.#state.count(spender, actual, at)
    return { entries, breakers: [], overshoot: [], cuts: [] }
  }

  async #keep({ entries, breakers, cuts }: Kept, spender: Spender, mayWaitMs = 0): Promise<void> {
    await this.#store.append(sound(Entries, entries), mayWaitMs)
    for (const cut of cuts) this.#options.cut(cut)
    for (const breaker of breakers) await this.#record(breaker, spender)
  }

  /** A breaker that cannot be recorded is shut all the same. */
  async #record(breaker: BudgetBreaker, spender: Spender): Promise<void> {
    const { session, agent, chain, model } = spender
    const { state, ...rest } = breaker
    const own = { session, agent, chain, model, breaker: state }
    try {
      const leaf = sound(BudgetBreakerLeaf, { type: 'budget.breaker', ...own, ...rest })
      await this.#options.supervisor.call('spend.breaker', leaf)
    } catch (error) {
      const why = toSekishoError(error).message
      this.#options.report(`budget ${breaker.budget} is ${breaker.state}, unrecorded: ${why}`)
    }
  }

  async #spenderOf({ session, agent, uid, model }: SpendCall): Promise<Spender> {
    const chain = await this.#options.chainOf(session)
    const { name, groups } = this.#options.userOf(uid)
    return { session, chain, agent, user: name, teams: groups, model }
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

  #nowMs(): number {
    return this.#options.now().getTime()
  }
}

const Entries = z.array(SpendEntry)

/**
 * What the other side's schema refuses ends the connection, for all sessions; here it ends one call.
 *
 * @throws SekishoError INTERNAL
 */
function sound<T>(schema: z.ZodType<T>, value: unknown): T {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const issue = read.error.issues[0]
  const where = issue?.path.join('.') ?? ''
  throw new SekishoError(
    'INTERNAL',
    `what a call comes to cannot be kept: ${where} ${issue?.code ?? ''}`,
  )
}

function byUrgency(a: BudgetStatus, b: BudgetStatus): number {
  const urgency = ({ breaker, taken, max }: BudgetStatus): number =>
    breaker === 'closed' ? taken / Math.max(1, max) : Number.POSITIVE_INFINITY
  const [first, second] = [urgency(a), urgency(b)]
  return first === second ? 0 : second > first ? 1 : -1
}

function grantOf({ outputTokens, microUsd }: Granted, asked: number): SpendAnswer {
  return { kind: 'reserved', outputTokens: outputTokens < asked ? outputTokens : null, microUsd }
}

function actualOf({
  wasMade,
  counted,
  microUsd,
}: SpendSettlement): ReturnType<typeof amountsOf> | 'as reserved' {
  if (!wasMade) return NOTHING
  return counted === null ? 'as reserved' : amountsOf(counted, microUsd)
}
