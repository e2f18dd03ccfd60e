import { expect, test } from 'vitest'
import { CedarPolicies, type CedarPolicy, type EntityUid } from '../../wire/cedar.ts'
import { type CedarRequest, compileCedar } from './engine.ts'
import { type CedarEntity, entityStore } from './entities.ts'
import { Fault } from './value.ts'
import { type CedarJsonRecord, recordOfJson } from './value-json.ts'

const ALL = { op: 'All' }
const AGENT = { type: 'Sekisho::Agent', id: 'coder' }
const SESSION = { type: 'Sekisho::Session', id: 's-1' }
const HOST = { type: 'Sekisho::Host', id: 'api.test' }
const CALL = { type: 'Action', id: 'tool.call/mail.send' }
const ANY_CALL = { type: 'Action', id: 'tool.call' }

type Parts = Readonly<Record<string, unknown>>

function policiesOf(...all: Parts[]): readonly CedarPolicy[] {
  const base = { effect: 'permit', principal: ALL, action: ALL, resource: ALL, conditions: [] }
  return CedarPolicies.parse(
    all.map((parts, at) => ({ id: `p${at}`, policy: { ...base, ...parts } })),
  )
}

const when = (body: unknown) => ({ conditions: [{ kind: 'when', body }] })
const context = (...path: string[]) =>
  path.reduce<unknown>((left, attr) => ({ '.': { left, attr } }), { Var: 'context' })

function requestOf(json: CedarJsonRecord = {}, uids: Partial<CedarRequest> = {}): CedarRequest {
  const record = recordOfJson(json)
  if (record instanceof Fault) throw new TypeError(record.message)
  return { principal: SESSION, action: CALL, resource: HOST, context: record, ...uids }
}

const base = entityStore([
  { uid: AGENT, parents: [{ type: 'Sekisho::Group', id: 'agents' }] },
  {
    uid: { type: 'Sekisho::Group', id: 'agents' },
    parents: [{ type: 'Sekisho::Group', id: 'all' }],
  },
  { uid: CALL, parents: [ANY_CALL] },
])
const store = entityStore([{ uid: SESSION, parents: [AGENT] }, { uid: HOST }], base)

test('nothing is allowed by nothing', () => {
  expect(compileCedar([]).decide(requestOf(), store)).toEqual({
    decision: 'deny',
    determining: [],
    errors: [],
  })
})

test('a forbid wins, and what is skipped is told without the request’s words', () => {
  const engine = compileCedar(
    policiesOf(
      {},
      when({ '<': { left: context('secret'), right: { Value: 1 } } }),
      { effect: 'forbid', ...when({ has: { left: { Var: 'context' }, attr: 'secret' } }) },
      when(context('other')),
    ),
  )
  expect(engine.decide(requestOf({ secret: 'hunter2' }), store)).toEqual({
    decision: 'deny',
    determining: ['p2'],
    errors: [
      { id: 'p1', message: 'type error: expected long, datetime or duration, got string' },
      { id: 'p3', message: 'no attribute `other`' },
    ],
  })
})

test.for([
  ['all of them', ALL, true],
  ['the entity itself', { op: '==', entity: SESSION }, true],
  ['another entity', { op: '==', entity: { ...SESSION, id: 's-2' } }, false],
  ['in the entity itself', { op: 'in', entity: SESSION }, true],
  ['in what it is in', { op: 'in', entity: AGENT }, true],
  [
    'in what that is in, in a layer below',
    { op: 'in', entity: { type: 'Sekisho::Group', id: 'all' } },
    true,
  ],
  ['in something else', { op: 'in', entity: HOST }, false],
  ['of its type', { op: 'is', entity_type: 'Sekisho::Session' }, true],
  ['of another type', { op: 'is', entity_type: 'Session' }, false],
  [
    'of its type in what it is in',
    { op: 'is', entity_type: 'Sekisho::Session', in: { entity: AGENT } },
    true,
  ],
  [
    'of its type in something else',
    { op: 'is', entity_type: 'Sekisho::Session', in: { entity: HOST } },
    false,
  ],
] as const)('a principal matches a scope: %s', ([, principal, isMatching]) => {
  const { determining } = compileCedar(policiesOf({ principal })).decide(requestOf(), store)
  expect(determining).toEqual(isMatching ? ['p0'] : [])
})

test.for([
  ['the action', { op: '==', entity: CALL }, ['p0']],
  ['what the action is in', { op: 'in', entity: ANY_CALL }, ['p0']],
  ['one that equals what it is in', { op: '==', entity: ANY_CALL }, []],
  ['a list with both, which counts once', { op: 'in', entities: [ANY_CALL, CALL, CALL] }, ['p0']],
  ['an empty list', { op: 'in', entities: [] }, []],
] as const)('an action matches a scope: %s', ([, action, expected]) => {
  const { determining } = compileCedar(policiesOf({ action })).decide(requestOf(), store)
  expect(determining).toEqual(expected)
})

test('an entity over another with its uid hides it', () => {
  const owner = recordOfJson({ owner: 'new' })
  if (owner instanceof Fault) throw new TypeError(owner.message)
  const over = entityStore([{ uid: AGENT, attrs: owner }], base)
  expect(over.attrs(AGENT)).toBe(owner)
  expect(over.ancestors(AGENT)).toEqual([])
  expect(over.isIn(AGENT, { type: 'Sekisho::Group', id: 'agents' })).toBe(false)
  expect(over.attrs(HOST)).toBe(undefined)
})

test('a circle of parents ends', () => {
  const [a, b]: [EntityUid, EntityUid] = [
    { type: 'A', id: 'a' },
    { type: 'A', id: 'b' },
  ]
  const circle: CedarEntity[] = [
    { uid: a, parents: [b] },
    { uid: b, parents: [a] },
  ]
  expect(entityStore(circle).isIn(a, b)).toBe(true)
  expect(entityStore(circle).isIn(a, HOST)).toBe(false)
})

const BEHIND_AN_IF: unknown = JSON.parse(
  '{".":{"left":{"if-then-else":{"if":{"Value":true},"then":{"Var":"context"},"else":{"Record":{}}}},"attr":"x"}}',
)
const approvals = ['facts', 'approvals']

test.for([
  [
    'the value',
    { contains: { left: context('facts', 'approvals'), right: { Value: 'approver' } } },
    true,
  ],
  ['all above it', { '==': { left: context('facts'), right: { Record: {} } } }, true],
  ['the context as a whole', { '==': { left: { Var: 'context' }, right: { Record: {} } } }, true],
  [
    'something below it',
    { '==': { left: context('facts', 'approvals', 'x'), right: { Value: 1 } } },
    true,
  ],
  ['whether it is there', { has: { left: context('facts'), attr: 'approvals' } }, true],
  ['the context behind an if', BEHIND_AN_IF, true],
  ['a neighbour', context('facts', 'granted'), false],
  ['whether what it is in is there', { has: { left: { Var: 'context' }, attr: 'facts' } }, false],
  [
    'something of that name elsewhere',
    { has: { left: { Var: 'principal' }, attr: 'approvals' } },
    false,
  ],
] as const)('mentions: a policy that reads %s', ([, body, isMentioned]) => {
  const engine = compileCedar(policiesOf(when(body)))
  expect(engine.mentions(CALL, approvals)).toBe(isMentioned)
})

test('mentions: only policies that may apply to the action', () => {
  const reading = when(context(...approvals))
  const inCalls = policiesOf({ ...reading, action: { op: 'in', entity: ANY_CALL } })
  const other = { type: 'Action', id: 'http.request' }
  expect(compileCedar(inCalls, base).mentions(CALL, approvals)).toBe(true)
  expect(compileCedar(inCalls, base).mentions(other, approvals)).toBe(false)
  // without a hierarchy nothing says that it is not in there
  expect(compileCedar(inCalls).mentions(other, approvals)).toBe(true)
  const same = policiesOf({ ...reading, action: { op: '==', entity: CALL } })
  expect(compileCedar(same).mentions(other, approvals)).toBe(false)
})

test('keys of Object’s prototype are keys like others', () => {
  const json: CedarJsonRecord = JSON.parse('{"__proto__":{"admin":true},"constructor":1}')
  const isAdmin = compileCedar(policiesOf(when(context('admin'))))
  const isThere = compileCedar(policiesOf(when(context('__proto__', 'admin'))))
  const inherited = compileCedar(
    policiesOf(when({ has: { left: { Var: 'context' }, attr: 'toString' } })),
  )
  expect(isAdmin.decide(requestOf(json), store).decision).toBe('deny')
  expect(isThere.decide(requestOf(json), store).decision).toBe('allow')
  expect(inherited.decide(requestOf(json), store).decision).toBe('deny')
})

test('a value that nests without end is refused where it enters', () => {
  let deep: CedarJsonRecord = {}
  for (let depth = 0; depth < 5_000; depth++) deep = { deep }
  expect(recordOfJson(deep)).toEqual(new Fault('a value nests at most 256 deep'))
})

test('what was prepared once decides each context by itself', () => {
  const engine = compileCedar(policiesOf(when(context('facts', 'granted'))))
  const asked = requestOf()
  const prepared = engine.prepare(asked, store)
  const contexts = [{ facts: { granted: true } }, {}, { facts: { granted: false } }].map(
    (json) => requestOf(json).context,
  )
  const answers = [...contexts, ...contexts].map((one) => prepared(one))
  expect(answers.map(({ decision }) => decision).slice(0, 3)).toEqual(['allow', 'deny', 'deny'])
  expect(answers).toEqual(
    [...contexts, ...contexts].map((one) => engine.decide({ ...asked, context: one }, store)),
  )
})
