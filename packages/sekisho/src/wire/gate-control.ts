import * as z from 'zod'
import { HeldAction, HoldId } from './approval.ts'
import { ApprovalKind } from './labels.ts'
import { SessionId } from './schemas.ts'
import { SpendAnswer, SpendReservation, SpendSettlement } from './spend.ts'

/** What a gate may ask of control, over a socket pair that the supervisor made for the two. */
export const gateToControl = {
  /**
   * Resolves once the hold is answered, denied or over. The keyholder has its leaf already and
   * checks each answer by itself: this one only says that there may be something to do.
   */
  'hold.wait': {
    params: HeldAction,
    result: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('approved'), by: z.array(ApprovalKind) }),
      z.strictObject({ kind: z.literal('denied'), reason: z.string().max(1024) }),
      z.strictObject({ kind: z.literal('expired') }),
      /** another generation is in force: this was asked under the one before */
      z.strictObject({ kind: z.literal('policy-changed') }),
    ]),
  },
  /** the agent has gone away, or the policy now allows or denies it without anybody's yes */
  'hold.withdraw': {
    params: z.strictObject({ id: HoldId, why: z.string().max(256) }),
    result: z.strictObject({}),
  },
  /**
   * Takes from the ledger what an action may come to at most, or says which constraint it breaks.
   * A reservation that nobody settles stands.
   */
  'ledger.reserve': {
    params: z.strictObject({
      session: SessionId,
      /** of the action */
      id: z.string().max(64),
      agent: z.string().max(128),
      uid: z.int().min(0),
      /** constraints that it falls under, with the amount; null where that is unknown */
      amounts: z.record(z.string().max(96), z.int().nullable()),
    }),
    result: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('reserved') }),
      z.strictObject({
        kind: z.literal('exceeded'),
        constraint: z.string().max(96),
        reason: z.string().max(1024),
      }),
    ]),
  },
  /**
   * Takes from all budgets that a call of a model falls under what it may come to at most; less
   * output where that is all there is. One that nobody settles stands.
   */
  'spend.reserve': { params: SpendReservation, result: SpendAnswer },
  /** what the call came to takes the place of what was reserved */
  'spend.settle': { params: SpendSettlement, result: z.strictObject({}) },
  /** the action was not performed: what it had reserved is free again */
  'ledger.release': {
    params: z.strictObject({ session: SessionId, id: z.string().max(64) }),
    result: z.strictObject({}),
  },
} as const

/** What control tells a gate by itself. */
export const controlToGate = {
  /** budgets of these calls are exhausted: what is in flight of them is ended where it is */
  'budget.cut': {
    params: z.strictObject({
      session: SessionId,
      /** of the actions */
      ids: z.array(z.string().max(64)).max(1024),
      budget: z.string().max(96),
      reason: z.string().max(1024),
    }),
    result: z.strictObject({}),
  },
} as const
