import * as z from 'zod'
import type { Action } from '../../core/action.ts'
import { ActionShape, VerdictShape } from '../../wire/schemas.ts'

/** A denied action as the log has it. */
export type Denial = {
  action: Action
  /** every rule that denied it */
  rules: readonly string[]
  /** RFC 3339 */
  at: string
  /** how many more like it were seen and not recorded one by one */
  repeated: number
}

/** What is added by a later version is of no interest here, so it is let pass. */
const Intent = z.object({
  type: z.literal('action.intent'),
  at: z.string().max(64),
  action: ActionShape,
  verdict: VerdictShape,
  repeated: z.int().min(0),
})

/** undefined for a leaf that is no denied action. */
export function readDenial(leaf: Readonly<Record<string, unknown>>): Denial | undefined {
  if (leaf['type'] !== 'action.intent') return undefined
  const read = Intent.safeParse(leaf)
  if (!read.success || read.data.verdict.kind !== 'deny') return undefined
  const { action, at, repeated, verdict } = read.data
  return { action, rules: verdict.rules, at, repeated }
}
