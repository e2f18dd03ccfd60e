import { formatAmount } from '../budget/refusal.ts'
import { SPEND_MEASURES, type SpendMeasure } from '../wire/spend.ts'

type Leaf = Readonly<Record<string, unknown>>

/** One line for a breaker that has changed its state. */
export function describeBreaker(leaf: Leaf): string {
  const { budget, per, subject, breaker, agent, model } = leaf
  const whose = per === 'platform' ? 'for all' : `for ${text(per)} ${text(subject)}`
  const of = `${amount(leaf, 'observed')} of at most ${amount(leaf, 'threshold')}`
  const until = breaker === 'open' ? `, ${describeUntil(leaf['untilMs'])}` : ''
  return `BUDGET ${text(budget)} ${WORDS[text(breaker)] ?? text(breaker)} ${whose}: ${of}${until}; agent ${text(agent)}, ${text(model)}`
}

const WORDS: Readonly<Record<string, string>> = {
  open: 'is exhausted',
  'half-open': 'has room again and is tried',
  closed: 'is open again',
}

function describeUntil(untilMs: unknown): string {
  return typeof untilMs === 'number'
    ? `until ${new Date(untilMs).toISOString()}`
    : 'until an operator raises it'
}

function amount(leaf: Leaf, key: 'observed' | 'threshold'): string {
  const { measure } = leaf
  const value = leaf[key]
  return isMeasure(measure) && typeof value === 'number'
    ? formatAmount(measure, value)
    : text(value)
}

function isMeasure(measure: unknown): measure is SpendMeasure {
  return SPEND_MEASURES.some((known) => known === measure)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
