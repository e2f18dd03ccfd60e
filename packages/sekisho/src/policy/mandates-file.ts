import { createHash } from 'node:crypto'
import * as z from 'zod'
import { canonicalJson } from '../core/canonical-json.ts'
import type { Approver, Mandate } from '../wire/decision.ts'
import { ApprovalKind } from '../wire/labels.ts'
import { readDay, readName, readRuleId } from './agent-values.ts'
import { explainRepeated } from './explain-repeated.ts'
import { explainUnknown, type Known } from './known-names.ts'
import {
  MandateSignature,
  missingSignature,
  type SignedMandate,
} from './mandates/mandate-signatures.ts'
import type { Problem } from './problem.ts'
import { readStrictFile } from './strict-file.ts'
import { text } from './text.ts'

const MandateFile = z
  .strictObject({
    id: text(readRuleId),
    /** whose yes it stands for */
    for: z.array(ApprovalKind).min(1).max(3),
    agent: text(readName).optional(),
    user: z.string().max(64).optional(),
    operations: z.array(z.string().max(128)).max(64).default([]),
    rules: z.array(z.string().max(128)).max(64).default([]),
    counterparties: z.array(z.string().min(1).max(512)).max(1024).default([]),
    maxAmount: z.int().min(0).optional(),
    maxUses: z.int().min(1),
    /** the last day, in UTC */
    expires: text(readDay),
    reason: z.string().min(1).max(1024),
    signatures: z.array(MandateSignature).max(8).default([]),
  })
  .superRefine(({ operations, rules }, context) => {
    if (operations.length + rules.length > 0) return
    context.addIssue({
      code: 'custom',
      message: 'a mandate for no action',
      path: ['operations'],
      params: { hint: 'name `operations`, or `rules` of the agent file' },
    })
  })
  .transform((read): SignedMandate => {
    const { for: kinds, agent, user, maxAmount, expires, reason, signatures, ...rest } = read
    const mandate = {
      ...rest,
      kinds,
      agent: agent ?? null,
      user: user ?? null,
      maxAmount: maxAmount ?? null,
      expiresAtMs: expires,
    }
    const text = canonicalJson({ ...mandate, reason })
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
    return { mandate: { ...mandate, digest }, signatures }
  })

const MandatesSchema = z.strictObject({
  version: z.literal(1),
  mandates: z.array(MandateFile).max(256),
})

/**
 * Standing approvals, within bounds: `mandates/*.yaml`. Each is signed by those for whom it stands.
 *
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseMandates(
  source: string,
  path: string,
  known: Known & { approvers: readonly Approver[] },
): readonly Mandate[] {
  return readStrictFile(source, path, {
    schema: MandatesSchema,
    check: ({ mandates }) => {
      const wrong = [
        ...checkIds(mandates),
        ...mandates.flatMap(({ mandate }, index) => checkNames(mandate, index, known)),
      ]
      if (wrong.length > 0) return wrong // what is mended is signed anew
      return mandates.flatMap((signed, index) => checkSigned(signed, index, known.approvers))
    },
  }).mandates.map(({ mandate }) => mandate)
}

/** The mandates of a file by itself, before all have signed. @throws as {@link parseMandates} */
export function parseUnsigned(source: string, path: string): readonly SignedMandate[] {
  const check = ({ mandates }: { mandates: SignedMandate[] }): readonly Problem[] =>
    checkIds(mandates)
  return readStrictFile(source, path, { schema: MandatesSchema, check }).mandates
}

function checkIds(items: readonly SignedMandate[]): readonly Problem[] {
  return explainRepeated(['mandates'], 'id', { items, keyOf: ({ mandate }) => mandate.id })
}

function checkSigned(
  signed: SignedMandate,
  index: number,
  approvers: readonly Approver[],
): readonly Problem[] {
  const missing = missingSignature(signed, approvers)
  if (missing === undefined) return []
  return [
    {
      path: ['mandates', index],
      at: 'value',
      message: `mandate \`${signed.mandate.id}\` is not in force: ${missing}`,
      hint: 'sign it with `sekisho mandate sign FILE --key KEY`',
    },
  ]
}

/** A misspelt name is a mandate that silently never stands for anything. */
function checkNames(
  { agent, user, operations, rules }: Mandate,
  index: number,
  known: Known,
): readonly Problem[] {
  const at = (...keys: PropertyKey[]): PropertyKey[] => ['mandates', index, ...keys]
  return [
    ...explainUnknown(at('agent'), agent, { what: 'agent', known: known.agents }),
    ...explainUnknown(at('user'), user, { what: 'user', known: known.users }),
    ...operations.flatMap((name, position) =>
      explainUnknown(at('operations', position), name, {
        what: 'operation',
        known: known.operations,
      }),
    ),
    ...rules.flatMap((name, position) =>
      explainUnknown(at('rules', position), name, { what: 'allow rule', known: known.rules }),
    ),
  ]
}
