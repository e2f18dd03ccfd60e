import type { LlmBudget } from '../wire/llm.ts'
import type { BudgetBreaker, SpendMeasure } from '../wire/spend.ts'
import { formatMicroUsd } from './money.ts'
import type { Tightest } from './room.ts'

export type Refused = {
  kind: 'exceeded'
  /** the id of a budget, or `no-price` */
  budget: string
  reason: string
}

export function refused(budget: string, reason: string): Refused {
  return { kind: 'exceeded', budget, reason }
}

const UNITS: Readonly<Record<Exclude<SpendMeasure, 'microUsd'>, string>> = {
  input: 'tokens of input',
  cacheRead: 'tokens read from caches',
  cacheWrite: 'tokens written to caches',
  output: 'tokens of output',
  tokens: 'tokens',
  calls: 'calls',
}

export function formatAmount(measure: SpendMeasure, amount: number): string {
  return measure === 'microUsd' ? formatMicroUsd(amount) : `${amount} ${UNITS[measure]}`
}

/** Whom a budget is for and when, such as `per team (finance) in a month`. */
function describeScope({ per, calendar, windowMs }: LlmBudget, subject: string): string {
  const window = windowMs === null ? '' : ` within ${windowMs / 1000} s`
  const who = per === 'platform' ? 'in all' : `per ${per} (${subject})`
  return `${who}${calendar === undefined ? window : ` in a ${calendar}`}`
}

export function describeTooMuch({ account, measure, max, taken, observed }: Tightest): string {
  const amounts = `${formatAmount(measure, taken)} of at most ${formatAmount(measure, max)}`
  const more = formatAmount(measure, observed - taken)
  const { id } = account.budget
  return `budget ${id}: ${amounts} ${describeScope(account.budget, account.subject)} are used up, and this may come to ${more}`
}

export function describeBusy({ account, measure, max, taken, observed }: Tightest): string {
  const amounts = `${formatAmount(measure, taken)} of at most ${formatAmount(measure, max)}`
  const more = formatAmount(measure, observed - taken)
  const { id } = account.budget
  return `budget ${id}: ${amounts} ${describeScope(account.budget, account.subject)} are used up or held for calls in flight, and this may come to ${more}; there may be room when they have ended`
}

export function describeShut(
  { budget, measure, threshold, observed, untilMs, subject, per }: BudgetBreaker,
  state: 'one is trying' | 'shut',
): string {
  const whose = per === 'platform' ? 'for all' : `for this ${per} (${subject})`
  if (state === 'one is trying') {
    return `budget ${budget} was exhausted ${whose} and has room again; one call tries it, and others wait for its end`
  }
  const until = untilMs === null ? 'an operator raises it' : new Date(untilMs).toISOString()
  return `budget ${budget} is exhausted ${whose} until ${until}: a call would have come to ${formatAmount(measure, observed)} of at most ${formatAmount(measure, threshold)}`
}
