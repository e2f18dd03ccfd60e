import type { CedarPolicy } from '../wire/cedar.ts'
import type { CedarSchemaJson } from '../wire/cedar-schema.ts'
import { encodePolicy, type PolicyTerms } from './encode-policy.ts'
import { type Frame, framesOf } from './frame.ts'
import { type Effort, Question } from './question.ts'
import { readSchema, type RequestTypes } from './schema.ts'
import type { Scene } from './scene.ts'
import type { Clock } from './solve.ts'
import { and, FALSE, not, or, type Term } from './term.ts'
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
/** One shape of request as one principal's policies see it. */
type View = { question: Question; scene: Scene }

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
    const never = await this.#isNever(policy, ({ holds }) => holds)
    if (never === 'unknown') return never
    if (never) {
      const sound = await this.#isNever(policy, ({ fails }) => fails)
      if (sound === 'unknown') return sound
      return { kind: sound ? 'never-matches' : 'always-errors', policy: policy.id }
    }
    return policy.policy.effect === 'permit' ? this.#covered(policy, others) : null
  }

  /**
   * One request that a permit allows and none of the others speaks of shows at once that none of
   * them covers it; only where there is none are they looked at one by one.
   */
  async #covered(
    policy: CedarPolicy,
    others: readonly CedarPolicy[],
  ): Promise<Lint | null | 'unknown'> {
    let covers: readonly CedarPolicy[] = others.toSorted((a, b) => rank(a) - rank(b))
    for (const frame of framesOf(this.#types)) {
      for (const view of this.#views(frame)) {
        const left = await this.#stillCover(policy, covers, view)
        if (left === 'unknown') return left
        covers = left
        if (covers.length === 0) return null
      }
    }
    const [by] = covers
    if (by === undefined) return null
    const kind = by.policy.effect === 'forbid' ? 'always-forbidden' : 'already-permitted'
    return { kind, policy: policy.id, by: by.id }
  }

  /** Those of the others that speak of every request of one view that the policy speaks of. */
  async #stillCover(
    policy: CedarPolicy,
    others: readonly CedarPolicy[],
    { question, scene }: View,
  ): Promise<readonly CedarPolicy[] | 'unknown'> {
    const own = encodePolicy(policy, scene).holds
    if (own === FALSE) return others
    const terms = others.map((other) => [other, encodePolicy(other, scene).holds] as const)
    const claims = terms.map(([, holds]) => holds)
    const alone = await question.find(and(own, not(or(...claims))), this.#effort)
    if (alone.kind === 'found') return []
    const untrue = (await question.untrueOf(own, terms, this.#effort)) ?? []
    const left: CedarPolicy[] = []
    for (const [other, holds] of terms) {
      if (untrue.includes(other)) continue
      const answer = await question.find(and(own, not(holds)), this.#effort)
      if (answer.kind === 'unknown') return 'unknown'
      if (answer.kind === 'never') left.push(other)
    }
    return left
  }

  #views(frame: Frame): View[] {
    const question = new Question(frame, [this.#types])
    const side = { name: 'after' as const, types: this.#types, policies: [], rules: null }
    return question.scenes(side).map((scene) => ({ question, scene }))
  }

  /** Whether no request of any shape, as any principal's policies see it, makes this true. */
  async #isNever(policy: CedarPolicy, claim: (terms: PolicyTerms) => Term): Promise<Settled> {
    for (const frame of framesOf(this.#types)) {
      for (const { question, scene } of this.#views(frame)) {
        const answer = await question.find(claim(encodePolicy(policy, scene)), this.#effort)
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
