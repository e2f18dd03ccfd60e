import type { Action, HttpRequestAction } from '../core/action.ts'
import { type ActionFacts, NO_FACTS } from '../core/facts.ts'
import type { Verdict } from '../core/verdict.ts'
import { KnownValues } from '../policy/values/known-values.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { EgressLimits, EgressUse, GateSession } from '../wire/gate.ts'
import { GateActions } from './live-actions.ts'
import { teachingLabel, type ValueLearner } from './operations/value-sink.ts'
import type { Policies } from './policies.ts'
import { GateLabels } from './session-labels.ts'
import { sessionRules, type SessionRules } from './session-rules.ts'

type Begins = Pick<GateSession, 'session' | 'decision' | 'isResumed' | 'limits' | 'egressUsed'>

/** What one session is decided by, and what has come into it so far. */
export class SessionState {
  readonly live = new GateActions()
  readonly labels: GateLabels
  readonly #values = new KnownValues()
  readonly #session: string
  readonly #policies: Policies
  readonly #now: () => number
  readonly #limits: EgressLimits
  #used: () => EgressUse
  #rules: SessionRules

  /** @throws SekishoError PROTOCOL_VIOLATION for a generation that is not installed */
  constructor(
    { session, decision, isResumed, limits, egressUsed }: Begins,
    { policies, now }: { policies: Policies; now: () => number },
  ) {
    this.#session = session
    this.#policies = policies
    this.#now = now
    this.#limits = limits
    this.#used = () => egressUsed
    this.#values.learnTask(decision.task)
    this.#rules = this.#rulesOf(decision)
    this.labels = new GateLabels(
      { begins: decision.begins, isResumed, worst: this.#rules.point.bundle.hosts.worst },
      {
        labelOf: (host) => this.#rules.point.labelOf(host),
        worse: (label) =>
          this.live.recheckOpen((action, facts) => this.#rules.decide(action, facts), label),
      },
    )
  }

  /** What the session may still send. */
  get left(): { bytes: number; requests: number } {
    const { bytes, requests } = this.#used()
    const { egressBytes, egressRequests } = this.#limits
    return {
      bytes: Math.max(0, egressBytes - bytes),
      requests: Math.max(0, egressRequests - requests),
    }
  }

  /** @param used what it has sent so far */
  countBy(used: () => EgressUse): void {
    this.#used = used
  }

  /** the rules in force: one object for as long as they are */
  get rules(): SessionRules {
    return this.#rules
  }

  /** @param facts left out: nothing but what the session has read */
  decide(action: Action, facts: ActionFacts = this.#plainFacts()): Verdict {
    return this.#rules.decide(action, facts)
  }

  /**
   * From now on other rules decide; ends what they do not allow any more.
   *
   * @returns how much was ended
   * @throws SekishoError PROTOCOL_VIOLATION for a generation that is not installed
   */
  decideBy(decision: SessionDecision): number {
    this.#rules = this.#rulesOf(decision)
    return this.live.recheck((action, facts) => this.decide(action, facts))
  }

  /** What reads the values that a reply names; undefined where no rule asks who has named one. */
  learnerFor({ method, scheme, host }: HttpRequestAction): (() => ValueLearner) | undefined {
    if (!this.#rules.point.bundle.asksForOrigins) return undefined
    const what = `${method} ${scheme}://${host}`
    // asked for with the reply's head: its source is joined to the session's label by then
    return () => {
      const label = teachingLabel(this.#rules.point.labelOf(host), this.labels.label)
      return this.#values.read({ what, label })
    }
  }

  #plainFacts(): ActionFacts {
    return { ...NO_FACTS, label: this.labels.label, left: this.left }
  }

  #rulesOf(decision: SessionDecision): SessionRules {
    const bundle = this.#policies.find(decision.generation)
    const originOf: Parameters<typeof sessionRules>[1]['originOf'] = ({ kind, value }) =>
      this.#values.originOf(kind, value)
    return sessionRules(bundle, { session: this.#session, decision, originOf }, this.#now)
  }
}
