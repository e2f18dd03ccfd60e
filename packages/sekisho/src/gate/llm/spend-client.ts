import { isBudgeted } from '../../budget/account.ts'
import { costOf, NO_TOKENS } from '../../budget/cost.ts'
import { dearest, priceAt, priceFor } from '../../budget/price-list.ts'
import { promptBound } from '../../budget/prompt-bound.ts'
import { toSekishoError } from '../../core/error.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { User } from '../../wire/decision.ts'
import type { LlmSettings, ModelPrice, TokenUsage } from '../../wire/llm.ts'
import type { SpendCall, SpendReservation } from '../../wire/spend.ts'
import type { ControlLink } from '../approvals/control-link.ts'
import type { Spending } from './ports.ts'

const NO_LEDGER = 'invariant.ledger'

/** Where nothing says how long a reply may be. */
const LONGEST_REPLY_TOKENS = 131_072

export type SpendClientOptions = {
  control: Pick<ControlLink, 'reserveSpend' | 'settleSpend' | 'onBudgetCut'>
  session: string
  agent: string
  /** of the generation in force */
  settings: () => LlmSettings
  user: () => Pick<User, 'name' | 'uid' | 'groups'>
  /** Unix ms */
  now: () => number
}

type Asked = Parameters<Spending['reserve']>[0]
type Answer = Awaited<ReturnType<Spending['reserve']>>

/** A call that has been reserved and not settled. */
type Open = {
  call: SpendCall
  price: ModelPrice | null
  /** what it counts as while nobody has said what it came to */
  reserved: TokenUsage
  wasAsked: boolean
  cut: ((by: Deny) => void) | undefined
}

/**
 * What one session's calls of models cost, counted in control. Where no budget covers a call nobody is
 * waited for: it is counted when it is over, by the budgets that are in force by then.
 */
export class SpendClient implements Spending {
  readonly #options: SpendClientOptions
  readonly #open = new Map<string, Open>()

  constructor(options: SpendClientOptions) {
    this.#options = options
    options.control.onBudgetCut(options.session, ({ ids, budget, reason }) => {
      for (const id of ids) this.#open.get(id)?.cut?.(deny(`budget.${budget}`, reason))
    })
  }

  async reserve(asked: Asked): Promise<Answer> {
    const settings = this.#options.settings()
    const price = this.#priceOf(asked, settings)
    if (price === 'refuse') {
      const what = [asked.model, ...(asked.tiers ?? [])].join(', ')
      const why = `${what} of ${asked.provider} has no price, and the bundle refuses calls without one`
      return deny('budget.no-price', why)
    }
    const worst = worstOf(asked, price)
    const { name, uid, groups } = this.#options.user()
    const { session, agent } = this.#options
    const { id, provider, model } = asked
    const call: SpendCall = { session, id, agent, uid, provider, model }
    const spender = { session, agent, user: name, teams: groups, model }
    const wasAsked = isBudgeted(spender, settings.budgets)
    const answer = wasAsked ? await this.#ask({ ...call, ...worst, price }) : WHOLE
    if (answer.kind === 'deny') return answer
    const reserved = dearestUsage(
      worst.promptTokens,
      answer.outputTokens ?? worst.outputTokens,
      price,
    )
    this.#open.set(id, { call, price, reserved, wasAsked, cut: asked.cut })
    return { ...answer, counted: reserved }
  }

  /** What control is not told stays counted: that is too much, and never too little. */
  settle(id: string, usage: TokenUsage | null): ReturnType<Spending['settle']> {
    const open = this.#open.get(id)
    if (open === undefined) return { microUsd: null, price: '' }
    this.#open.delete(id)
    const { price } = open
    const microUsd = price === null ? null : costOf(usage ?? NO_TOKENS, price)
    this.#tell(open, usage, microUsd)
    return { microUsd, price: price?.from ?? '' }
  }

  #tell(
    { call, reserved, wasAsked }: Open,
    usage: TokenUsage | null,
    microUsd: number | null,
  ): void {
    const wasMade = usage !== null
    if (!wasAsked && !wasMade) return
    // what nobody has told stands as it is: by class it may have been anything
    const counted = wasAsked && usage === reserved ? null : usage
    this.#options.control
      .settleSpend({ ...call, wasReserved: wasAsked, wasMade, counted, microUsd })
      .catch(() => undefined)
  }

  async #ask(
    asked: SpendReservation,
  ): Promise<{ kind: 'reserved'; outputTokens: number | null } | Deny> {
    try {
      const answer = await this.#options.control.reserveSpend(asked)
      if (answer.kind === 'reserved') return { kind: 'reserved', outputTokens: answer.outputTokens }
      return deny(`budget.${answer.budget}`, answer.reason)
    } catch (thrown) {
      this.#takeBack(asked)
      return deny(NO_LEDGER, `it cannot be counted: ${toSekishoError(thrown).message}`)
    }
  }

  /** It may have been counted all the same, and only the answer was late. */
  #takeBack({ session, id, agent, uid, provider, model }: SpendReservation): void {
    const call = { session, id, agent, uid, provider, model }
    this.#options.control
      .settleSpend({ ...call, wasReserved: true, wasMade: false, counted: null, microUsd: null })
      .catch(() => undefined)
  }

  #priceOf(
    { provider, model, tiers = [] }: Asked,
    { prices, missingPrice }: LlmSettings,
  ): ModelPrice | null | 'refuse' {
    const day = new Date(this.#options.now()).toISOString().slice(0, 10)
    const usual = priceFor(prices, { provider, model, day })
    const price = usual === undefined ? undefined : priceAt(usual, tiers)
    if (price !== undefined) return price
    return missingPrice === 'refuse' ? 'refuse' : (dearest(prices, day) ?? null)
  }
}

const WHOLE = Object.freeze({ kind: 'reserved', outputTokens: null })

function worstOf(
  { requestBytes, maxOutputTokens, pictures = 0, refersElsewhere = false }: Asked,
  price: ModelPrice | null,
): { promptTokens: number; outputTokens: number } {
  const size = { bytes: requestBytes, pictures, refersElsewhere }
  const longest = price?.maxOutputTokens ?? LONGEST_REPLY_TOKENS
  return {
    promptTokens: promptBound(size, price?.contextTokens),
    outputTokens: maxOutputTokens ?? longest,
  }
}

/** So that nothing that a call could have come to would have cost more. */
function dearestUsage(prompt: number, output: number, price: ModelPrice | null): TokenUsage {
  const usages: TokenUsage[] = [
    { input: prompt, cacheRead: 0, cacheWrite: 0, output },
    { input: 0, cacheRead: prompt, cacheWrite: 0, output },
    { input: 0, cacheRead: 0, cacheWrite: prompt, output },
    { input: 0, cacheRead: 0, cacheWrite: prompt, cacheWriteLong: prompt, output },
  ]
  return usages.reduce((most, usage) =>
    price !== null && costOf(usage, price) > costOf(most, price) ? usage : most,
  )
}
