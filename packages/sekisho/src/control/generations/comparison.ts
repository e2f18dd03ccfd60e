import { canonicalJson } from '../../core/canonical-json.ts'
import type { AgentFile } from '../../policy/agent-schema.ts'
import type { Approver, DecisionBundle, User } from '../../wire/decision.ts'
import type { SessionPolicy } from '../../wire/policy.ts'
import type { Candidate } from './generation.ts'

/** What a prover compares: everything that decides an action, but for what {@link unprovable} compares. */
export type Compared = {
  decision: DecisionBundle
  agents: readonly { name: string; policy: SessionPolicy; setup: SessionPolicy | null }[]
}

export type Comparison = {
  change: 'equal' | 'narrower' | 'wider' | 'not-proven'
  /** for people: an action that the one allows and the other does not, or why nobody can say */
  detail: string
}

/** @throws SekishoError when it is not to be had: then nothing is proven */
export type Compare = (before: Compared, after: Compared) => Promise<Comparison>

export function comparedPart({ bundle, decision }: Candidate): Compared {
  const agents = bundle.agents.map((name) => {
    const agent = bundle.agent(name)
    return { name, policy: bundle.policyOf(agent), setup: bundle.setupPolicyOf(agent) }
  })
  return { decision: decision(1), agents }
}

/**
 * What differs between two bundles that no prover looks at and that does not plainly narrow. A
 * sandbox, a secret or a host's label that is changed is for a second person to judge.
 *
 * @returns one sentence each; empty where what a prover says is all there is to say
 */
export function unprovable(before: Candidate, after: Candidate): readonly string[] {
  const [a, b] = [before.decision(1), after.decision(1)]
  return [
    ...agentsThatDiffer(before, after),
    ...differs('hosts.yaml', a.hosts, b.hosts),
    ...differs('operations', a.operations, b.operations),
    ...differs('approvals.yaml', a.approvals, b.approvals),
    ...addsTo('constraints.yaml takes away', b.constraints, a.constraints),
    ...addsTo('mandates add', a.mandates, b.mandates),
    ...usersThatWiden(a.users, b.users),
    ...keysThatCome(before.approvers, after.approvers),
  ]
}

function agentsThatDiffer(before: Candidate, after: Candidate): readonly string[] {
  return after.bundle.agents.flatMap((name) => {
    if (!before.bundle.agents.includes(name)) return [`agent ${name} is new`]
    const [a, b] = [before.bundle.agent(name), after.bundle.agent(name)]
    const changed = Object.entries(withoutRules(b)).flatMap(([key, value]) =>
      isSame(value, Reflect.get(withoutRules(a), key)) ? [] : [key],
    )
    return changed.length === 0 ? [] : [`agent ${name}: ${changed.join(', ')}`]
  })
}

/** Rules are what a prover compares, as they come to with presets; a description decides nothing. */
function withoutRules(agent: AgentFile): Omit<AgentFile, 'rules' | 'presets' | 'description'> {
  const { rules: _rules, presets: _presets, description: _description, ...rest } = agent
  if (rest.setup === null) return rest
  return { ...rest, setup: { ...rest.setup, rules: [], presets: [] } }
}

function differs(what: string, a: unknown, b: unknown): readonly string[] {
  return isSame(a, b) ? [] : [`${what} differs`]
}

/** Each of `more` must be one of `all`. */
function addsTo(
  what: string,
  all: readonly { id: string }[],
  more: readonly { id: string }[],
): readonly string[] {
  const known = new Set(all.map((one) => canonicalJson(one)))
  return more.filter((one) => !known.has(canonicalJson(one))).map(({ id }) => `${what} ${id}`)
}

/** A user whom no file names is enabled and in no group. */
function usersThatWiden(before: readonly User[], after: readonly User[]): readonly string[] {
  const uids = [...new Set([...before, ...after].map(({ uid }) => uid))]
  return uids.flatMap((uid) => {
    const [a, b] = [userOf(before, uid), userOf(after, uid)]
    const isNarrower = isSame({ ...a, enabled: true }, { ...b, enabled: true })
    if (isNarrower && (a.enabled || !b.enabled)) return []
    return [`users.yaml: ${b.name} differs in more than being disabled`]
  })
}

function userOf(users: readonly User[], uid: number): User {
  return (
    users.find((user) => user.uid === uid) ?? { name: `uid-${uid}`, uid, groups: [], enabled: true }
  )
}

function keysThatCome(before: readonly Approver[], after: readonly Approver[]): readonly string[] {
  const known = before.map((one) => canonicalJson({ ...one, enabled: true }))
  const enabled = new Set(before.filter((one) => one.enabled).map((one) => canonicalJson(one)))
  return after
    .filter((one) =>
      one.enabled
        ? !enabled.has(canonicalJson(one))
        : !known.includes(canonicalJson({ ...one, enabled: true })),
    )
    .map(({ name, as }) => `the key of ${as} ${name} is new`)
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson({ value: a ?? null }) === canonicalJson({ value: b ?? null })
}
