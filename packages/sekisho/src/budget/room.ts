import type { SpendMeasure } from '../wire/spend.ts'
import type { Account } from './account.ts'
import { boundsOf, outputFor, sumOf, type WorstCase, worstAmounts } from './measures.ts'
import { cellName } from './spend-cells.ts'

/** The bound that leaves a call the least. */
export type Tightest = {
  account: Account
  measure: SpendMeasure
  max: number
  taken: number
  /** what it would come to with the call, at its least */
  observed: number
}

/**
 * How long a reply there is room for in all accounts; below nought where not even the prompt fits.
 *
 * @param takenOf what a cell has come to
 */
export function judgeRoom(
  worst: WorstCase & { outputTokens: number },
  accounts: readonly Account[],
  takenOf: (cell: string) => number,
): { outputTokens: number; by: Tightest | undefined } {
  let tightest: { outputTokens: number; by: Tightest | undefined } = {
    outputTokens: Number.MAX_SAFE_INTEGER,
    by: undefined,
  }
  for (const account of accounts) {
    for (const { measure, max } of boundsOf(account.budget.max)) {
      const taken = takenOf(cellName(account.name, measure))
      const outputTokens = outputFor(measure, max - taken, worst) ?? -1
      if (outputTokens >= tightest.outputTokens) continue
      const observed = sumOf(taken, worstAmounts(worst, worst.outputTokens)[measure] ?? 0)
      tightest = { outputTokens, by: { account, measure, max, taken, observed } }
    }
  }
  return tightest
}
