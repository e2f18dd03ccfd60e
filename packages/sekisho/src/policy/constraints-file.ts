import * as z from 'zod'
import type { Constraint } from '../wire/constraints.ts'
import { readName } from './agent-values.ts'
import { explainRepeated } from './explain-repeated.ts'
import { readHostPattern } from './host-pattern.ts'
import { explainUnknown, type Known } from './known-names.ts'
import { printable, type Problem, type Read } from './problem.ts'
import { readDuration } from './quantity.ts'
import { readStrictFile } from './strict-file.ts'
import { text } from './text.ts'

const ConstraintKeys = z.strictObject({
  id: text(readConstraintId),
  reason: z.string().max(1024).default(''),
  of: z.strictObject({
    agent: text(readName).optional(),
    operation: z.string().max(128).optional(),
    action: z.string().max(64).optional(),
    host: text(readHostPattern).optional(),
    method: z.string().max(32).optional(),
  }),
  measure: z.enum(['count', 'bytes', 'sum']),
  /** of a sum: path of the argument that is summed */
  argument: z.string().min(1).max(256).optional(),
  /** of a sum: the bounds of one such argument, for actions that do not say it */
  between: z.tuple([z.int(), z.int()]).optional(),
  per: z.enum(['session', 'agent', 'user', 'platform']),
  window: text((input) => readDuration(input, { min: '1s', max: '366d' })).optional(),
  max: z.int(),
})
type ConstraintText = z.output<typeof ConstraintKeys>

const ConstraintFile = ConstraintKeys.transform((file, context): Constraint => {
  for (const { path, message, hint } of contradictions(file)) {
    context.addIssue({ code: 'custom', message, path, params: { hint } })
  }
  const { id, of, per, max, window } = file
  return { id, of, per, max, measure: measureOf(file), windowMs: window ?? null }
})

function measureOf({
  measure,
  argument = '',
  between = [0, 0],
}: ConstraintText): Constraint['measure'] {
  if (measure !== 'sum') return { kind: measure }
  return { kind: 'sum', argument, min: between[0], max: between[1] }
}

type Contradiction = { path: string[]; message: string; hint: string }

function contradictions({ measure, argument, between, of }: ConstraintText): Contradiction[] {
  const found: Contradiction[] = []
  const isSum = measure === 'sum'
  if (isSum && (argument === undefined || between === undefined || of.operation === undefined)) {
    const hint = 'name of.operation, `argument` and `between: [smallest, greatest]`'
    found.push({ path: ['measure'], message: 'a sum of nothing', hint })
  }
  if (!isSum && (argument !== undefined || between !== undefined)) {
    const message = `\`argument\` and \`between\` say nothing of a ${measure}`
    found.push({ path: ['measure'], message, hint: 'write measure: sum, or delete them' })
  }
  if (between !== undefined && between[0] > between[1]) {
    found.push({ path: ['between'], message: 'no number is between these', hint: 'swap them' })
  }
  return found
}

const ConstraintsSchema = z.strictObject({
  version: z.literal(1),
  constraints: z.array(ConstraintFile).max(256),
})

/**
 * What actions may come to together: `constraints.yaml`.
 *
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseConstraints(
  source: string,
  path: string,
  known: Known,
): readonly Constraint[] {
  return readStrictFile(source, path, {
    schema: ConstraintsSchema,
    check: ({ constraints }) => [
      ...explainRepeated(['constraints'], 'id', { items: constraints, keyOf: ({ id }) => id }),
      ...constraints.flatMap(({ of }, index) => checkNames(of, index, known)),
    ],
  }).constraints
}

/** A constraint of what there is not would never count anything. */
function checkNames(
  { agent, operation, action }: Constraint['of'],
  index: number,
  { agents, operations }: Known,
): readonly Problem[] {
  const at = (key: string): PropertyKey[] => ['constraints', index, 'of', key]
  return [
    ...explainUnknown(at('agent'), agent, { what: 'agent', known: agents }),
    ...explainUnknown(at('operation'), operation, { what: 'operation', known: operations }),
    ...explainUnknown(at('action'), action, { what: 'action', known: COUNTED }),
  ]
}

/** Actions that are decided one by one, and so can be counted. */
const COUNTED = [
  'http.request',
  'net.connect',
  'dns.resolve',
  'tool.call',
  'package.install',
  'llm.generate',
  'llm.tool-call',
]

function readConstraintId(input: string): Read<string> {
  if (/^[a-z][a-z0-9-]{0,95}$/.test(input)) return { value: input }
  return {
    problem: `\`${printable(input)}\` is no id of a constraint`,
    hint: 'use lower-case letters, digits and hyphens, at most 96',
  }
}
