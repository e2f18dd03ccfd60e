import type { LlmBudget } from '../wire/llm.ts'
import type { BudgetBreaker, BudgetStatus, SpendEntry, SpendMeasure } from '../wire/spend.ts'
import {
  type Account,
  accountName,
  accountsOf,
  scopeOf,
  type Spender,
  subjectOf,
} from './account.ts'
import { Breakers } from './breakers.ts'
import { type Amounts, boundsOf, type WorstCase, worstAmounts } from './measures.ts'
import { describeBusy, describeShut, describeTooMuch, type Refused, refused } from './refusal.ts'
import { accountOf, cellName, SpendCells } from './spend-cells.ts'
import { judgeRoom, type Tightest } from './room.ts'
import { type Period, periodOf } from './window.ts'

/** Calls in flight; above, the oldest stand for good with what was reserved. */
const MAX_PENDING = 65_536

/** A reply shorter than this is of no use to anybody, so less is refused instead of granted. */
export const LEAST_OUTPUT_TOKENS = 256

/** Of what others share: the part from which a call that does not fit is taken for its end. */
const USED_UP_FROM = 0.95

export type Asked = WorstCase & {
  /** of the action, once in a session */
  id: string
  spender: Spender
  /** the most that the reply may hold, as asked for */
  outputTokens: number
}

/** Calls in flight of an account that was shut. */
export type Cut = { session: string; ids: string[]; budget: string; reason: string }

/** What is to be kept, which breakers have changed, and what is to be ended. */
export type Kept = { entries: SpendEntry[]; breakers: BudgetBreaker[]; cuts: Cut[] }

export type Granted = Kept & {
  kind: 'granted'
  /** what the reply may hold; no more than asked for */
  outputTokens: number
  microUsd: number | null
}

export type Settled = Kept & {
  /** what came to more than was reserved, which no provider that keeps its limits does */
  overshoot: SpendMeasure[]
}

const UNCHANGED: Readonly<Kept> = Object.freeze({ entries: [], breakers: [], cuts: [] })

type Part = { cell: string; measure: SpendMeasure; amount: number; period: Period }
type Pending = {
  session: string
  id: string
  parts: readonly Part[]
  accounts: readonly string[]
  /** its session is over: it may be settled yet, and nobody waits for that */
  isLeftBehind: boolean
}

/**
 * What all calls of models have come to, as far as budgets ask. A call that is granted counts with
 * the most that it may come to, at once and until it is settled: of any that race for what is left,
 * no two can have it. One that is never settled stands. Pure: what outlives the process is handed
 * out as entries, and comes back by {@link load}.
 */
export class SpendState {
  readonly #cells = new SpendCells()
  readonly #breakers = new Breakers()
  /** in the order of their coming */
  readonly #pending = new Map<string, Pending>()

  /** What of an earlier run still counts. What was in flight then stands. */
  load(entries: readonly SpendEntry[]): void {
    for (const entry of entries) {
      if (entry.kind === 'breaker') this.#breakers.load(entry.account, entry.breaker)
      else this.#cells.add(entry.cell, entry, entry)
    }
  }

  /** @param nowMs Unix ms */
  reserve(asked: Asked, budgets: readonly LlmBudget[], nowMs: number): Granted | (Refused & Kept) {
    const accounts = accountsOf(asked.spender, budgets)
    const refusal =
      unpriced(asked, accounts) ??
      this.#shutFor(accounts, nowMs) ??
      this.#withoutRoomFor(accounts, nowMs)
    if (refusal !== undefined) return { ...refusal, ...UNCHANGED }
    const least = Math.min(asked.outputTokens, LEAST_OUTPUT_TOKENS)
    const settled = judgeRoom(asked, accounts, (cell) => this.#cells.settled(cell, nowMs))
    if (settled.by !== undefined && settled.outputTokens < least) {
      return this.#refuse(settled.by, nowMs)
    }
    const now = judgeRoom(asked, accounts, (cell) => this.#cells.sum(cell, nowMs))
    if (now.by !== undefined && now.outputTokens < least) {
      return { ...refused(now.by.account.budget.id, describeBusy(now.by)), ...UNCHANGED }
    }
    const outputTokens = Math.min(asked.outputTokens, now.outputTokens)
    return this.#grant({ ...asked, outputTokens }, accounts, nowMs)
  }

  /** What a call came to takes the place of what was reserved for it; unknown ids change nothing. */
  settle(
    { session, id }: { session: string; id: string },
    actual: Amounts | 'as reserved',
    nowMs: number,
  ): Settled {
    const key = keyOf(session, id)
    const pending = this.#pending.get(key)
    if (pending === undefined) return { ...UNCHANGED, overshoot: [] }
    this.#pending.delete(key)
    const overshoot = new Set<SpendMeasure>()
    const entries = pending.parts.flatMap((part) => {
      const came = (actual === 'as reserved' ? null : actual[part.measure]) ?? part.amount
      if (came > part.amount) overshoot.add(part.measure)
      this.#cells.land(part.cell, part.amount)
      return this.#count(part, came - part.amount, nowMs)
    })
    const breakers = pending.accounts.flatMap((account) => {
      const closed = this.#breakers.cameBack(account, key)
      return closed === undefined ? [] : [{ account, breaker: closed }]
    })
    return {
      entries: [...entries, ...breakers.flatMap(breakerEntry)],
      breakers: breakers.map(({ breaker }) => breaker),
      cuts: [],
      overshoot: [...overshoot],
    }
  }

  /** Counts a call that nothing was asked for before: no budget covered it when it began. */
  count(
    spender: Spender,
    actual: Amounts,
    { budgets, nowMs }: { budgets: readonly LlmBudget[]; nowMs: number },
  ): SpendEntry[] {
    const parts = partsOf(accountsOf(spender, budgets), actual, nowMs)
    return parts.flatMap((part) => this.#count(part, part.amount, nowMs))
  }

  /** What counts for a session only is over with it. What it has in flight may be settled yet. */
  endSession(session: string): void {
    const isItsOwn = (name: string): boolean =>
      scopeOf(name) === 'session' && subjectOf(name) === session
    this.#cells.drop((cell) => isItsOwn(accountOf(cell)))
    for (const [account] of this.#breakers.entries()) {
      if (isItsOwn(account)) this.#breakers.forget(account)
    }
    // the one call that tries an account again may have been its: a gate that died settles nothing
    for (const pending of this.#pending.values()) {
      if (pending.session === session) pending.isLeftBehind = true
    }
  }

  /** All that counts and outlives the sessions, for a file that is written anew. */
  snapshot(nowMs: number): SpendEntry[] {
    this.#cells.prune(nowMs)
    return [
      ...this.#cells.entries(),
      ...this.#breakers
        .entries()
        .flatMap(([account, breaker]) => breakerEntry({ account, breaker })),
    ]
  }

  /** How everybody stands who has spent anything under these budgets. */
  status(budgets: readonly LlmBudget[], nowMs: number): BudgetStatus[] {
    return this.#cells.accounts().flatMap((name) => {
      const [id = ''] = name.split(' ')
      const subject = subjectOf(name)
      const budget = budgets.find((each) => accountName(each, subject) === name)
      if (budget === undefined) return []
      const breaker = this.#breakers.of(name)
      return boundsOf(budget.max).flatMap(({ measure, max }): BudgetStatus[] => {
        const cell = cellName(name, measure)
        return [
          {
            budget: id,
            per: budget.per,
            subject,
            measure,
            max,
            taken: this.#cells.sum(cell, nowMs),
            inFlight: this.#cells.inFlight(cell),
            breaker: breaker?.state ?? 'closed',
            untilMs: breaker?.untilMs ?? null,
          },
        ]
      })
    })
  }

  #shutFor(accounts: readonly Account[], nowMs: number): Refused | undefined {
    for (const account of accounts) {
      const state = this.#breakers.stateFor(account, nowMs, (key) => this.#isAwaited(key))
      const breaker = this.#breakers.of(account.name)
      if (breaker === undefined || state === 'closed' || state === 'may try') continue
      return refused(breaker.budget, describeShut(breaker, state))
    }
    return undefined
  }

  #isAwaited(key: string): boolean {
    return this.#pending.get(key)?.isLeftBehind === false
  }

  #withoutRoomFor(accounts: readonly Account[], nowMs: number): Refused | undefined {
    const cells = accounts.flatMap(({ name, budget }) =>
      boundsOf(budget.max).map(({ measure }) => cellName(name, measure)),
    )
    const [first] = accounts
    if (first === undefined || this.#cells.hasRoomFor(cells, nowMs)) return undefined
    return refused(first.budget.id, 'the ledger has no room for more sums')
  }

  /**
   * What does not fit even if nothing else were in flight. How much one call may come to is its
   * agent's choice: by that a session shuts itself out, and nobody else. What others share is shut
   * when it is as good as used up.
   */
  #refuse(by: Tightest, nowMs: number): Refused & Kept {
    const isItsOwn = by.account.budget.per === 'session'
    const isUsedUp = by.taken >= by.max * USED_UP_FROM
    if (isItsOwn || isUsedUp) return this.#trip(by, nowMs)
    return { ...refused(by.account.budget.id, describeTooMuch(by)), ...UNCHANGED }
  }

  #trip(by: Tightest, nowMs: number): Refused & Kept {
    const breaker = this.#breakers.open(by.account, by, nowMs)
    const why = refused(by.account.budget.id, describeTooMuch(by))
    return {
      ...why,
      entries: breakerEntry({ account: by.account.name, breaker }),
      breakers: [breaker],
      cuts: this.#inFlightOf(by.account.name, why),
    }
  }

  #inFlightOf(account: string, { budget, reason }: Refused): Cut[] {
    const bySession = new Map<string, string[]>()
    for (const { session, id, accounts } of this.#pending.values()) {
      if (!accounts.includes(account)) continue
      bySession.set(session, [...(bySession.get(session) ?? []), id])
    }
    return Array.from(bySession, ([session, ids]) => ({ session, ids, budget, reason }))
  }

  #grant(asked: Asked, accounts: readonly Account[], nowMs: number): Granted {
    const { id, spender, outputTokens } = asked
    const key = keyOf(spender.session, id)
    this.#pending.delete(key) // an id is used once; twice must not count for less
    const worst = worstAmounts(asked, outputTokens)
    const parts = partsOf(accounts, worst, nowMs)
    const names = accounts.map(({ name }) => name)
    const { session } = spender
    this.#pending.set(key, { session, id, parts, accounts: names, isLeftBehind: false })
    this.#letOldestStand()
    const entries = parts.flatMap((part) => {
      this.#cells.leave(part.cell, part.amount)
      return this.#count(part, part.amount, nowMs)
    })
    const breakers = accounts.flatMap(({ name }) => {
      const tries = this.#breakers.letTry(name, key, nowMs)
      return tries === undefined ? [] : [{ account: name, breaker: tries }]
    })
    return {
      kind: 'granted',
      outputTokens,
      microUsd: worst.microUsd,
      entries: [...entries, ...breakers.flatMap(breakerEntry)],
      breakers: breakers.map(({ breaker }) => breaker),
      cuts: [],
    }
  }

  #count({ cell, period }: Part, amount: number, nowMs: number): SpendEntry[] {
    if (amount === 0) return []
    return this.#cells.add(cell, period, { amount, atMs: nowMs })
  }

  #letOldestStand(): void {
    for (const [key, { parts }] of this.#pending) {
      if (this.#pending.size <= MAX_PENDING) return
      this.#pending.delete(key)
      for (const { cell, amount } of parts) this.#cells.land(cell, amount)
    }
  }
}

/** Money without a price cannot be counted. */
function unpriced({ price, spender }: Asked, accounts: readonly Account[]): Refused | undefined {
  const bounded = accounts.find(({ budget }) => budget.max.microUsd !== undefined)
  if (price !== null || bounded === undefined) return undefined
  const { id } = bounded.budget
  return refused('no-price', `budget ${id} is one of money, and ${spender.model} has no price`)
}

/** What is over with its session is not kept. */
function breakerEntry({
  account,
  breaker,
}: {
  account: string
  breaker: BudgetBreaker
}): SpendEntry[] {
  return scopeOf(account) === 'session' ? [] : [{ kind: 'breaker', account, breaker }]
}

function partsOf(accounts: readonly Account[], amounts: Amounts, nowMs: number): Part[] {
  return accounts.flatMap(({ name, budget }) => {
    const period = periodOf(budget, nowMs)
    return boundsOf(budget.max).flatMap(({ measure }) => {
      const amount = amounts[measure]
      return amount === null ? [] : [{ cell: cellName(name, measure), measure, amount, period }]
    })
  })
}

function keyOf(session: string, id: string): string {
  return `${session} ${id}`
}
