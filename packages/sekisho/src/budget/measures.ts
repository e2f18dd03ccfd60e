import type { ModelPrice, TokenUsage } from '../wire/llm.ts'
import { SPEND_MEASURES, type SpendMeasure } from '../wire/spend.ts'
import { outputWithin, worstCost } from './cost.ts'

/** What a call comes to, in everything that a budget may bound; no money where no price is known. */
export type Amounts = Readonly<Record<SpendMeasure, number | null>>

export const NOTHING: Amounts = Object.freeze({
  microUsd: 0,
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  output: 0,
  tokens: 0,
  calls: 0,
})

/** The most that a call may come to, but for its output. */
export type WorstCase = {
  /** an upper bound, of all three input classes together */
  promptTokens: number
  price: ModelPrice | null
}

/**
 * Beyond exact numbers it is the greatest of them. An agent says what a reply may hold, and a message
 * between processes with a number that is not exact breaks their connection, for all sessions.
 */
export function sumOf(...amounts: readonly number[]): number {
  return Math.min(
    Number.MAX_SAFE_INTEGER,
    amounts.reduce((sum, amount) => sum + amount, 0),
  )
}

/** Every token of the prompt may turn out to be of any class. */
export function worstAmounts({ promptTokens, price }: WorstCase, output: number): Amounts {
  return {
    microUsd: price === null ? null : worstCost(promptTokens, output, price),
    input: promptTokens,
    cacheRead: promptTokens,
    cacheWrite: promptTokens,
    output,
    tokens: sumOf(promptTokens, output),
    calls: 1,
  }
}

export function amountsOf(usage: TokenUsage, microUsd: number | null): Amounts {
  const { input, cacheRead, cacheWrite, output } = usage
  const tokens = sumOf(input, cacheRead, cacheWrite, output)
  return { microUsd, input, cacheRead, cacheWrite, output, tokens, calls: 1 }
}

type Room = (room: number, worst: WorstCase) => number | null

const ANY_LENGTH = Number.MAX_SAFE_INTEGER
const forPrompt: Room = (room, { promptTokens }) => (room < promptTokens ? null : ANY_LENGTH)

const OUTPUT_FOR: Readonly<Record<SpendMeasure, Room>> = {
  microUsd: (room, { price, promptTokens }) =>
    price === null ? null : outputWithin(room, promptTokens, price),
  input: forPrompt,
  cacheRead: forPrompt,
  cacheWrite: forPrompt,
  output: (room) => room,
  tokens: (room, { promptTokens }) => (room < promptTokens ? null : room - promptTokens),
  calls: (room) => (room < 1 ? null : ANY_LENGTH),
}

/**
 * How much output a call may have where there is `room` left; null where it does not fit at all.
 *
 * @param room may be below nought
 */
export function outputFor(measure: SpendMeasure, room: number, worst: WorstCase): number | null {
  return room < 0 ? null : OUTPUT_FOR[measure](room, worst)
}

/** What a budget bounds, in a steady order. */
export function boundsOf(max: Partial<Record<SpendMeasure, number | undefined>>): {
  measure: SpendMeasure
  max: number
}[] {
  return SPEND_MEASURES.flatMap((measure) => {
    const bound = max[measure]
    return bound === undefined ? [] : [{ measure, max: bound }]
  })
}
