import type { CedarActionScope, CedarPolicy, CedarPolicyJson, CedarScope } from '../wire/cedar.ts'
import { condition, encodeExpression } from './encode-expression.ts'
import { isInEntity } from './encode-operators.ts'
import { namedEntity } from './named-values.ts'
import { sameValue } from './same.ts'
import type { Scene } from './scene.ts'
import { type Symbolic, Unencodable } from './symbolic.ts'
import { and, bool, FALSE, not, or, type Term, TRUE } from './term.ts'

/** When a policy applies, and when it has an error in place of an answer. */
export type PolicyTerms = { holds: Term; fails: Term }

/**
 * A policy over one scene. What of it cannot be encoded is a guess of the world's, so that
 * whatever then cannot be, cannot be with any meaning of that part.
 */
export function encodePolicy({ id, policy }: CedarPolicy, scene: Scene): PolicyTerms {
  const inScope = scope(policy, scene)
  if (inScope === FALSE) return { holds: FALSE, fails: FALSE }
  try {
    return conditions(policy, inScope, { ...scene, policy: id })
  } catch (thrown) {
    if (!(thrown instanceof Unencodable)) throw thrown
    const why = `policy ${id}: ${thrown.message}`
    const guess = condition(scene.world.opaque({ policy, at: placesOf(scene) }, why))
    return { holds: and(inScope, guess.term, not(guess.fails)), fails: and(inScope, guess.fails) }
  }
}

/** Default deny; a forbid wins; a policy that fails is as if it were not there. */
export function encodeDecision(policies: readonly CedarPolicy[], scene: Scene): Term {
  const permits: Term[] = []
  const forbids: Term[] = []
  for (const each of policies) {
    const { holds } = encodePolicy(each, scene)
    if (each.policy.effect === 'permit') permits.push(holds)
    else forbids.push(holds)
  }
  return and(or(...permits), not(or(...forbids)))
}

function conditions(policy: CedarPolicyJson, inScope: Term, scene: Scene): PolicyTerms {
  let holds = inScope
  let fails: Term = FALSE
  for (const { kind, body } of policy.conditions) {
    if (holds === FALSE) break
    const { term, fails: failsHere } = condition(encodeExpression(body, scene))
    fails = or(fails, and(holds, failsHere))
    holds = and(holds, not(failsHere), kind === 'when' ? term : not(term))
  }
  return { holds: and(holds, not(fails)), fails }
}

function scope({ principal, action, resource }: CedarPolicyJson, scene: Scene): Term {
  const { bindings } = scene
  return and(
    actionScope(action, scene),
    entityScope(principal, bindings.principal, scene),
    entityScope(resource, bindings.resource, scene),
  )
}

function actionScope(action: CedarActionScope, scene: Scene): Term {
  if (!('entities' in action)) return entityScope(action, scene.bindings.action, scene)
  return or(
    ...action.entities.map((entity) =>
      entityScope({ op: 'in', entity }, scene.bindings.action, scene),
    ),
  )
}

function entityScope(to: CedarScope, entity: Symbolic, scene: Scene): Term {
  if (entity.kind !== 'entity') return FALSE
  switch (to.op) {
    case 'All':
      return TRUE
    case '==':
      return sameValue(entity, namedEntity(to.entity.type, to.entity.id), scene.world.sets)
    case 'in':
      return isInEntity(entity, namedEntity(to.entity.type, to.entity.id), scene)
    case 'is': {
      const isType = bool(entity.type === to.entity_type)
      if (to.in === undefined || isType === FALSE) return isType
      const { type, id } = to.in.entity
      return isInEntity(entity, namedEntity(type, id), scene)
    }
  }
}

function placesOf({ bindings }: Scene): string[] {
  const { principal, action, resource } = bindings
  return [principal, action, resource].map((each) =>
    each.kind === 'entity' ? each.place : each.kind,
  )
}
