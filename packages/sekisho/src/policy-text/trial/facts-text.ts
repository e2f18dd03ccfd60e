import * as z from 'zod'
import type { Label } from '../../core/label.ts'
import { type ActionFacts, NO_FACTS } from '../../core/facts.ts'
import { ApprovalKind, Confidentiality, CriticalArgument, Integrity } from '../../wire/labels.ts'

/** What a test or a trial says of an action beside itself. */
export const FactsText = z.strictObject({
  /** of what the session has read so far; left out: what its workspace begins with */
  integrity: Integrity.optional(),
  confidentiality: Confidentiality.optional(),
  approvals: z.array(ApprovalKind).max(3).default([]),
  findings: z.array(z.string().max(64)).max(64).default([]),
  credentials: z.array(z.string().max(128)).max(16).default([]),
  /** kinds of critical arguments whose value no trusted source has named */
  unconfirmed: z.array(CriticalArgument).max(5).default([]),
  bodyBytes: z.int().min(0).default(0),
  /** of a rule with `recovery`: whether what is there could be kept */
  preImage: z.enum(['kept', 'missing']).optional(),
})
export type FactsText = z.output<typeof FactsText>

/** @param workspace what a session's label begins with */
export function factsOf(text: FactsText, workspace: Label): ActionFacts {
  const { integrity, confidentiality, unconfirmed, preImage, ...rest } = text
  return {
    ...NO_FACTS,
    ...rest,
    label: {
      integrity: integrity ?? workspace.integrity,
      confidentiality: confidentiality ?? workspace.confidentiality,
    },
    unconfirmed: unconfirmed.map((kind) => ({
      kind,
      argument: kind,
      value: '',
      origin: 'unknown',
    })),
    hasPreImage: preImage === undefined ? null : preImage === 'kept',
  }
}
