import type { PolicyRule } from '../wire/policy.ts'
import type { ComparedAgent, ComparedBundle, Comparison } from '../wire/solver.ts'
import {
  comparePolicies,
  compareParts,
  compareRules,
  compareTools,
  isSame,
  rulesWithOptions,
} from './compare-parts.ts'
import type { PartChange } from './part-change.ts'
import { type Frame, framesOf } from './frame.ts'
import { type Answer, type Effort, Question, type Side } from './question.ts'
import { readSchema, type RequestTypes } from './schema.ts'
import { namesOf } from './known-names.ts'
import type { Clock } from './solve.ts'
import { and, equal, not, string } from './term.ts'
import type { Ask } from './z3.ts'

type Found = PartChange & { counterexample?: Comparison['counterexample'] }

const RANKS = ['equal', 'narrower', 'not-proven', 'wider'] as const
const MAX_REASONS = 32
/** Actions that an agent file's rules grant; of all others they say nothing. */
const GRANTED: ReadonlySet<string> = new Set(['http.request', 'net.connect', 'dns.resolve'])

/**
 * Whether everything that `after` allows, with any set of approvals, was allowed by `before` with
 * the same ones, for every agent, user and action. What cannot be settled in time is not proven.
 */
export async function compareBundles(
  before: ComparedBundle,
  after: ComparedBundle,
  { ask, timeoutMs, now }: { ask: Ask; timeoutMs: number; now: Clock },
): Promise<Comparison> {
  const startedMs = now()
  const effort = { ask, now, deadlineMs: startedMs + timeoutMs }
  const found: Found[] = compareParts(before, after)
  const comparer = new Comparer(before, after, effort)
  found.push(...(await comparer.policies()))
  for (const agent of after.agents) found.push(...(await comparer.agent(agent)))
  for (const { name } of before.agents) {
    if (!after.agents.some((agent) => agent.name === name)) {
      found.push({ change: 'narrower', why: `agent ${name} is gone` })
    }
  }
  return summarise(found, now() - startedMs)
}

function summarise(found: readonly Found[], tookMs: number): Comparison {
  const rank = Math.max(0, ...found.map(({ change }) => RANKS.indexOf(change)))
  const change = RANKS[rank] ?? 'not-proven'
  const reasons = found.filter((each) => each.change === change).map(({ why }) => why)
  const counterexample = found.find((each) => each.counterexample)?.counterexample ?? null
  return { change, reasons: reasons.slice(0, MAX_REASONS), counterexample, tookMs }
}

/** Of one agent. */
type Rules = { name: string; before: readonly PolicyRule[]; after: readonly PolicyRule[] }

class Comparer {
  readonly #before: ComparedBundle
  readonly #after: ComparedBundle
  readonly #effort: Effort
  readonly #types: { before: RequestTypes; after: RequestTypes }
  readonly #quick: 'equal' | 'narrower' | null

  constructor(before: ComparedBundle, after: ComparedBundle, effort: Effort) {
    this.#before = before
    this.#after = after
    this.#effort = effort
    this.#types = { before: readSchema(before.schema), after: readSchema(after.schema) }
    const quick = comparePolicies(before.bundle.cedar, after.bundle.cedar)
    this.#quick = isSame(before.schema, after.schema) ? quick : null
  }

  /** For agents whose rules are what they were, whatever those are. */
  async policies(): Promise<Found[]> {
    if (this.#quick === 'equal') return []
    if (this.#quick === 'narrower') {
      return [{ change: 'narrower', why: 'policies permit less or forbid more' }]
    }
    const worse = await this.#lookInto(framesOf(this.#types.after), null)
    return worse ?? [{ change: 'narrower', why: 'policies permit nothing that they did not' }]
  }

  async agent(now: ComparedAgent): Promise<Found[]> {
    const then = this.#before.agents.find(({ name }) => name === now.name)
    if (then === undefined) return [{ change: 'wider', why: `agent ${now.name} is new` }]
    if (isSame(then, now)) return []
    const rest: Found[] =
      then.rest === now.rest
        ? []
        : [{ change: 'not-proven', why: `agent ${now.name}: more than its rules is another` }]
    return [...rest, ...this.#tools(then, now), ...(await this.#rules(then, now))]
  }

  /** Policies may ask by which rules a call is granted: then less of them is not less for certain. */
  #tools(then: ComparedAgent, now: ComparedAgent): Found[] {
    const change = compareTools(then.tools, now.tools)
    if (change === 'equal') return []
    const isPlain = this.#quick === 'equal' && !this.#namesRules()
    if (change === 'narrower' && isPlain) {
      return [{ change, why: `agent ${now.name}: its rules of tools grant less` }]
    }
    const why = `agent ${now.name}: its rules of tools are others`
    return [{ change: change === 'narrower' ? 'not-proven' : change, why }]
  }

  async #rules(then: ComparedAgent, now: ComparedAgent): Promise<Found[]> {
    const quick = compareRules(then.rules, now.rules)
    if (quick === 'equal') return []
    const untold = rulesWithOptions(then.rules, now.rules)
    if (untold.length > 0) {
      const why = `agent ${now.name}: rules that say more than what may pass: ${untold.join(', ')}`
      return [{ change: 'not-proven', why }]
    }
    const narrower: Found = { change: 'narrower', why: `agent ${now.name}: its rules grant less` }
    if (quick === 'narrower' && this.#quick === 'equal' && !this.#namesRules()) return [narrower]
    const frames = framesOf(this.#types.after).filter(({ action }) => GRANTED.has(action))
    const worse = await this.#lookInto(frames, {
      before: then.rules,
      after: now.rules,
      name: now.name,
    })
    return worse ?? [{ ...narrower, why: `agent ${now.name}: its rules grant nothing new` }]
  }

  /** Whether some policy depends on which rules grant. */
  #namesRules(): boolean {
    return JSON.stringify([this.#before.bundle.cedar, this.#after.bundle.cedar]).includes(
      '"grants"',
    )
  }

  /** @returns null when nothing is allowed that was not */
  async #lookInto(frames: readonly Frame[], rules: Rules | null): Promise<Found[] | null> {
    const unknown: Found[] = []
    for (const frame of frames) {
      const answer = await this.#newlyAllowed(frame, rules)
      if (answer.kind === 'never') continue
      if (answer.kind === 'found') {
        const { counterexample } = answer
        return [{ change: 'wider', why: `newly allowed: ${counterexample.text}`, counterexample }]
      }
      const of = rules === null ? '' : `agent ${rules.name}: `
      unknown.push({ change: 'not-proven', why: `${of}${frame.action}: ${answer.why}` })
    }
    return unknown.length > 0 ? unknown : null
  }

  #newlyAllowed(frame: Frame, rules: Rules | null): Promise<Answer> {
    const question = new Question(frame, [this.#types.after, this.#types.before])
    const before = this.#side('before', rules?.before ?? null)
    const after = this.#side('after', rules?.after ?? null)
    const about = rules === null ? [] : agentIs(rules.name, question, after)
    const newly = and(question.allowedBy(after), not(question.allowedBy(before)), ...about)
    return question.find(newly, this.#effort, namesOf(this.#after, rules?.name))
  }

  #side(name: 'before' | 'after', rules: readonly PolicyRule[] | null): Side {
    const { bundle } = name === 'before' ? this.#before : this.#after
    return { name, types: this.#types[name], policies: bundle.cedar, rules }
  }
}

function agentIs(name: string, question: Question, side: Side): ReturnType<typeof equal>[] {
  return question.scenes(side).flatMap(({ world, types, bindings: { principal } }) => {
    const agent =
      principal.kind === 'entity' ? world.attribute(principal, 'agent', types)?.value : undefined
    return agent?.kind === 'entity' ? [equal(agent.id, string(name))] : []
  })
}
