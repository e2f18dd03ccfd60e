import type { ModelPrice, TokenUsage } from '../wire/llm.ts'

/** Prices are for so many tokens. */
const PRICED_TOKENS = 1_000_000n

/** Prices of the four classes, and of what a cache keeps for longer. */
export type Rates = Pick<
  ModelPrice,
  'input' | 'cacheRead' | 'cacheWrite' | 'cacheWriteLong' | 'output'
>

export const NO_TOKENS: TokenUsage = Object.freeze({
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  output: 0,
})

/**
 * What a call cost, in micro-USD: exact, and rounded up once. Beyond exact numbers it is the
 * greatest of them, which no budget has room for.
 */
export function costOf(usage: TokenUsage, price: ModelPrice): number {
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite
  const { above } = price
  return toMicroUsd(
    millionfold(usage, above !== undefined && prompt > above.promptTokens ? above : price),
  )
}

/** @returns micro-USD times {@link PRICED_TOKENS} */
function millionfold(usage: TokenUsage, rates: Rates): bigint {
  const long = Math.min(usage.cacheWriteLong ?? 0, usage.cacheWrite)
  return (
    times(usage.input, rates.input) +
    times(usage.cacheRead, rates.cacheRead) +
    times(usage.cacheWrite - long, rates.cacheWrite) +
    times(long, rates.cacheWriteLong ?? rates.cacheWrite) +
    times(usage.output, rates.output)
  )
}

function times(tokens: number, rate: number): bigint {
  return BigInt(tokens) * BigInt(rate)
}

function toMicroUsd(millions: bigint): number {
  const roundedUp = (millions + PRICED_TOKENS - 1n) / PRICED_TOKENS
  return roundedUp > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(roundedUp)
}

/**
 * The most that a call may cost: every token of the prompt in the dearest class there is for one.
 *
 * @param prompt an upper bound of its tokens, of all three input classes together
 */
export function worstCost(prompt: number, output: number, price: ModelPrice): number {
  return toMicroUsd(worstMillions(prompt, output, ratesFor(prompt, price)))
}

/**
 * How many tokens of output fit into `microUsd` beside the worst that the prompt may cost; null
 * where not even the prompt does.
 */
export function outputWithin(microUsd: number, prompt: number, price: ModelPrice): number | null {
  const rates = ratesFor(prompt, price)
  const left = BigInt(microUsd) * PRICED_TOKENS - worstMillions(prompt, 0, rates)
  if (left < 0n) return null
  const rate = dearestOf(rates, (each) => each.output)
  const tokens = rate === 0n ? BigInt(Number.MAX_SAFE_INTEGER) : left / rate
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens)
}

/** A prompt that may be longer than the threshold may also be shorter: both count. */
function ratesFor(prompt: number, price: ModelPrice): readonly Rates[] {
  return price.above !== undefined && prompt > price.above.promptTokens
    ? [price, price.above]
    : [price]
}

function worstMillions(prompt: number, output: number, rates: readonly Rates[]): bigint {
  const perPrompt = dearestOf(rates, ({ input, cacheRead, cacheWrite, cacheWriteLong = 0 }) =>
    Math.max(input, cacheRead, cacheWrite, cacheWriteLong),
  )
  return BigInt(prompt) * perPrompt + BigInt(output) * dearestOf(rates, (each) => each.output)
}

function dearestOf(rates: readonly Rates[], rateOf: (rates: Rates) => number): bigint {
  return BigInt(Math.max(...rates.map(rateOf)))
}
