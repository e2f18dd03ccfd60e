import { canonicalJson } from '../core/canonical-json.ts'
import type { Label } from '../core/label.ts'
import { type Allow, type Deny, deny, type Hold, type Verdict } from '../core/verdict.ts'
import type { ActionFacts } from '../core/facts.ts'
import { NO_FACTS } from '../core/facts.ts'
import type { ApprovedHold } from '../wire/policy-leaves.ts'
import type { RuleOptions } from '../wire/policy.ts'
import type { Answer } from './approvals-port.ts'
import { grantsOf, type JudgedAction } from './leaving.ts'
import type { CheckpointPorts, Clear, Decider, Exchange, Outgoing } from './ports.ts'

/** Rule of what a change of the bundle has overtaken while it waited. */
const POLICY_CHANGED = 'invariant.policy-changed'

/** A request that is about to leave. */
export type Leaving = {
  id: string
  /** by what was known before anybody looked into it */
  first: { verdict: Allow | Hold; facts: ActionFacts }
  action: JudgedAction
  clear: Clear
  /** of the agent file, that grant it */
  rules: readonly string[]
  options: RuleOptions
  exchange: Exchange
  /** people are asked, whatever mandate there is */
  ignoresMandates?: boolean
}

export type Authorized = {
  verdict: Allow | Deny
  /** the generation that the verdict is of */
  by: Decider
  facts: ActionFacts
  hold?: ApprovedHold | undefined
}

/**
 * Decides an action with all that is known of it now: what it carries, what it is of a declared
 * operation, whether what it changes has been kept. What is to be held waits here for an answer.
 * Never rejects.
 */
export async function authorize(
  leaving: Leaving,
  before: Decider,
  ports: CheckpointPorts,
): Promise<Authorized> {
  const current = adoptCurrent(leaving, before, ports)
  if ('kind' in current) return { verdict: current, by: ports.current(), facts: NO_FACTS }
  const { by, first } = current
  const known = knownFacts(leaving, by, ports)
  if ('kind' in known) return { verdict: known, by, facts: NO_FACTS }
  // asked first: most requests change nothing that is to be kept, and wait for nothing here
  const gathered = isToBeKept(leaving)
    ? { ...known, hasPreImage: await lookBefore(leaving, known, by) }
    : known
  const decided = isNews(gathered, first.facts)
    ? by.decide(leaving.action, gathered)
    : first.verdict
  const verdict = withFound(decided, leaving.clear)
  if (verdict.kind !== 'hold') return { verdict, by, facts: gathered }
  const mandate = leaving.ignoresMandates
    ? undefined
    : by.mandateFor(leaving.action, gathered, verdict)
  if (mandate !== undefined) {
    const facts = { ...gathered, approvals: verdict.needs ?? ['approver'], mandate }
    const again = by.decide(leaving.action, facts)
    if (again.kind !== 'hold') return keepAfterYes(leaving, { verdict: again, by, facts })
  }
  return askFor({ leaving, by, facts: gathered, hold: verdict }, ports)
}

type Adopted = { by: Decider; first: Leaving['first'] }

/**
 * An agent can begin a request under one generation and say its last byte under another, hours later.
 * The newer one decides it, all of it; where that would have looked at it otherwise, it is to be
 * sent again.
 */
function adoptCurrent(
  { action, options, first }: Leaving,
  before: Decider,
  ports: CheckpointPorts,
): Adopted | Deny {
  const by = ports.current()
  if (by.generation === before.generation) return { by: before, first }
  const verdict = by.decide(action, first.facts)
  if (verdict.kind === 'deny') return verdict
  const now = by.optionsFor(action, grantsOf(verdict))
  return canonicalJson(now) === canonicalJson(options)
    ? { by, first: { ...first, verdict } }
    : deny(POLICY_CHANGED, 'the policy has changed how such a request is looked at; send it again')
}

/** Most requests carry nothing that another answer could come of. */
function isNews(facts: ActionFacts, before: ActionFacts): boolean {
  return (
    facts.label !== before.label ||
    facts.bodyBytes > 0 ||
    facts.findings.length > 0 ||
    facts.credentials.length > 0 ||
    facts.operation !== null ||
    facts.install !== null ||
    facts.generate !== null ||
    facts.hasPreImage !== null
  )
}

/** All but whether what the action changes has been kept. */
function knownFacts(leaving: Leaving, by: Decider, ports: CheckpointPorts): ActionFacts | Deny {
  const { action, clear, exchange } = leaving
  const facts = factsOf(clear, labelFor(leaving, ports), leaving.first.facts.left)
  if (action.kind !== 'http.request') return facts
  const operation = by.readOperation(action, () => outgoingOf(exchange))
  if (operation === null) return facts
  if ('kind' in operation) return operation
  const { call, critical, unconfirmed } = operation
  return { ...facts, operation: call, critical, unconfirmed }
}

/** What a look into the request has shown. */
function factsOf(
  { findings = [], credentials, bodyBytes = 0, recordAs }: Clear,
  label: Label,
  left: ActionFacts['left'],
): ActionFacts {
  return {
    ...NO_FACTS,
    findings: findings.map(({ detector }) => detector),
    credentials,
    bodyBytes,
    label,
    install: recordAs?.kind === 'package.install' ? recordAs : null,
    generate: recordAs?.kind === 'llm.generate' ? recordAs : null,
    left,
  }
}

/**
 * A request that has said all it will say is asked about with what its session has read. What stays
 * open can still speak when it has been answered: its own answers count from the start.
 */
function labelFor(
  { action, clear, exchange }: Pick<Leaving, 'action' | 'clear' | 'exchange'>,
  { labels }: CheckpointPorts,
): Label {
  const isOpenEnded = exchange.isOpenEnded?.() ?? false
  return isOpenEnded ? labels.after(action, clear.credentials) : labels.label
}

/**
 * Whether what the action changes has been kept, where a rule asks for it. The look is a request
 * too, which tells its URL: for what is denied or asked about even if it can be taken back, none is
 * taken, and people are asked about it as if it could not be.
 */
async function lookBefore(leaving: Leaving, known: ActionFacts, by: Decider): Promise<boolean> {
  const hopeful = by.decide(leaving.action, { ...known, hasPreImage: true })
  const verdict = withFound(hopeful, leaving.clear)
  return verdict.kind === 'allow' ? keepBefore(leaving) : false
}

/** With a yes to it as to one that cannot be taken back, what is there is kept if it can be. */
async function keepAfterYes(leaving: Leaving, authorized: Authorized): Promise<Authorized> {
  const { verdict, facts } = authorized
  if (verdict.kind === 'deny' || facts.hasPreImage !== false) return authorized
  return { ...authorized, facts: { ...facts, hasPreImage: await keepBefore(leaving) } }
}

const CHANGING: ReadonlySet<string> = new Set(['PUT', 'PATCH', 'DELETE'])

function isToBeKept({ action, options }: Leaving): boolean {
  if (action.kind !== 'http.request' || options.recovery === undefined) return false
  return CHANGING.has(action.method)
}

async function keepBefore({ id, rules, options, exchange }: Leaving): Promise<boolean> {
  const { recovery } = options
  if (recovery === undefined) return false
  return (await exchange.keepBefore?.({ id, rules, recovery })) ?? false
}

/** What a detector wants somebody's yes for is held whatever the policy says. */
function withFound(verdict: Verdict, { hold }: Clear): Verdict {
  if (verdict.kind === 'deny' || hold === undefined) return verdict
  if (verdict.kind === 'allow') return hold
  return {
    ...verdict,
    rules: [...new Set([...verdict.rules, ...hold.rules])],
    reason: `${verdict.reason}; ${hold.reason}`,
    needs: [...new Set([...(verdict.needs ?? ['approver']), 'approver' as const])],
  }
}

type Held = { leaving: Leaving; by: Decider; facts: ActionFacts; hold: Hold }

async function askFor(held: Held, ports: CheckpointPorts): Promise<Authorized> {
  const { leaving, by, facts, hold } = held
  const refused = (verdict: Deny): Authorized => ({ verdict, by, facts })
  if (ports.desk === undefined) return refused(asDenial(hold))
  const outgoing = outgoingOf(leaving.exchange)
  if ('kind' in outgoing) return refused(unasked(hold, outgoing.reason))
  const gone = new AbortController()
  leaving.exchange.onGone?.(() => gone.abort())
  const answer = await ports.desk.ask(
    {
      action: leaving.action,
      recordAs: leaving.clear.recordAs,
      ...outgoing,
      operation: facts.operation,
      credentials: facts.credentials,
      label: facts.label,
      sources: ports.labels.sources,
      unconfirmed: facts.unconfirmed,
      findings: leaving.clear.findings ?? [],
      needs: hold.needs ?? ['approver'],
      rules: hold.rules,
      reason: hold.reason,
      generation: by.generation,
      policy: by.digest,
    },
    gone.signal,
  )
  return keepAfterYes(leaving, settle(held, answer, ports))
}

/** The answer is to the action as it was decided; what has changed since counts all the same. */
function settle(
  { leaving, by, facts, hold }: Held,
  answer: Answer,
  ports: CheckpointPorts,
): Authorized {
  const now = ports.current()
  const { action, clear } = leaving
  const isChanged = now.generation !== by.generation
  if (answer.kind === 'denied' && answer.why !== 'policy-changed') {
    return { verdict: unasked(hold, answer.reason), by, facts }
  }
  if (isChanged || answer.kind === 'denied') {
    const adopted = adoptCurrent(leaving, by, ports)
    if ('kind' in adopted) return { verdict: adopted, by: now, facts }
    const label = labelFor(leaving, ports)
    const anew = withFound(now.decide(action, { ...facts, label }), clear)
    const verdict = anew.kind === 'hold' ? overtaken(anew) : anew
    return { verdict, by: now, facts }
  }
  const approved = { ...facts, approvals: answer.by, label: labelFor(leaving, ports) }
  const verdict = by.decide(action, approved)
  // by now it takes more than it did when they were asked
  if (verdict.kind === 'hold') return { verdict: asDenial(verdict), by, facts: approved }
  return { verdict, by, facts: approved, hold: answer.hold }
}

function overtaken({ rules, reason }: Hold): Deny {
  return {
    kind: 'deny',
    rules: [POLICY_CHANGED, ...rules],
    reason: `the policy changed while it waited, so it is to be asked again: ${reason}`,
  }
}

function unasked({ rules, reason }: Hold, why: string): Deny {
  return { kind: 'deny', rules, reason: `${reason}; ${why}` }
}

function outgoingOf(exchange: Exchange): Outgoing | Deny {
  const nothing = deny('invariant.unshowable', 'what it will send cannot be shown')
  return exchange.outgoing?.() ?? nothing
}

/** What a hold is where nobody can be asked: in the middle of a stream, or without a desk. */
export function asDenial(verdict: Deny | Hold): Deny {
  if (verdict.kind === 'deny') return verdict
  const reason = `${verdict.reason}; nobody can be asked here`
  return { kind: 'deny', rules: verdict.rules, reason }
}
