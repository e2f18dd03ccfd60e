import type { ModelPrice } from '../wire/llm.ts'
import type { Rates } from './cost.ts'

type Asked = {
  provider: string
  /** as the provider is asked for it */
  model: string
  /** UTC, `2026-11-22` */
  day: string
}

/**
 * What a model is charged by on a day. Its own id counts before its id without a date, and that
 * before the longest beginning; of those that fit alike, the provider's own before any provider's,
 * and then the newest that is in force.
 */
export function priceFor(
  prices: readonly ModelPrice[],
  { provider, model, day }: Asked,
): ModelPrice | undefined {
  let best: { price: ModelPrice; fit: number } | undefined
  for (const price of prices) {
    if (price.from > day || (price.provider !== null && price.provider !== provider)) continue
    const fit = fitOf(price.model, model)
    if (fit === 0) continue
    if (best === undefined || isBetter({ price, fit }, best)) best = { price, fit }
  }
  return best?.price
}

type Candidate = { price: ModelPrice; fit: number }

function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.fit !== b.fit) return a.fit > b.fit
  if ((a.price.provider === null) !== (b.price.provider === null)) return a.price.provider !== null
  return a.price.from > b.price.from
}

const EXACT = 1_000_000
const UNDATED = 500_000

/**
 * `claude-opus-4-5-20251101`, `gpt-4.1-2025-04-14`, `claude-sonnet-4-5@20250929`: one model, as of
 * that day. Nothing else may follow an id: `gpt-5-mini` costs something else than `gpt-5`.
 */
const DATED = /^(.+?)(?:[-@](?:20\d{6}|20\d\d-\d\d-\d\d)|-latest)$/

/** 0 where it does not fit, else the higher the better. */
function fitOf(pattern: string, model: string): number {
  if (pattern === model) return EXACT
  if (pattern.endsWith('*')) {
    const beginning = pattern.slice(0, -1)
    return model.startsWith(beginning) ? beginning.length + 1 : 0
  }
  return DATED.exec(model)?.[1] === pattern ? UNDATED : 0
}

/** What requests may ask for that changes no price. */
const USUAL: ReadonlySet<string> = new Set([
  'auto',
  'default',
  'global',
  'not_available',
  'standard',
  'standard_only',
])

/**
 * What a model is charged by where a request asks for a tier, a speed or a region; undefined for one
 * that the price does not know.
 *
 * Of two names nobody knows which one a provider goes by: each counts once, and a discount only where
 * no other stands beside it, the usual one neither.
 */
export function priceAt(price: ModelPrice, asked: readonly string[]): ModelPrice | undefined {
  const names = new Set(asked)
  let percents = [100n]
  for (const name of names) {
    if (USUAL.has(name)) continue
    const percent = Object.hasOwn(price.tiers ?? {}, name) ? price.tiers?.[name] : undefined
    if (percent === undefined) return undefined
    percents = [...percents, BigInt(names.size === 1 ? percent : Math.max(100, percent))]
  }
  return percents.length === 1 ? price : scaled(price, percents)
}

function scaled(price: ModelPrice, percents: readonly bigint[]): ModelPrice {
  const whole = 100n ** BigInt(percents.length)
  const scale = (rate: number): number => {
    const product = percents.reduce((all, percent) => all * percent, BigInt(rate))
    return Math.min(Number.MAX_SAFE_INTEGER, Number((product + whole - 1n) / whole))
  }
  const scaleAll = <R extends Rates>(rates: R): R => ({
    ...rates,
    input: scale(rates.input),
    cacheRead: scale(rates.cacheRead),
    cacheWrite: scale(rates.cacheWrite),
    ...(rates.cacheWriteLong !== undefined && { cacheWriteLong: scale(rates.cacheWriteLong) }),
    output: scale(rates.output),
  })
  return { ...scaleAll(price), ...(price.above && { above: scaleAll(price.above) }) }
}

/** Whether a budget or a price that says `pattern` means this model. */
export function coversModel(pattern: string, model: string): boolean {
  return fitOf(pattern, model) > 0
}

/**
 * A price that no model of the list is dearer than, in any class and any tier; undefined where nothing
 * is in force. What nobody knows the price of is counted by it.
 */
export function dearest(prices: readonly ModelPrice[], day: string): ModelPrice | undefined {
  const inForce = prices.filter(({ from }) => from <= day).map(atDearestTier)
  const [first] = inForce
  if (first === undefined) return undefined
  const most = (valueOf: (price: ModelPrice) => number): number =>
    Math.max(...inForce.map((price) => valueOf(price)))
  return {
    model: '*',
    provider: null,
    input: most((each) => Math.max(each.input, each.above?.input ?? 0)),
    cacheRead: most((each) => Math.max(each.cacheRead, each.above?.cacheRead ?? 0)),
    cacheWrite: most((each) => Math.max(each.cacheWrite, each.above?.cacheWrite ?? 0)),
    cacheWriteLong: most((each) =>
      Math.max(
        each.cacheWriteLong ?? each.cacheWrite,
        each.above?.cacheWriteLong ?? each.above?.cacheWrite ?? 0,
      ),
    ),
    output: most((each) => Math.max(each.output, each.above?.output ?? 0)),
    maxOutputTokens: most((each) => each.maxOutputTokens),
    from: inForce.reduce((newest, { from }) => (from > newest ? from : newest), first.from),
  }
}

function atDearestTier(price: ModelPrice): ModelPrice {
  const percents = Object.values(price.tiers ?? {})
  return scaled(price, [BigInt(Math.max(100, ...percents))])
}
