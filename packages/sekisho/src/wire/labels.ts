import * as z from 'zod'
import {
  APPROVALS,
  CONFIDENTIALITIES,
  CONSEQUENCES,
  CRITICAL_ARGUMENTS,
  EFFECTS,
  INTEGRITIES,
  REVERSIBILITIES,
} from '../core/label.ts'

/** Schemas of what `core/label.ts` names. */
export const Integrity = z.enum(INTEGRITIES)
export const Confidentiality = z.enum(CONFIDENTIALITIES)
export const Reversibility = z.enum(REVERSIBILITIES)
export const Consequence = z.enum(CONSEQUENCES)
export const Effect = z.enum(EFFECTS)
export const CriticalArgument = z.enum(CRITICAL_ARGUMENTS)
export const ApprovalKind = z.enum(APPROVALS)

export const LabelShape = z.strictObject({
  integrity: Integrity,
  confidentiality: Confidentiality,
})

/** Where a part of a session's label came from. */
export const LabelSource = z.strictObject({
  /** `workspace`, `task`, `GET https://mail.example/inbox` … without a query */
  what: z.string().max(512),
  label: LabelShape,
})
export type LabelSource = z.infer<typeof LabelSource>
