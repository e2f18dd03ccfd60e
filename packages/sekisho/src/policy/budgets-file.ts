import * as z from 'zod'
import { BUDGET_SCOPES, type LlmBudget } from '../wire/llm.ts'
import { readName } from './agent-values.ts'
import { CountText, Usd } from './amounts.ts'
import { explainRepeated } from './explain-repeated.ts'
import { explainUnknown, type Known } from './known-names.ts'
import { printable, type Problem, type Read } from './problem.ts'
import { readDuration } from './quantity.ts'
import { readStrictFile } from './strict-file.ts'
import { text } from './text.ts'
import { readGroup } from './users-file.ts'

const MaxKeys = z.strictObject({
  money: Usd.optional(),
  input: CountText.optional(),
  cacheRead: CountText.optional(),
  cacheWrite: CountText.optional(),
  output: CountText.optional(),
  tokens: CountText.optional(),
  calls: CountText.optional(),
})

const Max = MaxKeys.transform(({ money, ...max }, context): LlmBudget['max'] => {
  const bounds = { microUsd: money, ...max }
  if (Object.values(bounds).every((bound) => bound === undefined)) {
    const hint = `name one of ${Object.keys(MaxKeys.shape).join(', ')}`
    context.addIssue({ code: 'custom', message: 'a budget of nothing', params: { hint } })
  }
  return bounds
})

const BudgetKeys = z.strictObject({
  id: text(readBudgetId),
  reason: z.string().max(1024).default(''),
  per: z.enum(BUDGET_SCOPES),
  of: z
    .strictObject({
      agent: text(readName).optional(),
      user: z.string().max(64).optional(),
      team: text(readGroup).optional(),
      model: z.string().min(1).max(256).optional(),
    })
    .default({}),
  /** the last so long */
  window: text((input) => readDuration(input, { min: '1s', max: '366d' })).optional(),
  /** since it began, UTC */
  calendar: z.enum(['hour', 'day', 'week', 'month']).optional(),
  max: Max,
})

const BudgetFile = BudgetKeys.transform((file, context): LlmBudget => {
  const { id, per, of, window, calendar, max } = file
  if (window !== undefined && calendar !== undefined) {
    const hint = 'keep one: the last so long, or since the hour, day, week or month began'
    const message = '`window` and `calendar` say two things'
    context.addIssue({ code: 'custom', message, path: ['window'], params: { hint } })
  }
  return { id, per, of, windowMs: window ?? null, ...(calendar && { calendar }), max }
})

const BudgetsSchema = z.strictObject({
  version: z.literal(1),
  budgets: z.array(BudgetFile).max(256),
})

/**
 * What calls of models may come to together: `budgets.yaml`.
 *
 * @param teams groups of users.yaml
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseBudgets(
  source: string,
  path: string,
  known: Pick<Known, 'agents' | 'users'> & { teams: readonly string[] },
): LlmBudget[] {
  return readStrictFile(source, path, {
    schema: BudgetsSchema,
    check: ({ budgets }) => [
      ...explainRepeated(['budgets'], 'id', { items: budgets, keyOf: ({ id }) => id }),
      ...budgets.flatMap(({ of }, index): readonly Problem[] => {
        const at = (key: string): PropertyKey[] => ['budgets', index, 'of', key]
        return [
          ...explainUnknown(at('agent'), of.agent, { what: 'agent', known: known.agents }),
          ...explainUnknown(at('user'), of.user, { what: 'user', known: known.users }),
          ...explainUnknown(at('team'), of.team, { what: 'group', known: known.teams }),
        ]
      }),
    ],
  }).budgets
}

/** What is said where a model has no price, and where a reply is longer than was reserved. */
const TAKEN: readonly string[] = ['no-price', 'reserved']

function readBudgetId(input: string): Read<string> {
  if (/^[a-z][a-z0-9-]{0,95}$/.test(input) && !TAKEN.includes(input)) return { value: input }
  return {
    problem: `\`${printable(input)}\` is no id of a budget`,
    hint: 'use lower-case letters, digits and hyphens, at most 96; no-price and reserved are taken',
  }
}
