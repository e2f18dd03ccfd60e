import { canonicalJson } from '../core/canonical-json.ts'
import type { CedarPolicy } from '../wire/cedar.ts'
import type { Constraint } from '../wire/constraints.ts'
import type { User } from '../wire/decision.ts'
import type { PolicyRule, ToolPolicy, ToolRule } from '../wire/policy.ts'
import type { ComparedBundle } from '../wire/solver.ts'
import { compareLlm } from './compare-llm.ts'
import type { PartChange } from './part-change.ts'

/** What can be said of two bundles by looking at them, without their policies and rules. */
export function compareParts(before: ComparedBundle, after: ComparedBundle): PartChange[] {
  const [a, b] = [before.bundle, after.bundle]
  return [
    ...unlessSame(a.hosts, b.hosts, 'labels of hosts, by which requests are judged, are others'),
    ...unlessSame(
      a.operations,
      b.operations,
      'declared operations, which say what requests do, are others',
    ),
    ...compareConstraints(a.constraints, b.constraints),
    ...compareMandates(a.mandates, b.mandates),
    ...compareUsers(a.users, b.users),
    ...compareLlm(a.llm, b.llm),
  ]
}

function unlessSame(a: unknown, b: unknown, why: string): PartChange[] {
  return isSame(a, b) ? [] : [{ change: 'not-proven', why }]
}

export function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b)
}

function compareConstraints(
  before: readonly Constraint[],
  after: readonly Constraint[],
): PartChange[] {
  const removed = before
    .filter(({ id }) => !after.some((each) => each.id === id))
    .map(({ id }): PartChange => ({ change: 'wider', why: `constraint ${id} is gone` }))
  const others = after.flatMap((now): PartChange[] => {
    const then = before.find(({ id }) => id === now.id)
    if (then === undefined) return [{ change: 'narrower', why: `constraint ${now.id} is new` }]
    if (isSame(then, now)) return []
    if (!isSame({ ...then, max: 0 }, { ...now, max: 0 })) {
      return [{ change: 'not-proven', why: `constraint ${now.id} counts otherwise` }]
    }
    const change = now.max < then.max ? 'narrower' : 'wider'
    return [{ change, why: `constraint ${now.id} has its maximum at ${now.max}, not ${then.max}` }]
  })
  return [...removed, ...others]
}

type Mandates = ComparedBundle['bundle']['mandates']

function compareMandates(before: Mandates, after: Mandates): PartChange[] {
  const removed = before
    .filter(({ id }) => !after.some((each) => each.id === id))
    .map(({ id }): PartChange => ({ change: 'narrower', why: `mandate ${id} is gone` }))
  const others = after.flatMap((now): PartChange[] => {
    const then = before.find(({ id }) => id === now.id)
    if (then === undefined) {
      return [{ change: 'wider', why: `mandate ${now.id} stands for approvals` }]
    }
    return isSame(then, now) ? [] : [{ change: 'not-proven', why: `mandate ${now.id} is another` }]
  })
  return [...removed, ...others]
}

/** Who is not named is enabled and in no group. */
function compareUsers(before: readonly User[], after: readonly User[]): PartChange[] {
  const uids = new Set([...before, ...after].map(({ uid }) => uid))
  return [...uids].flatMap((uid): PartChange[] => {
    const usual: User = { name: `uid-${uid}`, uid, groups: [], enabled: true }
    const then = before.find((user) => user.uid === uid) ?? usual
    const now = after.find((user) => user.uid === uid) ?? usual
    if (isSame(then, now)) return []
    if (!isSame({ ...then, enabled: true }, { ...now, enabled: true })) {
      return [{ change: 'not-proven', why: `user ${now.name} (uid ${uid}) is described otherwise` }]
    }
    return now.enabled
      ? [{ change: 'wider', why: `user ${now.name} is enabled` }]
      : [{ change: 'narrower', why: `user ${now.name} is disabled` }]
  })
}

/**
 * What policies that came or went mean by themselves: fewer permits and more forbids only narrow.
 * Null where that does not settle it.
 */
export function comparePolicies(
  before: readonly CedarPolicy[],
  after: readonly CedarPolicy[],
): 'equal' | 'narrower' | null {
  const key = ({ policy }: CedarPolicy): string => {
    const { annotations: _, ...meaning } = policy
    return canonicalJson(meaning)
  }
  const { added, removed } = difference(before, after, key)
  if (added.length === 0 && removed.length === 0) return 'equal'
  const narrows =
    added.every(({ policy }) => policy.effect === 'forbid') &&
    removed.every(({ policy }) => policy.effect === 'permit')
  return narrows ? 'narrower' : null
}

/** The same of an agent file's rules. Policies may name rules, so it counts only where none does. */
export function compareRules(
  before: readonly PolicyRule[],
  after: readonly PolicyRule[],
): 'equal' | 'narrower' | null {
  const { added, removed } = difference(before, after, (rule) => canonicalJson(rule))
  if (added.length === 0 && removed.length === 0) return 'equal'
  const narrows =
    added.every(({ effect }) => effect === 'deny') &&
    removed.every(({ effect }) => effect === 'allow')
  return narrows ? 'narrower' : null
}

const SILENT: ToolPolicy = { rules: null, serverTools: [] }

/** The same of what it says of tools, where every tool of the client is more than any rules. */
export function compareTools(
  before: ToolPolicy = SILENT,
  after: ToolPolicy = SILENT,
): 'equal' | 'narrower' | 'not-proven' | 'wider' {
  if (isSame(before, after)) return 'equal'
  const served = difference(before.serverTools, after.serverTools, (type) => type)
  if (served.added.length > 0) return 'not-proven'
  if (after.rules !== null) return compareToolRules(before.rules, after.rules)
  return before.rules === null ? 'narrower' : 'wider'
}

function compareToolRules(
  before: readonly ToolRule[] | null,
  after: readonly ToolRule[],
): 'narrower' | 'not-proven' {
  const { added, removed } = difference(before ?? [], after, (rule) => canonicalJson(rule))
  // what a call does by a rule that says so is nothing that a comparison looks into
  const isSilent = [...added, ...removed].every(({ options }) => options === undefined)
  const narrows =
    before === null ||
    (added.every(({ effect }) => effect === 'deny') &&
      removed.every(({ effect }) => effect === 'allow'))
  return isSilent && narrows ? 'narrower' : 'not-proven'
}

/** Rules that came or went and say more than what may pass, which a proof does not look into. */
export function rulesWithOptions(
  before: readonly PolicyRule[],
  after: readonly PolicyRule[],
): string[] {
  const { added, removed } = difference(before, after, (rule) => canonicalJson(rule))
  const changed = [...added, ...removed].filter(({ options }) => {
    const { websocket: _, ...others } = options ?? {}
    return Object.keys(others).length > 0
  })
  return [...new Set(changed.map(({ id }) => id))]
}

function difference<T>(
  before: readonly T[],
  after: readonly T[],
  key: (each: T) => string,
): { added: T[]; removed: T[] } {
  const [then, now] = [new Set(before.map(key)), new Set(after.map(key))]
  return {
    added: after.filter((each) => !then.has(key(each))),
    removed: before.filter((each) => !now.has(key(each))),
  }
}
