import * as z from 'zod'
import { canonicalHostPattern } from '../../core/host.ts'
import { SekishoError } from '../../core/error.ts'
import { Consequence, CriticalArgument, Reversibility } from '../../wire/labels.ts'
import { Operation } from '../../wire/operations.ts'
import { readPathGlob } from '../path-glob.ts'
import { configInvalid, type Problem } from '../problem.ts'
import { text } from '../text.ts'
import { readYaml } from '../yaml-document.ts'
import { overlapsOf, problemsOfOperation } from './operation-index.ts'

const DEFAULT_PORT = { http: 80, https: 443 }
const GUIDE = 'see docs/guides/operations.md'

const host = text((input) => {
  const value = canonicalHostPattern(input)
  return value === undefined ? { problem: 'want a host name, or *. and one' } : { value }
})

/** One entry as people write it: what goes without saying may be left out. */
const Entry = z.strictObject({
  ...Operation.shape,
  scheme: Operation.shape.scheme.default('https'),
  host,
  port: Operation.shape.port.optional(),
  methods: z
    .array(z.string().regex(/^[A-Z]{3,32}$/, 'want a method in capitals, such as POST'))
    .min(1)
    .max(16),
  paths: z.array(text(readPathGlob)).min(1).max(64),
  critical: z
    .partialRecord(CriticalArgument, z.array(z.string().min(1).max(256)).min(1).max(32))
    .default({}),
  reversibility: Reversibility,
  consequence: Consequence,
})

const OperationsSchema = z.strictObject({
  version: z.literal(1),
  operations: z.array(Entry).max(1000),
})

/**
 * Reads one of `operations/*.yaml`. Whether operations of several files overlap is for
 * {@link requireDistinct}.
 *
 * @param path named in errors
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseOperations(source: string, path: string): readonly Operation[] {
  const document = readYaml(source, path)
  const fail = (problems: readonly Problem[]): never => {
    throw configInvalid(
      path,
      problems.map(({ path: place, at, message, hint = GUIDE }) => ({
        ...document.positionOf(place, at),
        message,
        hint,
      })),
    )
  }
  const parsed = OperationsSchema.safeParse(document.value)
  if (!parsed.success) return fail(parsed.error.issues.flatMap(problemsOfIssue))
  const operations = parsed.data.operations.map((entry) => ({
    ...entry,
    port: entry.port ?? DEFAULT_PORT[entry.scheme],
  }))
  const problems = operations.flatMap((operation, index) =>
    problemsOfOperation(operation).map((problem) => ({
      ...problem,
      path: ['operations', index, ...problem.path],
      message: `${operation.id}: ${problem.message}`,
    })),
  )
  const overlaps = overlapsOf(operations).map(
    ({ second, message }): Problem => ({
      path: ['operations', second],
      at: 'value',
      message,
      hint: 'narrow the paths or methods of one of them',
    }),
  )
  return problems.length + overlaps.length > 0 ? fail([...problems, ...overlaps]) : operations
}

/**
 * The operations of all files together.
 *
 * @throws SekishoError CONFIG_INVALID naming both files where one request could be two of them
 */
export function requireDistinct(
  files: ReadonlyMap<string, readonly Operation[]>,
): readonly Operation[] {
  const all = Array.from(files, ([file, operations]) =>
    operations.map((operation, index) => ({ place: `${file}: operations[${index}]`, operation })),
  ).flat()
  const [overlap] = overlapsOf(all.map(({ operation }) => operation))
  if (overlap === undefined) return all.map(({ operation }) => operation)
  const [first, second] = [all[overlap.first], all[overlap.second]]
  throw new SekishoError(
    'CONFIG_INVALID',
    `${second?.place}: ${overlap.message}; the other is ${first?.place}`,
    {
      hint:
        first?.operation.id === second?.operation.id
          ? 'give each operation an id of its own'
          : 'narrow the paths or methods of one of them',
    },
  )
}

function problemsOfIssue(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      at: 'key',
      message: `unknown key \`${key}\``,
    }))
  }
  return [{ path: issue.path, at: 'value', message: issue.message }]
}
