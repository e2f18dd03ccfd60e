import type { Action, HttpRequestAction } from '../core/action.ts'
import { type ActionFacts, NO_FACTS } from '../core/facts.ts'
import type { Verdict } from '../core/verdict.ts'
import { KnownValues } from '../policy/values/known-values.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { GateSession } from '../wire/gate.ts'
import { GateActions } from './live-actions.ts'
import { teachingLabel, type ValueLearner } from './operations/value-sink.ts'
import type { Policies } from './policies.ts'
import { GateLabels } from './session-labels.ts'
import { sessionRules, type SessionRules } from './session-rules.ts'

/** What one session is decided by, and what has come into it so far. */
export class SessionState {
  readonly live = new GateActions()
  readonly labels: GateLabels
  readonly #values = new KnownValues()
  readonly #session: string
  readonly #policies: Policies
  readonly #now: () => number
  #rules: SessionRules

  /** @throws SekishoError PROTOCOL_VIOLATION for a generation that is not installed */
  constructor(
    { session, decision, isResumed }: Pick<GateSession, 'session' | 'decision' | 'isResumed'>,
    { policies, now }: { policies: Policies; now: () => number },
  ) {
    this.#session = session
    this.#policies = policies
    this.#now = now
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

  /** the rules in force: one object for as long as they are */
  get rules(): SessionRules {
    return this.#rules
  }

  /** @param facts left out: nothing but what the session has read */
  decide(action: Action, facts: ActionFacts = { ...NO_FACTS, label: this.labels.label }): Verdict {
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

  #rulesOf(decision: SessionDecision): SessionRules {
    const bundle = this.#policies.find(decision.generation)
    const originOf: Parameters<typeof sessionRules>[1]['originOf'] = ({ kind, value }) =>
      this.#values.originOf(kind, value)
    return sessionRules(bundle, { session: this.#session, decision, originOf }, this.#now)
  }
}
