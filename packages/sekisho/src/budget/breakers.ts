import type { LlmBudget } from '../wire/llm.ts'
import type { BudgetBreaker, SpendMeasure } from '../wire/spend.ts'
import type { Account } from './account.ts'
import { endOfWindow } from './window.ts'

/** What would have gone beyond a budget. */
export type Excess = { measure: SpendMeasure; max: number; observed: number }

type Kept = {
  breaker: BudgetBreaker
  /** the one call that tries, and since when, Unix ms */
  probe: { key: string; sinceMs: number } | null
}

/** One that is held for a person, or read slowly, tries for hours; what fits is counted either way. */
const TRY_MS = 10_000

/**
 * Which accounts are shut: from a call that was refused, whatever comes after it, until the window
 * is over or an operator has raised the budget. Then one call at a time may try, and the first that
 * comes back closes it, or another that comes when it has tried for long.
 */
export class Breakers {
  readonly #kept = new Map<string, Kept>()

  load(account: string, breaker: BudgetBreaker): void {
    if (breaker.state === 'closed') this.#kept.delete(account)
    else this.#kept.set(account, { breaker, probe: null })
  }

  /** @returns what has changed */
  open(account: Account, excess: Excess, nowMs: number): BudgetBreaker {
    const breaker: BudgetBreaker = {
      budget: account.budget.id,
      per: account.budget.per,
      subject: account.subject,
      state: 'open',
      measure: excess.measure,
      threshold: excess.max,
      observed: excess.observed,
      untilMs: endOfWindow(account.budget, nowMs),
    }
    this.#kept.set(account.name, { breaker, probe: null })
    return breaker
  }

  /**
   * @param isPending whether a call is in flight, by its key
   * @returns how the account stands for a call that asks now
   */
  stateFor(
    { name, budget }: Account,
    nowMs: number,
    isPending: (key: string) => boolean,
  ): 'closed' | 'may try' | 'one is trying' | 'shut' {
    const kept = this.#kept.get(name)
    if (kept === undefined) return 'closed'
    const { breaker, probe } = kept
    if (breaker.state === 'half-open') {
      const isTrying = probe !== null && isPending(probe.key) && !isLong(probe, nowMs)
      return isTrying ? 'one is trying' : 'may try'
    }
    const isOver = breaker.untilMs !== null && breaker.untilMs <= nowMs
    return isOver || isRaised(budget, breaker) ? 'may try' : 'shut'
  }

  /** @returns what has changed; undefined where the account is not shut, or one has tried before */
  letTry(account: string, key: string, nowMs: number): BudgetBreaker | undefined {
    const kept = this.#kept.get(account)
    if (kept === undefined) return undefined
    if (kept.probe !== null && isLong(kept.probe, nowMs)) return this.#close(account, kept)
    const wasOpen = kept.breaker.state === 'open'
    const breaker: BudgetBreaker = { ...kept.breaker, state: 'half-open' }
    this.#kept.set(account, { breaker, probe: { key, sinceMs: nowMs } })
    return wasOpen ? breaker : undefined
  }

  /** A call has come back. @returns what has changed */
  cameBack(account: string, key: string): BudgetBreaker | undefined {
    const kept = this.#kept.get(account)
    return kept?.probe?.key === key ? this.#close(account, kept) : undefined
  }

  of(account: string): BudgetBreaker | undefined {
    return this.#kept.get(account)?.breaker
  }

  forget(account: string): void {
    this.#kept.delete(account)
  }

  entries(): [account: string, breaker: BudgetBreaker][] {
    return Array.from(this.#kept, ([account, { breaker }]) => [account, breaker])
  }

  get size(): number {
    return this.#kept.size
  }

  #close(account: string, { breaker }: Kept): BudgetBreaker {
    this.#kept.delete(account)
    return { ...breaker, state: 'closed' }
  }
}

function isLong({ sinceMs }: { sinceMs: number }, nowMs: number): boolean {
  return nowMs - sinceMs >= TRY_MS
}

function isRaised({ max }: LlmBudget, { measure, threshold }: BudgetBreaker): boolean {
  const now = max[measure]
  return now === undefined || now > threshold
}
