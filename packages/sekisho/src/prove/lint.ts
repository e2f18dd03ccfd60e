import type { CedarPolicy } from '../wire/cedar.ts'
import type { CedarSchemaJson } from '../wire/cedar-schema.ts'
import { encodePolicy, type PolicyTerms } from './encode-policy.ts'
import { framesOf } from './frame.ts'
import { type Effort, Question } from './question.ts'
import { readSchema, type RequestTypes } from './schema.ts'
import type { Clock } from './solve.ts'
import { and, FALSE, not, type Term } from './term.ts'
import type { Ask } from './z3.ts'

/** What is odd about one policy among others. Only what is proven is said. */
export type Lint =
  /** no request satisfies it */
  | { kind: 'never-matches'; policy: string }
  /** wherever it would decide something, it has an error and is skipped */
  | { kind: 'always-errors'; policy: string }
  /** every request that it permits is forbidden by this one */
  | { kind: 'always-forbidden'; policy: string; by: string }
  /** every request that it permits is permitted by this one too */
  | { kind: 'already-permitted'; policy: string; by: string }

export type LintReport = {
  lints: readonly Lint[]
  /** policies of which something could not be settled in time */
  unsettled: readonly string[]
  tookMs: number
}

/**
 * Looks at each policy of a bundle for what its author can hardly have meant.
 *
 * @param timeoutMs for all of them
 * @param only ids of those to look at; left out: all
 */
export async function lintPolicies(
  { schema, policies }: { schema: CedarSchemaJson; policies: readonly CedarPolicy[] },
  { ask, timeoutMs, now }: { ask: Ask; timeoutMs: number; now: Clock },
  only?: ReadonlySet<string>,
): Promise<LintReport> {
  const startedMs = now()
  const effort = { ask, now, deadlineMs: startedMs + timeoutMs }
  const linter = new Linter(readSchema(schema), effort)
  const [lints, unsettled]: [Lint[], string[]] = [[], []]
  for (const policy of policies) {
    if (only?.has(policy.id) === false) continue
    const others = policies.filter(({ id }) => id !== policy.id)
    const found = await linter.lint(policy, others)
    if (found === 'unknown') unsettled.push(policy.id)
    else if (found !== null) lints.push(found)
  }
  return { lints, unsettled, tookMs: now() - startedMs }
}

type Settled = boolean | 'unknown'

class Linter {
  readonly #types: RequestTypes
  readonly #effort: Effort

  constructor(types: RequestTypes, effort: Effort) {
    this.#types = types
    this.#effort = effort
  }

  async lint(
    policy: CedarPolicy,
    others: readonly CedarPolicy[],
  ): Promise<Lint | null | 'unknown'> {
    const never = await this.#isNever(([own]) => own?.holds ?? FALSE, [policy])
    if (never === 'unknown') return never
    if (never) {
      const sound = await this.#isNever(([own]) => own?.fails ?? FALSE, [policy])
      if (sound === 'unknown') return sound
      return { kind: sound ? 'never-matches' : 'always-errors', policy: policy.id }
    }
    return policy.policy.effect === 'permit' ? this.#covered(policy, others) : null
  }

  async #covered(
    policy: CedarPolicy,
    others: readonly CedarPolicy[],
  ): Promise<Lint | null | 'unknown'> {
    let unknown = false
    const forbidsFirst = others.toSorted((a, b) => rank(a) - rank(b))
    for (const other of forbidsFirst) {
      const isCovered = await this.#isNever(
        ([own, cover]) => and(own?.holds ?? FALSE, not(cover?.holds ?? FALSE)),
        [policy, other],
      )
      if (isCovered === 'unknown') unknown = true
      if (isCovered !== true) continue
      const kind = other.policy.effect === 'forbid' ? 'always-forbidden' : 'already-permitted'
      return { kind, policy: policy.id, by: other.id }
    }
    return unknown ? 'unknown' : null
  }

  /** Whether no request of any shape, as any principal's policies see it, makes this true. */
  async #isNever(
    claim: (terms: readonly PolicyTerms[]) => Term,
    policies: readonly CedarPolicy[],
  ): Promise<Settled> {
    for (const frame of framesOf(this.#types)) {
      const question = new Question(frame, [this.#types])
      const side = { name: 'after' as const, types: this.#types, policies, rules: null }
      for (const scene of question.scenes(side)) {
        const terms = policies.map((policy) => encodePolicy(policy, scene))
        const answer = await question.find(claim(terms), this.#effort)
        if (answer.kind === 'found') return false
        if (answer.kind === 'unknown') return 'unknown'
      }
    }
    return true
  }
}

function rank({ policy }: CedarPolicy): number {
  return policy.effect === 'forbid' ? 0 : 1
}
