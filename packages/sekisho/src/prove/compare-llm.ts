import { canonicalJson } from '../core/canonical-json.ts'
import type { LlmBudget, LlmFilter, LlmSettings, ModelPrice } from '../wire/llm.ts'
import { SPEND_MEASURES } from '../wire/spend.ts'
import type { PartChange } from './part-change.ts'

/** What a change of providers, prices and budgets of models means. */
export function compareLlm(before: LlmSettings, after: LlmSettings): PartChange[] {
  return [
    ...unlessSame(before.providers, after.providers, 'providers of models are others'),
    ...unlessSame(before.aliases, after.aliases, 'names that stand for models lead elsewhere'),
    ...unlessSame(before.recording, after.recording, 'what is kept of calls of models is another'),
    ...compareStrictness(before, after),
    ...compareFilters(before.filters, after.filters),
    ...comparePrices(before.prices, after.prices),
    ...compareBudgets(before.budgets, after.budgets),
  ]
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b)
}

function unlessSame(a: unknown, b: unknown, why: string): PartChange[] {
  return isSame(a, b) ? [] : [{ change: 'not-proven', why }]
}

function compareStrictness(before: LlmSettings, after: LlmSettings): PartChange[] {
  const found: PartChange[] = []
  if (before.missingPrice !== after.missingPrice) {
    const isWider = after.missingPrice === 'dearest'
    const why = `models without a price are ${isWider ? 'called' : 'refused'}`
    found.push({ change: isWider ? 'wider' : 'narrower', why })
  }
  if (before.unsupported !== after.unsupported) {
    const isWider = after.unsupported === 'pass'
    const why = `what nobody can look into in calls of models ${isWider ? 'passes' : 'is refused'}`
    found.push({ change: isWider ? 'wider' : 'narrower', why })
  }
  const [was, is] = [before.replies.secrets, after.replies.secrets]
  if (was !== is) {
    const isWider = SECRETS_BY_STRICTNESS.indexOf(is) < SECRETS_BY_STRICTNESS.indexOf(was)
    const why = `secrets in what models write: ${is}, not ${was}`
    found.push({ change: isWider ? 'wider' : 'narrower', why })
  }
  return found
}

const SECRETS_BY_STRICTNESS = ['pass', 'record', 'redact'] as const

/** Each tightens what passes, and each sends what is said to somebody else. */
function compareFilters(
  before: readonly LlmFilter[] = [],
  after: readonly LlmFilter[] = [],
): PartChange[] {
  const removed = before
    .filter(({ id }) => !after.some((each) => each.id === id))
    .map(({ id }): PartChange => ({ change: 'wider', why: `filter ${id} is gone` }))
  const others = after.flatMap((now): PartChange[] => {
    const then = before.find(({ id }) => id === now.id)
    if (then !== undefined && isSame(then, now)) return []
    const is = then === undefined ? 'is new' : 'is another'
    const why = `filter ${now.id} ${is}: ${now.host} is sent texts of calls of models`
    return [{ change: 'not-proven', why }]
  })
  return [...removed, ...others]
}

/** A higher price uses a budget up sooner; a new one may take the place of a higher. */
function comparePrices(before: readonly ModelPrice[], after: readonly ModelPrice[]): PartChange[] {
  if (isSame(before, after)) return []
  const byKey = new Map(after.map((price) => [keyOf(price), price]))
  const isOnlyDearer =
    before.length === after.length &&
    before.every((then) => {
      const now = byKey.get(keyOf(then))
      return now !== undefined && isAtLeast(now, then)
    })
  return isOnlyDearer
    ? [{ change: 'narrower', why: 'prices of models are higher' }]
    : [{ change: 'not-proven', why: 'prices of models, by which budgets are used up, are others' }]
}

function keyOf({ model, provider, from }: ModelPrice): string {
  return canonicalJson({ model, provider, from })
}

function isAtLeast(now: ModelPrice, then: ModelPrice): boolean {
  const [a, b] = [splitRates(now), splitRates(then)]
  return isSame(a.rest, b.rest) && a.rates.every((rate, index) => rate >= (b.rates[index] ?? 0))
}

function splitRates(price: ModelPrice): { rates: number[]; rest: Partial<ModelPrice> } {
  const { input, cacheRead, cacheWrite, cacheWriteLong = cacheWrite, output, ...rest } = price
  return { rates: [input, cacheRead, cacheWrite, cacheWriteLong, output], rest }
}

function compareBudgets(before: readonly LlmBudget[], after: readonly LlmBudget[]): PartChange[] {
  const removed = before
    .filter(({ id }) => !after.some((each) => each.id === id))
    .map(({ id }): PartChange => ({ change: 'wider', why: `budget ${id} is gone` }))
  const others = after.flatMap((now): PartChange[] => {
    const then = before.find(({ id }) => id === now.id)
    if (then === undefined) return [{ change: 'narrower', why: `budget ${now.id} is new` }]
    if (!isSame({ ...then, max: {} }, { ...now, max: {} })) {
      return [{ change: 'not-proven', why: `budget ${now.id} counts otherwise` }]
    }
    return SPEND_MEASURES.flatMap((measure): PartChange[] => {
      const [was, is] = [then.max[measure], now.max[measure]]
      if (was === is) return []
      const change = (is ?? Number.POSITIVE_INFINITY) > (was ?? Number.POSITIVE_INFINITY)
      const why = `budget ${now.id} has its maximum of ${measure} at ${is ?? 'none'}, not ${was ?? 'none'}`
      return [{ change: change ? 'wider' : 'narrower', why }]
    })
  })
  return [...removed, ...others]
}
