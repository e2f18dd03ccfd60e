import { createHash } from 'node:crypto'
import * as z from 'zod'
import { canonicalJson } from '../core/canonical-json.ts'
import type { Mandate } from '../wire/decision.ts'
import { ApprovalKind } from '../wire/labels.ts'
import { readDay, readName, readRuleId } from './agent-values.ts'
import { explainRepeated } from './explain-repeated.ts'
import { explainUnknown, type Known } from './known-names.ts'
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
  .transform(({ for: kinds, agent, user, maxAmount, expires, reason, ...rest }): Mandate => {
    const mandate = {
      ...rest,
      kinds,
      agent: agent ?? null,
      user: user ?? null,
      maxAmount: maxAmount ?? null,
      expiresAtMs: expires,
    }
    const text = canonicalJson({ ...mandate, reason })
    return { ...mandate, digest: `sha256:${createHash('sha256').update(text).digest('hex')}` }
  })

const MandatesSchema = z.strictObject({
  version: z.literal(1),
  mandates: z.array(MandateFile).max(256),
})

/**
 * Standing approvals, within bounds: `mandates/*.yaml`.
 *
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseMandates(source: string, path: string, known: Known): readonly Mandate[] {
  return readStrictFile(source, path, {
    schema: MandatesSchema,
    check: ({ mandates }) => [
      ...explainRepeated(['mandates'], 'id', { items: mandates, keyOf: ({ id }) => id }),
      ...mandates.flatMap((mandate, index) => checkNames(mandate, index, known)),
    ],
  }).mandates
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
