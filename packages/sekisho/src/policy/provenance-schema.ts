import * as z from 'zod'
import type { Budget, ProvenancePlan } from '../wire/provenance.ts'
import { readHostPattern } from './host-pattern.ts'
import { suggest } from './nearest.ts'
import { type Problem, printable } from './problem.ts'
import { readTemplate } from './provenance/templates.ts'
import { readSize } from './quantity.ts'
import { text } from './text.ts'

const RuleId = z.string().min(1).max(128)
const RuleIds = z.array(RuleId).max(2000)

export const ProvenanceFile = z.strictObject({
  /** allow rules whose requests are looked at */
  rules: z.union([z.literal('all'), RuleIds.min(1)]).default('all'),
  indexes: RuleIds.default([]),
  private: RuleIds.default([]),
  startsPrivate: z.boolean().default(true),
  templates: z
    .array(text(readTemplate).transform(({ source }) => source))
    .max(256)
    .default([]),
})
export type ProvenanceFile = z.output<typeof ProvenanceFile>

export const BudgetFile = z
  .strictObject({
    host: text(readHostPattern),
    bytesOut: text((input) => readSize(input, { min: '1KiB', max: '1TiB' })).optional(),
    distinctUrls: z.int().min(0).max(16_384).optional(),
    urlEntropyBits: z.int().min(0).max(1_000_000_000).optional(),
  })
  .refine(
    ({ bytesOut, distinctUrls, urlEntropyBits }) =>
      [bytesOut, distinctUrls, urlEntropyBits].some((limit) => limit !== undefined),
    { error: 'a budget names at least one of bytesOut, distinctUrls and urlEntropyBits' },
  )
  .transform(
    ({ host, bytesOut, distinctUrls, urlEntropyBits }): Budget => ({
      host,
      bytesOut: bytesOut ?? null,
      distinctUrls: distinctUrls ?? null,
      urlEntropyBits: urlEntropyBits ?? null,
    }),
  )

/** Keys of an agent file that say which URLs may be fetched, and how much each host may learn. */
export const ProvenanceKeys = {
  provenance: ProvenanceFile.optional().transform((file) => file ?? null),
  budgets: z.array(BudgetFile).max(64).default([]),
}

/** The file's part and the user's words, as the gate takes them. */
export function provenancePlan(file: ProvenanceFile, taskUrls: readonly string[]): ProvenancePlan {
  const { rules, indexes, private: privateRules, startsPrivate, templates } = file
  return {
    rules: rules === 'all' ? 'all' : [...rules],
    indexes: [...indexes],
    private: [...privateRules],
    startsPrivate,
    templates: [...templates],
    taskUrls: [...taskUrls],
  }
}

/**
 * Whether the rules that `provenance` names are there: an id that no rule has would look at nothing.
 *
 * @param known ids of the agent's allow rules with presets expanded
 */
export function checkProvenance(
  provenance: ProvenanceFile | null,
  known: readonly string[],
): readonly Problem[] {
  if (provenance === null) return []
  const ids = new Set(known)
  const lists = {
    rules: provenance.rules === 'all' ? [] : provenance.rules,
    indexes: provenance.indexes,
    private: provenance.private,
  }
  const unknown = Object.entries(lists).flatMap(([list, names]) =>
    names.flatMap((name, index): Problem[] => {
      if (ids.has(name)) return []
      return [
        {
          path: ['provenance', list, index],
          at: 'value',
          message: `provenance.${list}[${index}]: no allow rule is called \`${printable(name)}\``,
          hint: suggest(name, ids, undefined),
        },
      ]
    }),
  )
  return [...unknown, ...checkIndexes(provenance)]
}

/** A list of indexes that is never read looks like a grant and is none. */
function checkIndexes({ indexes, startsPrivate }: ProvenanceFile): Problem[] {
  if (indexes.length === 0 || !startsPrivate) return []
  return [
    {
      path: ['provenance', 'indexes'],
      at: 'key',
      message: 'provenance.indexes: the session starts private, so no reply makes a URL known',
      hint: 'write startsPrivate: false if the workspace and the task hold nothing private',
    },
  ]
}
