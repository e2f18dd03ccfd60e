import type {
  CedarActionScope,
  CedarPolicy,
  CedarScope,
  EntityUid,
} from '../../../src/wire/cedar.ts'
import type { CedarJson, CedarJsonRecord } from '../../../src/policy/cedar/value-json.ts'
import type { Random } from '../random.ts'
import { expression } from './expressions.ts'
import { probe } from './probes.ts'
import {
  ACTIONS,
  actionUid,
  anyLong,
  entityType,
  extensionText,
  nameFor,
  text,
  type TypeName,
  typeName,
  uid,
} from './words.ts'

export type TripleEntity = {
  uid: EntityUid
  attrs: CedarJsonRecord
  tags: CedarJsonRecord
  parents: readonly EntityUid[]
}

export type TripleRequest = {
  principal: EntityUid
  action: EntityUid
  resource: EntityUid
  context: CedarJsonRecord
}

/** Policies and entities with several requests, each of which makes a triple. */
export type Triples = {
  policies: readonly CedarPolicy[]
  /** parents stand after their children, so there is no circle */
  entities: readonly TripleEntity[]
  requests: readonly TripleRequest[]
}

const MAX_POLICIES = 16

export function generateTriples(random: Random, requests: number): Triples {
  const entities = makeEntities(random)
  return {
    policies: makePolicies(random),
    entities,
    requests: Array.from({ length: requests }, () => ({
      principal: knownOr(random, entities, uid),
      action: actionUid(random),
      resource: knownOr(random, entities, uid),
      context: makeRecord(random, 2),
    })),
  }
}

function knownOr(
  random: Random,
  entities: readonly TripleEntity[],
  make: (random: Random) => EntityUid,
): EntityUid {
  return entities[random.below(entities.length + 1)]?.uid ?? make(random)
}

/**
 * Most conditions in a policy of their own that applies to everything, so that the answer says what
 * each of them comes to. A forbid that is satisfied hides all permits, so most sets have none.
 */
function makePolicies(random: Random): CedarPolicy[] {
  const forbids = random.once(4)
  const count = 1 + random.below(MAX_POLICIES)
  return Array.from({ length: count }, (_, at) => ({
    id: `p${at}`,
    policy: {
      effect: forbids && random.once(4) ? 'forbid' : 'permit',
      principal: makeScope(random),
      action: makeActionScope(random),
      resource: makeScope(random),
      conditions: makeConditions(random),
    },
  }))
}

function makeConditions(random: Random): CedarPolicy['policy']['conditions'] {
  return Array.from({ length: random.pick([1, 1, 1, 1, 2, 3, 0]) }, () => ({
    kind: random.pick(['when', 'when', 'unless'] as const),
    body: random.once(2) ? probe(random) : expression(random, 'bool', random.pick([1, 2, 3, 4])),
  }))
}

function makeScope(random: Random): CedarScope {
  const scopes: readonly [() => CedarScope, ...(() => CedarScope)[]] = [
    () => ({ op: '==', entity: uid(random) }),
    () => ({ op: 'in', entity: uid(random) }),
    () => ({ op: 'is', entity_type: entityType(random) }),
    () => ({ op: 'is', entity_type: entityType(random), in: { entity: uid(random) } }),
  ]
  return random.once(8) ? random.pick(scopes)() : { op: 'All' }
}

function makeActionScope(random: Random): CedarActionScope {
  const scopes: readonly [() => CedarActionScope, ...(() => CedarActionScope)[]] = [
    () => ({ op: '==', entity: actionUid(random) }),
    () => ({ op: 'in', entity: actionUid(random) }),
    () => ({
      op: 'in',
      entities: Array.from({ length: random.below(4) }, () => actionUid(random)),
    }),
  ]
  return random.once(4) ? random.pick(scopes)() : { op: 'All' }
}

function makeEntities(random: Random): TripleEntity[] {
  const uids = new Map<string, EntityUid>()
  const add = (one: EntityUid) => uids.set(`${one.type}::${one.id}`, one)
  for (let left = random.below(8); left > 0; left--) add(uid(random))
  for (const id of ACTIONS) if (random.once(2)) add({ type: 'Action', id })
  const list = [...uids.values()]
  return list.map((one, at) => ({
    uid: one,
    attrs: one.type === 'Action' ? {} : makeRecord(random, 2),
    tags: one.type === 'Action' ? {} : makeTags(random),
    parents: makeParents(random, list.slice(at + 1), one),
  }))
}

/** Of those that come later, and sometimes one that is no entity at all. */
function makeParents(random: Random, later: readonly EntityUid[], child: EntityUid): EntityUid[] {
  const parents = later.filter(
    (one) => (one.type === 'Action') === (child.type === 'Action') && random.once(3),
  )
  return random.once(6) && child.type !== 'Action'
    ? [...parents, { type: 'Ghost', id: 'none' }]
    : parents
}

function makeTags(random: Random): CedarJsonRecord {
  const tags: [string, CedarJson][] = []
  for (const name of ['a', 'b', '__proto__']) {
    if (random.once(2)) tags.push([name, makeValue(random, random.once(3) ? 'long' : 'string', 1)])
  }
  return Object.fromEntries(tags)
}

function makeRecord(random: Random, depth: number): CedarJsonRecord {
  const entries = Array.from({ length: random.below(16) }, (): [string, CedarJson] => {
    const type = typeName(random)
    const value = makeValue(random, random.once(12) ? typeName(random) : type, depth)
    return [nameFor(random, type), value]
  })
  return Object.fromEntries(entries)
}

const VALUES: Readonly<Record<TypeName, (random: Random, depth: number) => CedarJson>> = {
  bool: (random) => random.once(2),
  long: anyLong,
  string: text,
  entity: (random) => ({ __entity: uid(random) }),
  set: (random, depth) =>
    Array.from({ length: random.below(4) }, () => makeValue(random, typeName(random), depth - 1)),
  record: (random, depth) => (depth > 0 ? makeRecord(random, depth - 1) : {}),
  ip: (random) => extension(random, 'ip', '10.0.0.1'),
  decimal: (random) => extension(random, 'decimal', '1.0'),
  datetime: (random) => extension(random, 'datetime', '2024-02-29'),
  duration: (random) => extension(random, 'duration', '1d'),
}

function makeValue(random: Random, type: TypeName, depth: number): CedarJson {
  return VALUES[depth > 0 ? type : 'long'](random, depth)
}

/** Mostly a good one: one bad text makes the whole request one that is refused. */
function extension(
  random: Random,
  fn: 'ip' | 'decimal' | 'datetime' | 'duration',
  good: string,
): CedarJson {
  return { __extn: { fn, arg: random.once(240) ? extensionText(random, fn) : good } }
}
