import { suggest } from '../policy/nearest.ts'
import { printable } from '../policy/problem.ts'
import { canonicalHost } from '../core/host.ts'
import { nodeOf, operandsOf } from '../wire/cedar-node.ts'
import type { CedarPolicy, CedarPolicyJson, EntityUid, Expr } from '../wire/cedar.ts'
import type { CedarProblem } from './load-cedar.ts'
import type { LoadedPolicy } from './load-policy.ts'
import { positionIn } from './split-policies.ts'

/**
 * Entities that a policy names and that this bundle does not have: what is said of them is said of
 * nobody. A warning, since they may be of another bundle that shares the policy.
 *
 * @param detectors ids that `context.facts.findings` can have
 */
export function referenceWarnings(
  policy: LoadedPolicy,
  detectors: readonly string[],
): readonly CedarProblem[] {
  const known = knownIds(policy)
  return policy.decision(1).cedar.flatMap((one) => [
    ...unaskedActions(one.policy).flatMap((action) =>
      warn(policy, one, {
        text: JSON.stringify(action),
        message: `nothing asks about ${action} yet: what the policy says of it is not enforced`,
        hint: 'README.md says what is not there yet; programs obey `exec` of the agent file',
      }),
    ),
    ...entitiesOf(one.policy).flatMap((uid) => {
      const hint = hintFor(uid, known)
      if (hint === undefined) return []
      const type = uid.type.replace('Sekisho::', '')
      const message = `there is no ${type} "${printable(uid.id)}" in this bundle`
      return warn(policy, one, { text: JSON.stringify(uid.id), message, hint })
    }),
    ...findingsOf(one.policy)
      .filter((id) => !detectors.includes(id) && !id.startsWith('canary.'))
      .flatMap((id) =>
        warn(policy, one, {
          text: JSON.stringify(id),
          message: `there is no detector "${printable(id)}"`,
          hint: suggest(id, detectors, 'docs/guides/detectors.md has the list'),
        }),
      ),
  ])
}

/**
 * Actions of the schema that no part of the platform asks about yet. To say nothing would be to
 * promise something.
 */
const UNASKED: ReadonlySet<string> = new Set([
  'memory.read',
  'memory.write',
  'message.send',
  'session.spawn',
  'repo.commit',
  'repo.push',
  'process.exec',
  'admin.approve',
  'admin.policy',
  'admin.quarantine',
])

function unaskedActions({ action }: CedarPolicyJson): readonly string[] {
  if (action.op === 'All') return []
  const named = 'entities' in action ? action.entities : [action.entity]
  return named.map(({ id }) => id).filter((id) => UNASKED.has(id))
}

function warn(
  { cedar }: LoadedPolicy,
  { id }: CedarPolicy,
  { text, message, hint }: { text: string; message: string; hint: string },
): readonly CedarProblem[] {
  const source = cedar.sources.get(id)
  if (source === undefined) return []
  const at = positionIn(source, Math.max(0, source.text.indexOf(text)))
  return [{ file: source.file, ...at, message, hint, severity: 'warning', policy: id }]
}

type Known = ReadonlyMap<string, readonly string[]>

function knownIds({ bundle, decision, users, operators }: LoadedPolicy): Known {
  const { hosts, operations } = decision(1)
  return new Map([
    ['Agent', bundle.agents],
    ['User', users.map(({ name }) => name)],
    ['Group', users.flatMap(({ groups }) => groups)],
    ['Operator', operators.map(({ name }) => name)],
    ['HostGroup', hosts.flatMap(({ groups }) => groups)],
    ['Tool', operations.map(({ id }) => id)],
  ])
}

/** @returns what to do about an entity that nothing can be; undefined for one that something is */
function hintFor({ type, id }: EntityUid, known: Known): string | undefined {
  const name = type.replace('Sekisho::', '')
  if (name === 'Host' && canonicalHost(id) !== id) {
    return 'write the name as it is spoken: lower case, without a dot at its end'
  }
  // whoever users.yaml does not name is called so
  if (name === 'User' && /^uid-\d+$/.test(id)) return undefined
  const ids = known.get(name)
  if (ids === undefined || ids.includes(id)) return undefined
  return suggest(
    id,
    ids,
    ids.length === 0 ? 'it has none' : `there are ${ids.slice(0, 8).join(', ')}`,
  )
}

function entitiesOf({ principal, resource, conditions }: CedarPolicyJson): readonly EntityUid[] {
  const scopes = [principal, resource].flatMap((scope): EntityUid[] => {
    if ('entity' in scope) return [scope.entity]
    return 'in' in scope && scope.in !== undefined ? [scope.in.entity] : []
  })
  const inside = conditions.flatMap(({ body }) =>
    valuesIn(body).flatMap((value) => (isEntity(value) ? [value.__entity] : [])),
  )
  return [...scopes, ...inside]
}

function isEntity(value: unknown): value is { __entity: EntityUid } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '__entity')
}

/** Texts that are compared with `context.facts.findings`. */
function findingsOf({ conditions }: CedarPolicyJson): readonly string[] {
  const found: string[] = []
  for (const expr of conditions.flatMap(({ body }) => expressionsIn(body))) {
    const node = nodeOf(expr)
    if (node.kind !== 'binary' || !node.operator.startsWith('contains')) continue
    const left = nodeOf(node.left)
    if (left.kind !== 'attribute' || left.name !== 'findings') continue
    found.push(...valuesIn(node.right).filter((value) => typeof value === 'string'))
  }
  return found
}

function valuesIn(expr: Expr): readonly unknown[] {
  return expressionsIn(expr).flatMap((one) => {
    const node = nodeOf(one)
    if (node.kind !== 'value') return []
    return Array.isArray(node.value) ? [...node.value] : [node.value]
  })
}

function expressionsIn(expr: Expr): readonly Expr[] {
  const all: Expr[] = []
  const pending = [expr]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    all.push(next)
    pending.push(...operandsOf(nodeOf(next)))
  }
  return all
}
