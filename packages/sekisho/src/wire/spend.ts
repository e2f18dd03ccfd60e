import * as z from 'zod'
import { MAX_LEDGER_ENTRIES } from './ledger.ts'
import { BUDGET_SCOPES, ModelPrice, TokenUsage } from './llm.ts'
import { SessionId } from './schemas.ts'

const Count = z.int().min(0)

/** What a budget may bound. */
export const SPEND_MEASURES = [
  'microUsd',
  'input',
  'cacheRead',
  'cacheWrite',
  'output',
  'tokens',
  'calls',
] as const
export const SpendMeasure = z.enum(SPEND_MEASURES)
export type SpendMeasure = z.infer<typeof SpendMeasure>

/** Whose call it is, as the gate knows it. */
export const SpendCall = z.strictObject({
  session: SessionId,
  /** of the action */
  id: z.string().min(1).max(64),
  agent: z.string().max(128),
  uid: z.int().min(0),
  provider: z.string().max(64),
  model: z.string().max(256),
})
export type SpendCall = z.infer<typeof SpendCall>

/** The most that a call may come to. */
export const SpendReservation = z.strictObject({
  ...SpendCall.shape,
  /** an upper bound, of all three input classes together */
  promptTokens: Count,
  /** the most that the reply may hold, as asked for */
  outputTokens: Count,
  /** null where none is known and the bundle lets it pass */
  price: ModelPrice.nullable(),
})
export type SpendReservation = z.infer<typeof SpendReservation>

export const SpendAnswer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('reserved'),
    /** the reply may hold no more than this; null: what was asked for */
    outputTokens: Count.nullable(),
    /** null without a price */
    microUsd: Count.nullable(),
  }),
  z.strictObject({
    kind: z.literal('exceeded'),
    /** the id of a budget, or `no-price` */
    budget: z.string().max(96),
    reason: z.string().max(1024),
  }),
])
export type SpendAnswer = z.infer<typeof SpendAnswer>

/** What a call came to. */
export const SpendSettlement = z.strictObject({
  ...SpendCall.shape,
  /** false: no budget was known that it falls under, so nothing was asked for before */
  wasReserved: z.boolean(),
  /** false: the provider was never asked, and nothing counts */
  wasMade: z.boolean(),
  /** null: nobody has said, and it stands as it was reserved */
  counted: TokenUsage.nullable(),
  /** null without a price */
  microUsd: Count.nullable(),
})
export type SpendSettlement = z.infer<typeof SpendSettlement>

/** Why calls of one scope are refused. */
export const BudgetBreaker = z.strictObject({
  budget: z.string().max(96),
  per: z.enum(BUDGET_SCOPES),
  /** which session, agent, user, team …; empty for the platform */
  subject: z.string().max(128),
  state: z.enum(['open', 'half-open', 'closed']),
  measure: SpendMeasure,
  /** what the budget allows, when it opened */
  threshold: Count,
  /** what it would have come to with the call that was refused */
  observed: Count,
  /** Unix ms; null: until an operator raises it */
  untilMs: z.int().min(0).nullable(),
})
export type BudgetBreaker = z.infer<typeof BudgetBreaker>

/** A line of the spend ledger's file. */
export const SpendEntry = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('count'),
    /** budget, what it counts, for whom, and which measure: `budget/` makes and reads it */
    cell: z.string().min(1).max(512),
    startMs: z.int().min(0),
    /** Unix ms from which it counts no more; null: for ever */
    untilMs: z.int().min(0).nullable(),
    atMs: z.int().min(0),
    /** below nought where a call came to less than was reserved */
    amount: z.int(),
  }),
  z.strictObject({
    kind: z.literal('breaker'),
    account: z.string().min(1).max(512),
    breaker: BudgetBreaker,
  }),
])
export type SpendEntry = z.infer<typeof SpendEntry>

/** As a note of the other ledger. */
export const SpendNote = z.strictObject({
  entries: z.array(SpendEntry).max(MAX_LEDGER_ENTRIES),
  part: z.enum(['append', 'begin', 'more', 'end']),
})
export type SpendNote = z.infer<typeof SpendNote>

export const SpendPage = z.strictObject({
  entries: z.array(SpendEntry).max(MAX_LEDGER_ENTRIES),
  isLast: z.boolean(),
})

/** A breaker changed its state; written by the supervisor when control says so. */
export const BudgetBreakerLeaf = z.strictObject({
  type: z.literal('budget.breaker'),
  /** whose call opened or closed it */
  session: SessionId,
  agent: z.string().max(128),
  /** the session that this one was forked from, or itself */
  chain: z.string().max(64),
  model: z.string().max(256),
  ...BudgetBreaker.omit({ state: true }).shape,
  /** `state` is what the keyholder says of the session */
  breaker: BudgetBreaker.shape.state,
})
export type BudgetBreakerLeaf = z.infer<typeof BudgetBreakerLeaf>

/** More than that are not shown: those that are shut, and that have taken the most of what they may, come first. */
export const MAX_BUDGET_STATUSES = 4096

/** One budget, as one session, agent, user … stands to it. */
export const BudgetStatus = z.strictObject({
  budget: z.string().max(96),
  per: z.enum(BUDGET_SCOPES),
  subject: z.string().max(128),
  measure: SpendMeasure,
  max: Count,
  /** calls in flight count with the most that they may come to */
  taken: Count,
  /** of `taken`, what calls in flight may give back */
  inFlight: Count,
  breaker: BudgetBreaker.shape.state,
  /** Unix ms; when an open breaker lets a call try again */
  untilMs: z.int().min(0).nullable(),
})
export type BudgetStatus = z.infer<typeof BudgetStatus>
