import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { valueOfJson } from '../policy/cedar/value-json.ts'
import { Fault } from '../policy/cedar/value.ts'
import { type CedarPolicy, CedarPolicyJson, type CedarValueJson } from '../wire/cedar.ts'
import { encodeDecision } from './encode-policy.ts'
import { type Frame, sceneOf } from './frame.ts'
import { namedEntity, symbolicOf } from './named-values.ts'
import { sameValue } from './same.ts'
import { CedarSchemaJson } from '../wire/cedar-schema.ts'
import { readSchema } from './schema.ts'
import { solve } from './solve.ts'
import type { Symbolic, SymbolicEntity } from './symbolic.ts'
import { bool, equal, FALSE, not, type Term, variable, variablesOf, walk } from './term.ts'
import { PERMIT, type Request, REQUESTS, type Uid } from './testing/known-requests.ts'
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
    { numRuns: 60, seed: 5 },
  )
  expect(seen.allow).toBeGreaterThan(8)
  expect(seen.deny).toBeGreaterThan(8)
  expect(seen.unproven).toBeLessThan(20)
})

test.for([
  'false && context.facts.left > 0',
  '!(false && context.facts.left > 0)',
  '!(context.facts.left > 0 && false)',
  '!(true && context.facts.left > 0)',
  'true || context.facts.left > 0',
  'false || context.facts.left > 0',
  '!(false || context.facts.left > 0)',
  'context.facts.left > 0 || true',
  'if context.facts has left then context.facts.left > 0 else true',
  'if true then true else context.facts.left > 0',
  'if context.facts.left > 0 then true else true',
  '!(context.facts has note && context.facts.note.text == "a")',
  'context has facts.note.deep.flag || true',
  '!(context has facts.note.deep.flag)',
  'context.facts.note has deep',
  '9007199254740991 * 1024 + 1023 + principal.level == 0 || true',
  '!(9007199254740991 * 1024 + 1023 + principal.level == 0)',
  '-principal.level - 9007199254740991 * 1024 - 1023 < 0',
  'principal.level * 9007199254740991 * 1024 > 0',
  'principal.level * 3 - 1 == 2',
  'principal in T::User::"u2"',
  'principal in principal',
  'principal in T::User::"u1"',
  'principal in [T::Group::"g2", T::User::"u3"]',
  'principal.boss in principal',
  'resource in T::Zone::"z2"',
  'T::Group::"g1" in T::Group::"g2"',
  'action in T::Action::"all" && !(action in T::Action::"write")',
  'principal is T::User in T::Group::"g2"',
  '!(principal is T::Group in context.facts.left)',
  'T::User::"nobody".enabled || true',
  '!(T::User::"nobody" has enabled)',
  'principal.boss.boss.boss.enabled',
  'context.facts.approvals.containsAll(["a", "other"])',
  'context.facts.approvals.containsAny(["b", "other"])',
  '["a", "ab", "b"].containsAll(context.facts.approvals)',
  '["a", "ab", "other"].containsAll(context.facts.approvals)',
  'context.facts.approvals == ["other", "a", "a"]',
  'context.facts.approvals.isEmpty()',
  '[].containsAll(context.facts.approvals)',
  'context.facts.approvals.contains(context.path)',
  'resource.tags.containsAll(context.facts.approvals)',
  'context.facts.approvals.containsAny(resource.tags)',
  'context.facts.approvals == resource.tags',
  '[context.path, "x"] == ["x", "a"]',
  'context.numbers.contains(principal.level)',
  'context.numbers.contains("1")',
  'context.path like "a*" && !(context.path like "*b")',
  'context.path like "*\\**"',
  'resource.name like "*X*"',
  'principal.level like "a"',
  'context.path == 1',
  'context.facts.now.toDate() < datetime("2024-01-01T00:00:00.001Z")',
  'context.facts.now.toTime() >= duration("0ms")',
  'context.facts.now.durationSince(datetime("2024-01-02")).toHours() == -24',
  'duration("-90m").toHours() == -1 && duration("-1ms").toDays() == 0',
  'context.facts.now.offset(duration("1d")) == datetime("2024-01-02")',
  'context.price.lessThan(decimal("1.5001")) && !context.price.lessThan(decimal("1.5"))',
  'decimal("1.50") == decimal("1.5")',
  'datetime("not a time") == datetime("2024-01-01") || true',
  '{a: 1, b: "x"} == {b: "x", a: 1}',
  '{a: 1} == {a: 1, b: 2}',
  '{a: 1}.b == 1 || true',
  '(if context.facts.granted then principal else principal.boss).enabled',
  '(if context.facts.granted then ["a"] else []).contains("a")',
])('`%s` is decided as Cedar does', async (body) => {
  for (const effect of ['permit', 'forbid']) {
    const text = `${effect} (principal, action, resource) when { ${body} };`
    const parsed = cedar.policyToJson(text)
    if (parsed.type === 'failure') throw new Error(JSON.stringify(parsed.errors))
    const own = CedarPolicyJson.parse(parsed.json)
    const policies = effect === 'permit' ? [own] : [PERMIT, own]
    for (const request of REQUESTS) {
      expect(await decisionOfSolver(policies, request)).toBe(decisionOfCedar(policies, request))
    }
  }
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
    solve([question, ...facts, ...hierarchy], { ask: z3.ask, timeoutMs: 60_000, now })
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
    const known = /^(T::\w+)::"(\w+)" is known$/.exec(term.name)
    if (known !== null) {
      const isThere = request.entities.some(
        ({ uid }) => uid.type === known[1] && uid.id === known[2],
      )
      return [equal(term, bool(isThere))]
    }
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
