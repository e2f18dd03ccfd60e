import type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs'
import { type FileProblem, type Position, printable } from '../policy/problem.ts'
import { MISLEADING_CHARACTER } from '../policy/yaml-document.ts'
import { type CedarPolicy, CedarPolicyJson } from '../wire/cedar.ts'
import { askCedar, type CedarLibrary, cedarLibrary } from './cedar-library.ts'
import { type Complaint, explainCedar } from './explain-cedar.ts'
import { checkAnnotations, policyId } from './policy-names.ts'
import { namesOf, NO_NAMES, type SchemaNames } from './schema-names.ts'
import { type OperationActions, schemaWith } from './schema.ts'
import {
  MAX_WEIGHT,
  offsetOfByte,
  positionIn,
  type PolicyText,
  splitPolicies,
} from './split-policies.ts'
import { unknownWords } from './words.ts'

export type CedarProblem = FileProblem & {
  /** a warning leaves the bundle valid */
  severity: 'error' | 'warning'
  /** id of the policy; null where there is none yet */
  policy: string | null
}

export type PolicyPlace = Position & { file: string }

export type CedarReading = {
  /** in the order of the files and of the policies in them; without those that do not parse */
  policies: readonly CedarPolicy[]
  /** where each policy stands, by its id */
  places: ReadonlyMap<string, PolicyPlace>
  /** the text of each; none of the platform's own defaults */
  sources: ReadonlyMap<string, PolicyText>
  problems: readonly CedarProblem[]
}

type Parsed = { source: PolicyText; policy: CedarPolicy }

/**
 * Reads texts of Cedar with Cedar's own library: parses, gives each policy its id, checks its types
 * against the platform's schema in strict mode. What is wrong is said for all files at once.
 *
 * @param files text by path below the bundle's directory
 * @param operations declared ones, each an action of its own
 * @throws SekishoError CONFIG_INVALID when the library itself breaks
 */
export async function readCedar(
  files: ReadonlyMap<string, string>,
  operations: OperationActions = new Map(),
): Promise<CedarReading> {
  const cedar = await cedarLibrary()
  const problems: CedarProblem[] = []
  const parsed: Parsed[] = []
  for (const [file, text] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const misleading = findMisleading(file, text)
    if (misleading !== undefined) {
      problems.push(misleading)
      continue
    }
    for (const [index, source] of splitPolicies(file, text).entries()) {
      const one = parsePolicy(cedar, source, index + 1)
      if ('policy' in one) parsed.push(one)
      else problems.push(...one.problems)
    }
  }
  const known = withoutDoubles(parsed, problems)
  problems.push(...known.flatMap(({ source, policy }) => checkAnnotations(source, policy)))
  const schema = schemaWith(cedar, operations)
  problems.push(...validate(cedar, known, { schema, names: namesOf(schema) }))
  problems.push(...known.flatMap(({ source, policy }) => unknownWords(source, policy)))
  return {
    policies: known.map(({ policy }) => policy),
    places: new Map(
      known.map(({ source, policy }) => [policy.id, { file: source.file, ...source.start }]),
    ),
    sources: new Map(known.map(({ source, policy }) => [policy.id, source])),
    problems,
  }
}

function findMisleading(file: string, text: string): CedarProblem | undefined {
  const found = MISLEADING_CHARACTER.exec(text)
  if (found === null) return undefined
  const before = text.slice(0, found.index)
  const line = before.split('\n').length
  const column = before.length - before.lastIndexOf('\n')
  const message = `the character ${printable(found[0])} is not allowed`
  return { file, line, column, message, severity: 'error', policy: null }
}

/** @param position of the policy in its file, from 1 */
function parsePolicy(
  cedar: CedarLibrary,
  source: PolicyText,
  position: number,
): Parsed | { problems: readonly CedarProblem[] } {
  const fail = (problem: Pick<CedarProblem, 'message' | 'hint'>, at = source.start): Failed => ({
    problems: [{ file: source.file, ...at, ...problem, severity: 'error', policy: null }],
  })
  if (source.weight > MAX_WEIGHT) {
    return fail({
      message: 'this policy nests or chains too much',
      hint: 'make several policies of it, or a set of a chain of ==',
    })
  }
  const answer = askCedar(() => cedar.policyToJson(source.text))
  if (answer.type === 'failure') return syntaxProblem(source, answer.errors)
  const json = CedarPolicyJson.safeParse(answer.json)
  if (!json.success) {
    return fail({ message: json.error.issues[0]?.message ?? 'a policy that is too large' })
  }
  const id = policyId(source.file, position, json.data)
  if ('problem' in id) return fail({ message: id.problem, hint: id.hint })
  return { source, policy: { id: id.value, policy: json.data } }
}

type Failed = { problems: readonly CedarProblem[] }

function syntaxProblem(source: PolicyText, errors: readonly DetailedError[]): Failed {
  const complaints = explainCedar(errors, NO_NAMES)
  return { problems: complaints.map((complaint) => locate(source, complaint, null)) }
}

function locate(
  source: PolicyText,
  { message, hint, at }: Complaint,
  policy: string | null,
): CedarProblem {
  const offset = at === null ? 0 : offsetOfByte(source.text, at)
  const position = positionIn(source, offset)
  return { file: source.file, ...position, message, hint, severity: 'error', policy }
}

/** An id names one policy: a verdict that names it must name no other. */
function withoutDoubles(parsed: readonly Parsed[], problems: CedarProblem[]): readonly Parsed[] {
  const known = new Map<string, Parsed>()
  for (const one of parsed) {
    const { id } = one.policy
    const first = known.get(id)?.source
    if (first === undefined) {
      known.set(id, one)
      continue
    }
    problems.push({
      file: one.source.file,
      ...one.source.start,
      message: `a second policy \`${id}\`; the first is at ${first.file}:${first.start.line}`,
      hint: 'give each policy an @id of its own',
      severity: 'error',
      policy: id,
    })
  }
  return [...known.values()]
}

function validate(
  cedar: CedarLibrary,
  parsed: readonly Parsed[],
  { schema, names }: { schema: ReturnType<typeof schemaWith>; names: SchemaNames },
): readonly CedarProblem[] {
  if (parsed.length === 0) return []
  const staticPolicies = Object.fromEntries(
    parsed.map(({ source, policy }) => [policy.id, source.text]),
  )
  const answer = askCedar(() =>
    cedar.validate({
      schema,
      policies: { staticPolicies },
      validationSettings: { mode: 'strict' },
    }),
  )
  if (answer.type === 'failure') return refusedAsAWhole(parsed, answer.errors)
  const found = [...answer.validationErrors, ...answer.validationWarnings]
  return parsed.flatMap(({ source, policy: { id } }) => {
    const own = found.flatMap(({ policyId: about, error }) => (about === id ? [error] : []))
    return explainCedar(own, names).map((complaint) => locate(source, complaint, id))
  })
}

/** The schema with the operations of this bundle is none. */
function refusedAsAWhole(
  parsed: readonly Parsed[],
  errors: readonly DetailedError[],
): readonly CedarProblem[] {
  const file = parsed[0]?.source.file ?? ''
  return errors.map(({ message, help }) => ({
    file,
    line: 1,
    column: 1,
    message: printable(message, 300),
    hint: help ?? undefined,
    severity: 'error',
    policy: null,
  }))
}
