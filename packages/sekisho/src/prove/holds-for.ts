import { INVARIANTS } from '../policy/invariants/compiled.ts'
import type { CedarPolicy } from '../wire/cedar.ts'
import type { CedarSchemaJson } from '../wire/cedar-schema.ts'
import type { PolicyRule } from '../wire/policy.ts'
import type { Counterexample } from '../wire/solver.ts'
import { framesOf } from './frame.ts'
import { type Answer, type Effort, Question, type Side } from './question.ts'
import { readSchema } from './schema.ts'
import type { KnownNames } from './known-names.ts'
import type { Clock } from './solve.ts'
import { encodeStatement, type Specification } from './specification.ts'
import { and, or } from './term.ts'
import type { Ask } from './z3.ts'

/** What decides, as far as a specification is to hold for it. */
export type Decided = {
  schema: CedarSchemaJson
  policies: readonly CedarPolicy[]
  /** of one agent; null: whatever the rules are */
  rules: readonly PolicyRule[] | null
  /** for examples; nobody's where it is left out */
  known?: KnownNames
  /** left out: those of the platform */
  invariants?: readonly CedarPolicy[]
}

export type Holding = (
  | { kind: 'proven'; by: 'policies' | 'invariants' }
  | { kind: 'violated'; counterexample: Counterexample }
  /** late, or something is not encoded */
  | { kind: 'not-proven'; why: string }
) & { tookMs: number }

/**
 * Whether a specification holds for every request that is allowed: by the bundle's policies alone,
 * or together with the invariants that no bundle can take away.
 */
export async function holdsFor(
  decided: Decided,
  specification: Specification,
  { ask, timeoutMs, now }: { ask: Ask; timeoutMs: number; now: Clock },
): Promise<Holding> {
  const startedMs = now()
  const effort = { ask, now, deadlineMs: startedMs + timeoutMs }
  const alone = await violation({ ...decided, invariants: [] }, specification, effort)
  if (alone.kind === 'never') return { kind: 'proven', by: 'policies', tookMs: now() - startedMs }
  const composed = await violation(decided, specification, effort)
  const tookMs = now() - startedMs
  switch (composed.kind) {
    case 'never':
      return { kind: 'proven', by: 'invariants', tookMs }
    case 'found':
      return { kind: 'violated', counterexample: composed.counterexample, tookMs }
    case 'unknown':
      return { kind: 'not-proven', why: composed.why, tookMs }
  }
}

/** Looks for an allowed request of which the specification says that it never is. */
async function violation(
  { schema, policies, rules, invariants = INVARIANTS, known }: Decided,
  { never }: Specification,
  effort: Effort,
): Promise<Answer> {
  const types = readSchema(schema)
  const side: Side = { name: 'after', types, policies, rules }
  let unknown: Answer | undefined
  for (const frame of framesOf(types)) {
    const question = new Question(frame, [types])
    const forbidden = or(...question.scenes(side).map((scene) => encodeStatement(never, scene)))
    const violating = and(question.allowedBy(side, invariants), forbidden)
    const answer = await question.find(violating, effort, known)
    if (answer.kind === 'found') return answer
    if (answer.kind === 'unknown')
      unknown = { kind: 'unknown', why: `${frame.action}: ${answer.why}` }
  }
  return unknown ?? { kind: 'never' }
}
