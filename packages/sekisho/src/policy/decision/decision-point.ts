import type { Action, ModelCallAction } from '../../core/action.ts'
import { APPROVALS, type ApprovalKind } from '../../core/label.ts'
import { deny, type Hold, type Verdict } from '../../core/verdict.ts'
import type { SessionDecision, User } from '../../wire/decision.ts'
import type { IntentFacts } from '../../wire/policy-leaves.ts'
import type { RuleOptions, Scheme } from '../../wire/policy.ts'
import { type CedarValue, type EntityRef, Fault } from '../cedar/value.ts'
import { valueOfJson } from '../cedar/value-json.ts'
import { type CedarEntities, entityStore } from '../cedar/entities.ts'
import { type CompiledPolicy, compilePolicy } from '../compile.ts'
import {
  type Amounts,
  type CompiledConstraints,
  compileConstraints,
} from '../constraints/compile-constraints.ts'
import { covers } from '../mandates/covers.ts'
import { requestOf } from '../model-call.ts'
import type { Place } from '../network-policy.ts'
import { ToolIndex } from '../tools/tool-index.ts'
import {
  describeAction,
  describeCall,
  describeSecret,
  type Described,
  factsRecord,
  uidOf,
} from './cedar-context.ts'
import { type Classified, classify } from './classify.ts'
import type { CompiledBundle } from './compiled-bundle.ts'
import { DecisionWays } from './decision-ways.ts'
import { type ActionFacts, NO_FACTS, type OperationCall } from '../../core/facts.ts'

/** Where no policy permits, and none forbids. */
export const NOT_PERMITTED = 'policy.not-permitted'
/** A policy that no bundle can take away could not be evaluated. */
const UNDECIDABLE = 'invariant.undecidable'

/** Whose yes may help, from the least that is asked of people to the most. */
const APPROVAL_SETS: readonly (readonly ApprovalKind[])[] = [
  ['initiator'],
  ['approver'],
  ['initiator', 'approver'],
  APPROVALS,
]
const APPROVALS_PATH = ['facts', 'approvals']

/** Actions that rules and policies decide; every other is refused for what it is. */
const DECIDED: ReadonlySet<Action['kind']> = new Set([
  'http.request',
  'net.connect',
  'dns.resolve',
  'llm.tool-call',
])

type Answered = { kind: 'allow' } | { kind: 'deny'; rules: readonly string[]; who: string }

/**
 * All that one session is decided by under one generation: what its agent file grants, what the
 * bundle's policies permit to the session and to the user who began it, and what no bundle can
 * allow. All must permit. Never waits, never throws.
 */
export class DecisionPoint {
  readonly generation: number
  readonly digest: string
  /** what the agent file grants: the ceiling */
  readonly grants: CompiledPolicy
  readonly user: User
  /** how long an action waits for its answers */
  readonly approvalTimeoutMs: number
  readonly #tools: ToolIndex
  readonly #bundle: CompiledBundle
  readonly #agent: string
  readonly #session: EntityRef
  readonly #ways: DecisionWays
  readonly #constraints: CompiledConstraints
  readonly #now: () => number

  constructor(
    bundle: CompiledBundle,
    { session, decision }: { session: string; decision: SessionDecision },
    now: () => number,
  ) {
    this.generation = bundle.generation
    this.digest = bundle.digest
    this.grants = compilePolicy(decision.policy, now)
    this.#tools = new ToolIndex(decision.policy.tools, now)
    this.user = bundle.userOf(decision.uid)
    this.approvalTimeoutMs = bundle.approvalTimeoutMs
    this.#bundle = bundle
    this.#agent = decision.agent
    this.#constraints = compileConstraints(bundle.constraints, decision.agent)
    this.#now = now
    this.#session = uidOf('Session', session)
    const user = uidOf('User', this.user.name)
    const principals = [
      { uid: this.#session, who: `agent ${decision.agent}` },
      { uid: user, who: `user ${this.user.name}` },
    ]
    this.#ways = new DecisionWays(bundle, principals, this.#principalEntities(user))
  }

  decide(action: Action, facts: ActionFacts = NO_FACTS): Verdict {
    if (action.kind === 'llm.generate') return this.decide(...asRequest(action, facts))
    const granted = this.#grant(action, facts)
    if (granted.kind !== 'allow' || !DECIDED.has(action.kind)) return granted
    const classified = this.#classify(action, facts, granted.rules)
    const asked = this.#askedOf(action, facts)
    if (asked === undefined) {
      return deny(UNDECIDABLE, 'its arguments are none that policies can be asked about')
    }
    const known = { classified, grants: granted.rules }
    const answer = this.#answer(asked, { facts, ...known })
    if (answer.kind === 'allow') return granted
    const decideWith = (approvals: readonly ApprovalKind[]): Answered =>
      this.#answer(asked, { facts: { ...facts, approvals }, ...known })
    const needs = this.#mayHelp(asked) ? neededWith(decideWith, facts.approvals) : undefined
    if (needs === undefined) {
      return { kind: 'deny', rules: answer.rules, reason: this.#explain(action, answer) }
    }
    // a name is told or not: what leads to it is asked about when it is used
    return action.kind === 'dns.resolve' ? granted : this.#hold(answer, needs, granted.rules)
  }

  /** what the rules that allowed an action grant and ask beyond it */
  optionsFor(action: Action, rules: readonly string[]): RuleOptions {
    if (action.kind === 'llm.tool-call') return this.#tools.optionsFor(rules)
    const place = placeOf(action, this.#schemeOf(action))
    return place === undefined ? {} : this.grants.optionsFor(place, rules)
  }

  /** how an action is decided, for the record */
  describe(action: Action, facts: ActionFacts): IntentFacts {
    if (action.kind === 'llm.generate') return this.describe(...asRequest(action, facts))
    const rules = this.#grantsOf(action)
    const { effect, reversibility, consequence } = this.#classify(action, facts, rules)
    const kinds = [...new Set(facts.unconfirmed.map(({ kind }) => kind))]
    return {
      user: this.user.name,
      label: facts.label,
      ...(effect === 'read' ? {} : { effect }),
      ...(reversibility === 'read_only' ? {} : { reversibility }),
      ...(consequence === 'low' ? {} : { consequence }),
      ...(facts.bodyBytes === 0 ? {} : { bodyBytes: facts.bodyBytes }),
      ...(facts.operation === null ? {} : { operation: facts.operation.id }),
      ...(kinds.length === 0 ? {} : { unconfirmed: kinds }),
      ...(facts.approvals.length === 0 ? {} : { approvals: [...facts.approvals] }),
      ...(facts.mandate === undefined ? {} : { mandate: facts.mandate }),
    }
  }

  /** what the session's label becomes with what a host answers */
  labelOf(host: string): ReturnType<CompiledBundle['hosts']['find']> {
    return this.#bundle.hosts.find(host)
  }

  /** The id of a mandate that stands for every yes that a held action takes; undefined for none. */
  mandateFor(action: Action, facts: ActionFacts, hold: Hold): string | undefined {
    if (this.#bundle.mandates.length === 0) return undefined
    const use = {
      agent: this.#agent,
      user: this.user.name,
      needs: hold.needs ?? ['approver'],
      operation: facts.operation?.id ?? null,
      rules: this.#grantsOf(action),
      critical: facts.critical,
      unconfirmed: facts.unconfirmed,
      nowMs: this.#now(),
    } as const
    return this.#bundle.mandates.find((mandate) => covers(mandate, use))?.id
  }

  /** What an action counts for in each constraint that it falls under; null for none. */
  amountsFor(action: Action, facts: ActionFacts): Amounts | null {
    return this.#constraints.amountsFor(action, facts)
  }

  get bundle(): CompiledBundle {
    return this.#bundle
  }

  /** A request that asks a model is granted as a request, and what it lets the provider do. */
  #grant(action: Action, { generate }: ActionFacts): Verdict {
    if (action.kind === 'llm.tool-call') return this.#tools.decideCall(action)
    const granted = this.grants.decide(action)
    if (granted.kind !== 'allow' || generate === null) return granted
    return this.#tools.decideOffer(generate) ?? granted
  }

  #grantsOf(action: Action): readonly string[] {
    const granted =
      action.kind === 'llm.tool-call' ? this.#tools.decideCall(action) : this.grants.decide(action)
    return granted.kind === 'allow' ? granted.rules : []
  }

  #classify(action: Action, facts: ActionFacts, rules: readonly string[]): Classified {
    const host = 'host' in action && action.host !== null ? action.host : ''
    const { external } = this.#bundle.hosts.find(host)
    const scheme = this.#schemeOf(action)
    const isForRequests = scheme === 'https' || scheme === 'http'
    const said = isForRequests ? {} : this.optionsFor(action, rules)
    return classify(action, said, { leads: { external, isForRequests }, facts })
  }

  #schemeOf(action: Action): Scheme | undefined {
    if (action.kind !== 'net.connect' || action.host === null || action.port === null) {
      return undefined
    }
    return this.grants.isPort(action.host, action.port)
  }

  /**
   * A request is asked about as such, as what it means (a declared operation, an install, a call of
   * a model), and for each credential that goes along: all of these must be permitted.
   */
  #askedOf(action: Action, facts: ActionFacts): readonly Described[] | undefined {
    const request = describeAction(action, { facts, scheme: this.#schemeOf(action) })
    const { install, generate, credentials, operation } = facts
    const meant = [install, generate].filter((action) => action !== null)
    if (meant.length === 0 && operation === null && credentials.length === 0) return [request]
    const args = operation === null ? undefined : this.#argumentsOf(operation)
    if (args instanceof Fault) return undefined
    return [
      request,
      ...(operation === null || args === undefined ? [] : [describeCall(operation.id, args)]),
      ...meant.map((each) => describeAction(each, { facts, scheme: undefined })),
      ...credentials.map(describeSecret),
    ]
  }

  #argumentsOf({ id, arguments: args }: OperationCall): CedarValue | Fault {
    const operation = this.#bundle.operations.get(id)
    if (operation === undefined) return new Fault('an operation of another generation')
    return valueOfJson(operation.toCedarRecord(args))
  }

  #answer(
    asked: readonly Described[],
    parts: { facts: ActionFacts; classified: Classified; grants: readonly string[] },
  ): Answered {
    const facts = factsRecord({ ...parts, nowMs: this.#now() })
    for (const described of asked) {
      const context = new Map<string, CedarValue>().set('facts', facts)
      for (const [name, value] of described.own) context.set(name, value)
      for (const { who, decide } of this.#ways.to(described)) {
        const answer = decide(context)
        const broken = answer.errors.find(({ id }) => id.startsWith('invariant.'))
        if (broken !== undefined) return { kind: 'deny', rules: [UNDECIDABLE, broken.id], who }
        if (answer.decision === 'allow') continue
        const { determining } = answer
        const rules = determining.length > 0 ? determining : [NOT_PERMITTED]
        return { kind: 'deny', rules, who }
      }
    }
    return { kind: 'allow' }
  }

  #mayHelp(asked: readonly Described[]): boolean {
    return asked.some(({ action }) => this.#bundle.engine.mentions(action, APPROVALS_PATH))
  }

  #hold(
    { rules, who }: Extract<Answered, { kind: 'deny' }>,
    needs: readonly ApprovalKind[],
    grants: readonly string[],
  ): Hold {
    const reason = `${this.#reasonsOf(rules)} (${who}); it takes the yes of ${needs.join(' and ')}`
    return { kind: 'hold', rules, reason, needs, grants }
  }

  #explain(action: Action, { rules, who }: Extract<Answered, { kind: 'deny' }>): string {
    if (rules.includes(NOT_PERMITTED)) return `no policy permits ${action.kind} to ${who}`
    return `${this.#reasonsOf(rules)} (${who})`
  }

  #reasonsOf(rules: readonly string[]): string {
    return rules
      .slice(0, 3)
      .map((rule) => this.#bundle.reasonOf(rule) ?? rule)
      .join('; ')
  }

  #principalEntities(user: EntityRef): CedarEntities {
    const agent = uidOf('Agent', this.#agent)
    const { groups, enabled } = this.user
    return entityStore(
      [
        { uid: agent },
        {
          uid: this.#session,
          parents: [agent],
          attrs: new Map<string, CedarValue>([
            ['agent', agent],
            ['user', user],
          ]),
        },
        {
          uid: user,
          parents: groups.map((group) => uidOf('Group', group)),
          attrs: new Map([['enabled', enabled]]),
        },
      ],
      this.#bundle.actions,
    )
  }
}

/** A model call that is asked about by itself is the request that it goes by. */
function asRequest(action: ModelCallAction, facts: ActionFacts): [Action, ActionFacts] {
  return [requestOf(action), { ...facts, generate: action }]
}

/** What an operator says of a connection: where it is for requests, they say it of each of those. */
function placeOf(action: Action, scheme: Scheme | undefined): Place | undefined {
  if (action.kind === 'http.request') return action
  if (action.kind !== 'net.connect' || scheme === undefined) return undefined
  const { host, port } = action
  return host === null || port === null ? undefined : { host, port, scheme }
}

/** The first set of people whose yes, with those that are there already, would allow it. */
function neededWith(
  decideWith: (approvals: readonly ApprovalKind[]) => Answered,
  given: readonly ApprovalKind[],
): readonly ApprovalKind[] | undefined {
  return APPROVAL_SETS.filter((kinds) => kinds.some((kind) => !given.includes(kind))).find(
    (kinds) => decideWith(kinds).kind === 'allow',
  )
}
