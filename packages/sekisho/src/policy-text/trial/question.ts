import type { Action } from '../../core/action.ts'
import { SekishoError } from '../../core/error.ts'
import type { Verdict } from '../../core/verdict.ts'
import { type CompiledBundle, compileBundle } from '../../policy/decision/compiled-bundle.ts'
import { DecisionPoint } from '../../policy/decision/decision-point.ts'
import type { ActionFacts, Json } from '../../core/facts.ts'
import { suggest } from '../../policy/nearest.ts'
import { printable } from '../../policy/problem.ts'
import type { Operation } from '../../wire/operations.ts'
import type { IntentFacts } from '../../wire/policy-leaves.ts'
import type { SessionPolicy } from '../../wire/policy.ts'
import type { Phase } from '../../wire/schemas.ts'
import type { LoadedPolicy } from '../load-policy.ts'

/** Who is not named in users.yaml, of a number that no user has. */
export const SOMEBODY = 4_294_967_294

/** One action of one session, as a decision point is asked about it. */
export type Question = {
  agent: string
  /** what its agent file grants */
  policy: SessionPolicy
  uid: number
  action: Action
  facts: ActionFacts
  /** Unix ms */
  nowMs: number
}

export type Decided = { verdict: Verdict; facts: IntentFacts }

/** Decides by the very code by which gates decide. */
export function decide(
  bundle: CompiledBundle,
  { agent, policy, uid, action, facts, nowMs }: Question,
): Decided {
  const decision = { generation: bundle.generation, agent, uid, policy, begins: [], task: [] }
  const session = 's-00000000000000000000'
  const point = new DecisionPoint(bundle, { session, decision }, () => nowMs)
  return { verdict: point.decide(action, facts), facts: point.describe(action, facts) }
}

/** Of a call that nobody can read; see `gate/llm/call-judge.ts`. */
export const UNREADABLE_CALL = 'llm.unreadable-call'

/** One call may be several actions: what is first not allowed decides. */
export function decideAll(
  actions: readonly Action[],
  verdictOf: (action: Action) => Verdict,
): Verdict {
  const verdicts = actions.map(verdictOf)
  const refused =
    verdicts.find(({ kind }) => kind === 'deny') ?? verdicts.find(({ kind }) => kind === 'hold')
  if (refused !== undefined) return refused
  return { kind: 'allow', rules: [...new Set(verdicts.flatMap(({ rules }) => rules))] }
}

export function compileLoaded(loaded: LoadedPolicy): CompiledBundle {
  return compileBundle(loaded.decision(1))
}

/** @throws SekishoError AGENT_UNKNOWN, USAGE for an agent without a setup phase */
export function policyOfPhase({ bundle }: LoadedPolicy, name: string, phase: Phase): SessionPolicy {
  const agent = bundle.agent(name)
  if (phase === 'agent') return bundle.policyOf(agent)
  const setup = bundle.setupPolicyOf(agent)
  if (setup !== null) return setup
  throw new SekishoError('USAGE', `agent ${name} has no setup phase`)
}

/**
 * The number of a user of users.yaml, or of `uid-1000`.
 *
 * @param name undefined: somebody whom users.yaml does not name
 * @throws SekishoError USAGE
 */
export function uidOfUser(
  { users }: Pick<LoadedPolicy, 'users'>,
  name: string | undefined,
): number {
  if (name === undefined) return SOMEBODY
  const known = users.find((user) => user.name === name)
  if (known !== undefined) return known.uid
  const digits = /^uid-(\d{1,10})$/.exec(name)?.[1]
  if (digits !== undefined) return Number(digits)
  const names = users.map((user) => user.name)
  throw new SekishoError('USAGE', `users.yaml names no user \`${printable(name)}\``, {
    hint: suggest(name, names, 'add them to users.yaml, or name them as uid-1000'),
  })
}

/** A declared operation that a request is, with the arguments that it is tried with. */
export function withOperation(
  bundle: CompiledBundle,
  operations: readonly Operation[],
  { action, facts, args }: { action: Action; facts: ActionFacts; args: Json | undefined },
): ActionFacts | Verdict {
  if (action.kind !== 'http.request') return facts
  const operation = bundle.operations.find(action)
  if (operation === undefined) return facts
  const kind = operations.find(({ id }) => id === operation.id)?.arguments ?? 'none'
  const read = operation.read(requestParts(kind, args, action.query))
  if (read.kind === 'deny') return read
  const unconfirmed = read.critical
    .filter(({ kind: of }) => facts.unconfirmed.some((one) => one.kind === of))
    .map((critical) => ({ ...critical, origin: 'unknown' }))
  return { ...facts, operation: read.call, unconfirmed }
}

type Parts = { query: string | null; contentType: string | undefined; body: Uint8Array }

function requestParts(
  kind: Operation['arguments'],
  args: Json | undefined,
  query: string | null,
): Parts {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  if (kind === 'json' && args !== undefined) {
    return { query, contentType: 'application/json', body: bytes(JSON.stringify(args)) }
  }
  if (kind === 'form') {
    const contentType = 'application/x-www-form-urlencoded'
    return { query, contentType, body: bytes(formOf(args)) }
  }
  const given = kind === 'query' && args !== undefined ? formOf(args) : query
  return { query: given, contentType: undefined, body: new Uint8Array(0) }
}

function formOf(args: Json | undefined): string {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return ''
  const pairs = Object.entries(args).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((item): [string, string] => [
      name,
      typeof item === 'string' ? item : JSON.stringify(item),
    ]),
  )
  return new URLSearchParams(pairs).toString()
}
