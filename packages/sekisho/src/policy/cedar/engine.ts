import type { CedarActionScope, CedarPolicy, EntityUid } from '../../wire/cedar.ts'
import type { Environment } from './code.ts'
import { compileConditions, type Condition } from './condition.ts'
import { SharedPaths } from './shared-paths.ts'
import type { CedarEntities } from './entities.ts'
import { contextReads, readsPath } from './reads.ts'
import { ScopeIndex } from './scope-index.ts'
import { type CedarRecord, EntityRef, Fault, isSameUid, type Outcome } from './value.ts'

export type CedarRequest = {
  principal: EntityUid
  action: EntityUid
  resource: EntityUid
  context: CedarRecord
}

export type CedarDecision = {
  decision: 'allow' | 'deny'
  /** in the order of the policies: the forbids that are satisfied, or else the permits */
  determining: readonly string[]
  /** policies that were skipped; messages name nothing of the request */
  errors: readonly { id: string; message: string }[]
}

export type DecideContext = (context: CedarRecord) => CedarDecision

export type CedarEngine = {
  /**
   * Cedar's authorizer: a policy whose evaluation fails is skipped, a satisfied forbid wins over
   * any permit, and without a satisfied permit it is denied.
   */
  decide(request: CedarRequest, entities: CedarEntities): CedarDecision
  /** As `decide`, for requests that differ in their context alone: what may apply is found once. */
  prepare(asked: Omit<CedarRequest, 'context'>, entities: CedarEntities): DecideContext
  /**
   * Whether a policy that may apply to an action reads what stands at a path of the context, such
   * as `['facts', 'approvals']`. Never false where one does.
   */
  mentions(action: EntityUid, path: readonly string[]): boolean
}

type Compiled = {
  id: string
  order: number
  isForbid: boolean
  /** filed in several places of the index, so that it can be found twice */
  isRepeated: boolean
  condition: Condition
}

const NO_ERRORS: CedarDecision['errors'] = []

type ByResource = ScopeIndex<Compiled[]>
type ByPrincipal = ScopeIndex<ByResource>
type ByAction = ScopeIndex<ByPrincipal>

/**
 * Policies as closures, found by action, principal and resource.
 *
 * @param hierarchy what actions are in, for `mentions` alone; without it an action may be in any
 * @throws TypeError for what the wire schema does not let through
 */
export function compileCedar(
  policies: readonly CedarPolicy[],
  hierarchy?: CedarEntities,
): CedarEngine {
  const paths = new SharedPaths()
  const index = indexOf(policies, paths)
  const readings = policies.map(({ policy }) => ({
    scope: policy.action,
    reads: contextReads(policy),
  }))
  const prepare: CedarEngine['prepare'] = (asked, entities) => {
    const place = placeOf(asked, entities)
    const groups = candidates(index, place)
    return (context) => decide(groups, environmentOf(place, context, paths.slots))
  }
  return {
    decide: (request, entities) => prepare(request, entities)(request.context),
    prepare,
    mentions: (action, path) =>
      readings.some(
        ({ scope, reads }) => mayApply(scope, action, hierarchy) && readsPath(reads, path),
      ),
  }
}

function indexOf(policies: readonly CedarPolicy[], paths: SharedPaths): ByAction {
  const index: ByAction = new ScopeIndex(
    () => new ScopeIndex<ByResource>(() => new ScopeIndex<Compiled[]>(() => [])),
  )
  for (const [order, { id, policy }] of policies.entries()) {
    const places = index.placesOf(policy.action)
    const compiled: Compiled = {
      id,
      order,
      isForbid: policy.effect === 'forbid',
      isRepeated: places.length > 1,
      condition: compileConditions(policy.conditions, paths),
    }
    const groups = [...new Set(places)]
      .flatMap((byAction) => byAction.placesOf(policy.principal))
      .flatMap((byPrincipal) => byPrincipal.placesOf(policy.resource))
    for (const group of groups) group.push(compiled)
  }
  return index
}

/** All of an environment but what each decision brings. */
type Place = Pick<Environment, 'principal' | 'action' | 'resource' | 'entities'>

function placeOf(
  { principal, action, resource }: Omit<CedarRequest, 'context'>,
  entities: CedarEntities,
): Place {
  return {
    principal: refOf(principal),
    action: refOf(action),
    resource: refOf(resource),
    entities,
  }
}

function environmentOf(
  { principal, action, resource, entities }: Place,
  context: CedarRecord,
  slots: number,
): Environment {
  return {
    principal,
    action,
    resource,
    context,
    entities,
    slots: Array<Outcome | undefined>(slots).fill(undefined),
  }
}

function decide(groups: readonly Compiled[][], environment: Environment): CedarDecision {
  const outcome = new Tally()
  for (const policies of groups) {
    for (const policy of policies) outcome.count(policy, environment)
  }
  return outcome.decision()
}

function refOf(uid: EntityUid): EntityRef {
  return uid instanceof EntityRef ? uid : new EntityRef(uid.type, uid.id)
}

/** The policies whose scope matches, in groups. */
function candidates(index: ByAction, asked: Place): Compiled[][] {
  const { entities } = asked
  const place = (uid: EntityRef) => ({ uid, ancestors: entities.ancestors(uid) })
  const [principal, resource] = [place(asked.principal), place(asked.resource)]
  const byPrincipal: ByPrincipal[] = []
  const byResource: ByResource[] = []
  const groups: Compiled[][] = []
  index.collect(place(asked.action), byPrincipal)
  for (const inner of byPrincipal) inner.collect(principal, byResource)
  for (const inner of byResource) inner.collect(resource, groups)
  return groups
}

/** What the policies of one decision come to. */
class Tally {
  readonly #permits: Compiled[] = []
  readonly #forbids: Compiled[] = []
  readonly #errors: { policy: Compiled; message: string }[] = []
  #repeated: Set<Compiled> | null = null

  count(policy: Compiled, environment: Environment): void {
    if (policy.isRepeated && this.#isSecond(policy)) return
    const outcome = policy.condition(environment)
    if (outcome instanceof Fault) this.#errors.push({ policy, message: outcome.message })
    else if (outcome) (policy.isForbid ? this.#forbids : this.#permits).push(policy)
  }

  decision(): CedarDecision {
    const isForbidden = this.#forbids.length > 0
    const satisfied = isForbidden ? this.#forbids : this.#permits
    return {
      decision: !isForbidden && satisfied.length > 0 ? 'allow' : 'deny',
      determining: satisfied.sort((a, b) => a.order - b.order).map(({ id }) => id),
      errors:
        this.#errors.length === 0
          ? NO_ERRORS
          : this.#errors
              .sort((a, b) => a.policy.order - b.policy.order)
              .map(({ policy, message }) => ({ id: policy.id, message })),
    }
  }

  #isSecond(policy: Compiled): boolean {
    this.#repeated ??= new Set()
    if (this.#repeated.has(policy)) return true
    this.#repeated.add(policy)
    return false
  }
}

function mayApply(
  scope: CedarActionScope,
  action: EntityUid,
  hierarchy: CedarEntities | undefined,
): boolean {
  if (scope.op === 'All') return true
  if (scope.op === '==') return isSameUid(scope.entity, action)
  if (hierarchy === undefined) return true
  const targets = 'entity' in scope ? [scope.entity] : scope.entities
  return targets.some((target) => hierarchy.isIn(action, target))
}
