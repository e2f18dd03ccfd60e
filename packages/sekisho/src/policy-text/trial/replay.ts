import type { Action } from '../../core/action.ts'
import { CRITICAL_ARGUMENTS } from '../../core/label.ts'
import type { Verdict } from '../../core/verdict.ts'
import { INVARIANTS } from '../../policy/invariants/compiled.ts'
import type { CompiledBundle } from '../../policy/decision/compiled-bundle.ts'
import { type ActionFacts, NO_FACTS } from '../../core/facts.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import type { Phase } from '../../wire/schemas.ts'
import type { LoadedPolicy } from '../load-policy.ts'
import { compileLoaded, decide, policyOfPhase } from './question.ts'

export type IntentLeaf = Extract<LeafInput, { type: 'action.intent' }>

/** A logged action, with what is known of its session. */
export type LoggedAction = {
  index: number
  leaf: IntentLeaf
  agent: string
  phase: Phase
  /** the user who began the session */
  uid: number
  /** Unix ms, of the leaf */
  atMs: number
}

export type Changed = {
  index: number
  session: string
  agent: string
  action: Action
  before: Verdict
  after: Verdict
}

/** Why a logged action says nothing about another bundle. */
export type NotReplayed =
  /** the log has no arguments, and what a policy says of them is not known */
  | 'arguments'
  /** the bundle has no such agent, or no setup phase of it: nothing would have begun */
  | 'agent'
  /** what refused it is no policy: a detector, a limit, the form of the request */
  | 'not-policy'
  /** of an earlier version, or by the supervisor: the log does not say what it was decided by */
  | 'no-facts'

export type Replay = {
  /** actions that were decided again */
  decided: number
  /** of these, names that were asked of DNS, whose leaves do not say what the session had read */
  withoutLabels: number
  changed: readonly Changed[]
  notReplayed: Readonly<Record<NotReplayed, number>>
}

/** Decides logged actions again, by a bundle that is not in force. */
export class Replayer {
  readonly #loaded: LoadedPolicy
  readonly #bundle: CompiledBundle
  readonly #changed: Changed[] = []
  readonly #left: Record<NotReplayed, number> = {
    arguments: 0,
    agent: 0,
    'not-policy': 0,
    'no-facts': 0,
  }
  #decided = 0
  #withoutLabels = 0

  constructor(loaded: LoadedPolicy) {
    this.#loaded = loaded
    this.#bundle = compileLoaded(loaded)
  }

  add(logged: LoggedAction): void {
    const why = this.#whyNot(logged)
    if (why !== undefined) {
      this.#left[why] += 1
      return
    }
    this.#decided += 1
    if (logged.leaf.facts === undefined) this.#withoutLabels += 1
    const { index, leaf, agent, phase, uid, atMs } = logged
    const { action, verdict: before, session } = leaf
    const policy = policyOfPhase(this.#loaded, agent, phase)
    const facts = factsOfLeaf(leaf)
    const question = { agent, policy, uid, action, facts, nowMs: atMs }
    const after = decide(this.#bundle, question).verdict
    if (isSame(before, after)) return
    this.#changed.push({ index, session, agent, action, before, after })
  }

  result(): Replay {
    return {
      decided: this.#decided,
      withoutLabels: this.#withoutLabels,
      changed: this.#changed,
      notReplayed: { ...this.#left },
    }
  }

  #whyNot({ leaf, agent, phase }: LoggedAction): NotReplayed | undefined {
    if (leaf.facts === undefined && leaf.action.kind !== 'dns.resolve') return 'no-facts'
    const { bundle } = this.#loaded
    if (!bundle.agents.includes(agent)) return 'agent'
    if (phase === 'setup' && bundle.setupPolicyOf(bundle.agent(agent)) === null) return 'agent'
    if (!isOfPolicy(leaf.verdict)) return 'not-policy'
    return leaf.facts?.operation === undefined ? undefined : 'arguments'
  }
}

/** The facts of a leaf as a decision point takes them; values that are not in the log are empty. */
export function factsOfLeaf({
  facts,
  findings = [],
  credentials,
  action,
}: IntentLeaf): ActionFacts {
  const known = {
    findings: findings.map(({ detector }) => detector),
    credentials,
    install: action.kind === 'package.install' ? action : null,
    generate: action.kind === 'llm.generate' ? action : null,
  }
  if (facts === undefined) return { ...NO_FACTS, ...known }
  return {
    ...NO_FACTS,
    ...known,
    approvals: facts.approvals ?? [],
    bodyBytes: facts.bodyBytes ?? 0,
    label: facts.label,
    unconfirmed: unconfirmedOf(facts.unconfirmed ?? []),
    hasPreImage: preImageOf(facts.reversibility),
  }
}

function unconfirmedOf(names: readonly string[]): ActionFacts['unconfirmed'] {
  return CRITICAL_ARGUMENTS.filter((kind) => names.includes(kind)).map((kind) => ({
    kind,
    argument: kind,
    value: '',
    origin: 'not in the log',
  }))
}

/** Of a rule that asks for one; of any other it changes nothing. */
function preImageOf(reversibility: string | undefined): boolean | null {
  if (reversibility === 'reversible') return true
  return reversibility === 'irreversible' ? false : null
}

const POLICY_RULES: ReadonlySet<string> = new Set([
  'invariant.undecidable',
  ...INVARIANTS.map(({ id }) => id),
])
/** Rules of what is not decided by grants and policies. */
const OTHER_RULES =
  /^(?:invariant|keyholder|constraint|operation|detect|exec|limit|provenance|budget|llm|packages?)\./

/** An allowed action passed everything; a refused one only if a policy refused it. */
export function isOfPolicy(verdict: Verdict): boolean {
  if (verdict.kind === 'allow') return true
  return verdict.rules.every((rule) => POLICY_RULES.has(rule) || !OTHER_RULES.test(rule))
}

function isSame(before: Verdict, after: Verdict): boolean {
  if (before.kind === 'deny' && after.kind === 'hold') return isUnanswered(before, after)
  if (before.kind !== after.kind) return false
  const needs = (verdict: Verdict): string =>
    verdict.kind === 'hold' ? (verdict.needs ?? ['approver']).toSorted().join() : ''
  return needs(before) === needs(after)
}

/** What was held and has had no answer ends as a denial by what held it. */
function isUnanswered(before: Verdict, after: Verdict): boolean {
  return after.rules.every((rule) => before.rules.includes(rule))
}
