import * as z from 'zod'
import { explainIssue } from './explain-issue.ts'
import { configInvalid, type Problem } from './problem.ts'
import { readYaml } from './yaml-document.ts'

/** What a file of the bundle is, beside its text. */
export type StrictFile<T> = {
  schema: z.ZodType<T>
  /** what the schema cannot see: how its parts fit together */
  check?: (value: T) => readonly Problem[]
}

/**
 * Reads one YAML file of the bundle. An unknown key is an error, as everywhere.
 *
 * @param path named in errors
 * @throws SekishoError CONFIG_INVALID with file, line, column and hint of up to ten problems
 */
export function readStrictFile<T>(source: string, path: string, file: StrictFile<T>): T {
  const document = readYaml(source, path)
  const parsed = file.schema.safeParse(document.value)
  const problems = parsed.success
    ? (file.check?.(parsed.data) ?? [])
    : parsed.error.issues.flatMap((issue) =>
        explainIssue(issue, document.value, (at) => keysAt(file.schema, at)),
      )
  if (parsed.success && problems.length === 0) return parsed.data
  throw configInvalid(
    path,
    problems.map(({ path: where, at, message, hint }) => ({
      ...document.positionOf(where, at),
      message,
      hint,
    })),
  )
}

/** The keys that a schema has at a path of its input. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = schema
  for (const part of path) at = stepInto(inputOf(at), part)
  const end = inputOf(at)
  return end instanceof z.ZodObject ? Object.keys(end.shape) : []
}

function stepInto(schema: unknown, part: PropertyKey): unknown {
  if (schema instanceof z.ZodArray) return schema.element
  if (schema instanceof z.ZodRecord) return schema.valueType
  return schema instanceof z.ZodObject ? Reflect.get(schema.shape, part) : undefined
}

/** What stands in the file, before defaults and transforms. */
function inputOf(schema: unknown): unknown {
  if (schema instanceof z.ZodPipe) return inputOf(schema.in)
  const isWrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  return isWrapped ? inputOf(schema.unwrap()) : schema
}
