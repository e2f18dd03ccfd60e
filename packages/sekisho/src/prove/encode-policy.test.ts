import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { valueOfJson } from '../policy/cedar/value-json.ts'
import { Fault } from '../policy/cedar/value.ts'
import type { CedarPolicy, CedarPolicyJson, CedarValueJson } from '../wire/cedar.ts'
import { encodeDecision } from './encode-policy.ts'
import { type Frame, sceneOf } from './frame.ts'
import { namedEntity, symbolicOf } from './named-values.ts'
import { sameValue } from './same.ts'
import { CedarSchemaJson } from '../wire/cedar-schema.ts'
import { readSchema } from './schema.ts'
import { solve } from './solve.ts'
import type { Symbolic, SymbolicEntity } from './symbolic.ts'
import { bool, equal, FALSE, not, type Term, variable, variablesOf, walk } from './term.ts'
import { IDS, randomPolicy, randomRequest, TEST_SCHEMA } from './testing/random-policies.ts'
import { World } from './world.ts'
import { Z3 } from './z3.ts'

const schemaJson = cedar.schemaToJson(TEST_SCHEMA)
const types = readSchema(CedarSchemaJson.parse(schemaJson.type === 'success' && schemaJson.json))
const READ: Frame = { action: 'read', resource: 'T::Host', principals: ['T::User'] }

let z3: Z3
beforeAll(async () => {
  z3 = await Z3.open()
})
afterAll(() => z3.close())

const now = (): number => performance.now()

type Uid = { type: string; id: string }
type Entity = { uid: Uid; attrs: Record<string, CedarValueJson>; parents: readonly Uid[] }
type Request = {
  principal: Uid
  resource: Uid
  context: Record<string, CedarValueJson>
  entities: readonly Entity[]
}

test('the encoding decides as Cedar does, whatever the policies and the request', async () => {
  const seen = { allow: 0, deny: 0, unproven: 0 }
  const cases = fc.tuple(fc.array(randomPolicy, { minLength: 1, maxLength: 4 }), randomRequest)
  await fc.assert(
    fc.asyncProperty(cases, async ([policies, request]) => {
      const want = decisionOfCedar(policies, request)
      const got = await decisionOfSolver(policies, request)
      if (got === 'either') seen.unproven += 1
      else expect(got).toBe(want)
      seen[want] += 1
    }),
    { numRuns: 150, seed: 5 },
  )
  expect(seen.allow).toBeGreaterThan(20)
  expect(seen.deny).toBeGreaterThan(20)
  expect(seen.unproven).toBeLessThan(40)
})

function decisionOfCedar(policies: readonly CedarPolicyJson[], request: Request): 'allow' | 'deny' {
  const call = {
    ...request,
    action: { type: 'T::Action', id: 'read' },
    policies: { staticPolicies: Object.fromEntries(policies.map((p, i) => [`p${i}`, p])) },
    entities: [...request.entities, ...ACTIONS],
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- readonly in ours, not in Cedar's
  const answer = cedar.isAuthorized(call as unknown as cedar.AuthorizationCall)
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
  return answer.response.decision
}

const ACTIONS = [
  {
    uid: { type: 'T::Action', id: 'read' },
    attrs: {},
    parents: [{ type: 'T::Action', id: 'all' }],
  },
  { uid: { type: 'T::Action', id: 'all' }, attrs: {}, parents: [] },
]

/** Asks whether the request can be allowed, and whether it can be denied. */
async function decisionOfSolver(
  policies: readonly CedarPolicyJson[],
  request: Request,
): Promise<'allow' | 'deny' | 'either'> {
  const world = new World([types])
  const scene = sceneOf(READ, 'T::User', { world, types })
  if (scene === undefined) throw new Error('no such request')
  const named = policies.map((policy, index): CedarPolicy => ({ id: `p${index}`, policy }))
  const allowed = encodeDecision(named, scene)
  const given = inputs(world, scene.bindings.context, request)
  const facts = [...world.facts(), ...given]
  const hierarchy = parenthood([allowed, ...facts], request)
  const ask = (question: Term) =>
    solve([question, ...facts, ...hierarchy], { ask: z3.ask, timeoutMs: 5000, now })
  const [can, cannot] = [await ask(allowed), await ask(not(allowed))]
  expect([can, cannot].filter(({ kind }) => kind === 'unknown')).toEqual([])
  if (can.kind === cannot.kind) {
    expect(world.reasonsFor(variablesOf([allowed]))).not.toEqual([])
    return 'either'
  }
  return can.kind === 'possible' ? 'allow' : 'deny'
}

/** What is at each place of this request. */
function inputs(world: World, context: Symbolic, request: Request): Term[] {
  const principal = world.entity('user', 'T::User')
  const resource = world.entity('resource', 'T::Host')
  const boss = world.entity('user.boss', 'T::User')
  const named = Object.entries(IDS).flatMap(([type, ids]) => ids.map((id) => namedEntity(type, id)))
  const bossOf = attribute(request, request.principal, 'boss')
  return [
    ...Object.entries(request.context).flatMap(([name, value]) => {
      const field = context.kind === 'record' ? context.record.field(name) : undefined
      if (field === undefined || field.value.kind === 'unknown') return []
      return [sameValue(field.value, valueOf(value), world.sets)]
    }),
    sameValue(principal, namedEntity('T::User', request.principal.id), world.sets),
    sameValue(resource, namedEntity('T::Host', request.resource.id), world.sets),
    ...(bossOf === undefined ? [] : [sameValue(boss, bossOf, world.sets)]),
    ...[principal, resource, boss, ...named].flatMap((entity) =>
      attributesOf(world, entity, uidOf(entity, request)).concat([]),
    ),
  ]

  function attributesOf(world: World, entity: SymbolicEntity, uid: Uid): Term[] {
    const known = request.entities.find((e) => e.uid.type === uid.type && e.uid.id === uid.id)
    const attributes = types.entities.get(uid.type)?.attributes ?? new Map<string, never>()
    return [...attributes.keys()].flatMap((name) => {
      const field = world.attribute(entity, name, types)
      const value = known?.attrs[name]
      if (field === undefined) return []
      if (value === undefined) return [equal(field.present, FALSE)]
      return [field.present, sameValue(field.value, valueOf(value), world.sets)]
    })
  }
}

function attribute(request: Request, uid: Uid, name: string): Symbolic | undefined {
  const value = request.entities.find((e) => e.uid.id === uid.id)?.attrs[name]
  return value === undefined ? undefined : valueOf(value)
}

function uidOf(entity: SymbolicEntity, request: Request): Uid {
  if (entity.id.kind === 'string') return { type: entity.type, id: entity.id.value }
  if (entity.place === 'user') return request.principal
  if (entity.place === 'resource') return request.resource
  const boss = attribute(request, request.principal, 'boss')
  const id = boss?.kind === 'entity' && boss.id.kind === 'string' ? boss.id.value : ''
  return { type: entity.type, id }
}

/** Every question of who is in whom, answered from the entities. */
function parenthood(terms: readonly Term[], request: Request): Term[] {
  const places = new Map<string, Uid>([
    ['user', request.principal],
    ['resource', request.resource],
    [
      'user.boss',
      uidOf({ kind: 'entity', type: 'T::User', id: variable('', 'String'), place: '' }, request),
    ],
    ...Object.entries(IDS).flatMap(([type, ids]) =>
      ids.map((id) => [namedEntity(type, id).place, { type, id }] as const),
    ),
  ])
  return walk(terms).flatMap((term) => {
    if (term.kind !== 'variable') return []
    const [inner, outer] = term.name.split(' in ').map((place) => places.get(place))
    if (inner === undefined || outer === undefined) return []
    return [equal(term, bool(isBelow(inner, outer, request)))]
  })
}

function isBelow(inner: Uid, outer: Uid, request: Request): boolean {
  const parents = request.entities.find(
    (e) => e.uid.type === inner.type && e.uid.id === inner.id,
  )?.parents
  return (parents ?? []).some(
    (parent) =>
      (parent.type === outer.type && parent.id === outer.id) || isBelow(parent, outer, request),
  )
}

function valueOf(json: CedarValueJson): Symbolic {
  const value = valueOfJson(json)
  if (value instanceof Fault) throw new Error(value.message)
  return symbolicOf(value)
}
