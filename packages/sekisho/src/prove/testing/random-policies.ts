import fc from 'fast-check'
import type { CedarActionScope, CedarPolicyJson, Expr } from '../../wire/cedar.ts'

/** A small world with everything that Cedar has; policies over it at random, wrong ones too. */
export const TEST_SCHEMA = `
namespace T {
  entity Group in [Group];
  entity User in [Group, User] { enabled: Bool, level: Long, nick?: String, boss: User };
  entity Zone in [Zone];
  entity Host in [Zone] { name: String, tags: Set<String> };
  type Facts = {
    granted: Bool, approvals: Set<String>, left?: Long, now: __cedar::datetime,
    note?: { text: String, deep?: { flag: Bool } }
  };
  action all;
  action read in [all] appliesTo {
    principal: [User], resource: [Host],
    context: { facts: Facts, path: String, numbers: Set<Long>, price: __cedar::decimal, from: __cedar::ipaddr }
  };
  action write in [all] appliesTo {
    principal: [User], resource: [Host],
    context: { facts: Facts, path: String }
  };
}`

const TEXTS = ['', 'a', 'ab', '/a/b', 'a*b', 'é😀"\\', 'aXb']
const NUMBERS = [0, 1, -1, 7, 9007199254740991]
const USERS = ['u1', 'u2', 'u3']
const GROUPS = ['g1', 'g2']
const HOSTS = ['h1', 'h2']
const ZONES = ['z1', 'z2']
export const IDS: Readonly<Record<string, readonly string[]>> = {
  'T::User': USERS,
  'T::Group': GROUPS,
  'T::Host': HOSTS,
  'T::Zone': ZONES,
}

const text = fc.constantFrom(...TEXTS)
const number = fc.constantFrom(...NUMBERS)
const uid = fc
  .constantFrom('T::User', 'T::Group', 'T::Host', 'T::Zone')
  .chain((type) => fc.constantFrom(...(IDS[type] ?? [])).map((id) => ({ type, id })))

function dot(left: Expr, ...names: readonly string[]): Expr {
  return names.reduce<Expr>((expr, attr) => ({ '.': { left: expr, attr } }), left)
}
const context: Expr = { Var: 'context' }
const facts = dot(context, 'facts')
const principal: Expr = { Var: 'principal' }
const resource: Expr = { Var: 'resource' }

const pattern = fc.array(
  fc.oneof(
    fc.constant('Wildcard' as const),
    fc.constantFrom('a', 'b', '/', '*').map((Literal) => ({ Literal })),
  ),
  { minLength: 1, maxLength: 4 },
)

type Sorts = Record<'bool' | 'long' | 'string' | 'set' | 'entity' | 'time' | 'record' | 'any', Expr>

const two = (
  operators: readonly string[],
  left: fc.Arbitrary<Expr>,
  right: fc.Arbitrary<Expr>,
): fc.Arbitrary<Expr> =>
  fc
    .tuple(fc.constantFrom(...operators), left, right)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an operator of two
    .map(([operator, a, b]) => ({ [operator]: { left: a, right: b } }) as unknown as Expr)

const extension = (name: string, texts: readonly string[]): fc.Arbitrary<Expr> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a constructor of a value
  fc.constantFrom(...texts).map((value) => ({ [name]: [{ Value: value }] }) as unknown as Expr)

const method = (name: string, ...args: readonly fc.Arbitrary<Expr>[]): fc.Arbitrary<Expr> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a method call
  fc.tuple(...args).map((all) => ({ [name]: all }) as unknown as Expr)

function choose([condition, yes, no]: readonly [Expr, Expr, Expr]): Expr {
  // oxlint-disable-next-line unicorn/no-thenable -- Cedar's own word, and nobody awaits it
  return { 'if-then-else': { if: condition, then: yes, else: no } }
}

// oxlint-disable-next-line max-lines-per-function -- a grammar, whose rules need each other
const { any, bool } = fc.letrec<Sorts>((tie) => ({
  any: fc.oneof(
    ...(['bool', 'long', 'string', 'set', 'entity', 'time', 'record'] as const).map((s) => tie(s)),
  ),
  bool: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Expr>(
      { Value: true },
      { Value: false },
      dot(facts, 'granted'),
      dot(principal, 'enabled'),
      dot(principal, 'boss', 'enabled'),
      { has: { left: facts, attr: 'left' } },
      { has: { left: context, attr: ['facts', 'note', 'deep', 'flag'] } },
      { has: { left: principal, attr: 'nick' } },
      { has: { left: context, attr: 'from' } },
      dot(facts, 'note', 'deep', 'flag'),
    ),
    fc
      .tuple(tie('bool'), tie('bool'), tie('any'))
      .chain(([a, b, c]) =>
        fc.constantFrom<Expr>(
          { '&&': { left: a, right: b } },
          { '||': { left: a, right: b } },
          { '||': { left: a, right: c } },
          { '!': { arg: a } },
          choose([a, b, c]),
        ),
      ),
    two(['==', '!='], tie('any'), tie('any')),
    two(['==', '!='], tie('string'), tie('string')),
    two(['==', '!='], tie('set'), tie('set')),
    two(['==', '!='], tie('entity'), tie('entity')),
    two(['<', '<=', '>', '>='], tie('long'), tie('long')),
    two(['<', '>=', '=='], tie('time'), tie('time')),
    two(['contains'], tie('set'), tie('string')),
    two(['contains'], tie('set'), tie('long')),
    two(['containsAll', 'containsAny'], tie('set'), tie('set')),
    tie('set').map((arg): Expr => ({ isEmpty: { arg } })),
    two(['in'], tie('entity'), tie('entity')),
    two(
      ['in'],
      tie('entity'),
      fc.array(tie('entity'), { maxLength: 2 }).map((Set): Expr => ({ Set })),
    ),
    fc.tuple(tie('string'), pattern).map(([left, p]): Expr => ({ like: { left, pattern: p } })),
    fc
      .tuple(tie('entity'), fc.constantFrom('T::User', 'T::Group'))
      .map(([left, entity_type]): Expr => ({ is: { left, entity_type } })),
    fc
      .tuple(tie('entity'), tie('entity'))
      .map(([left, outer]): Expr => ({ is: { left, entity_type: 'T::User', in: outer } })),
    method('lessThan', fc.constant(dot(context, 'price')), extension('decimal', ['1.5', '-0.1'])),
    method('isInRange', fc.constant(dot(context, 'from')), extension('ip', ['10.0.0.0/8'])),
  ),
  long: fc.oneof(
    { depthSize: 'small' },
    number.map((Value): Expr => ({ Value })),
    fc.constantFrom(dot(facts, 'left'), dot(principal, 'level'), dot(principal, 'boss', 'level')),
    two(['+', '-', '*'], tie('long'), tie('long')),
    tie('long').map((arg): Expr => ({ neg: { arg } })),
    fc
      .constantFrom('toHours', 'toSeconds', 'toDays')
      .chain((name) =>
        method(name, extension('duration', ['-1d1h', '90m', '3600s1ms', '-1ms', 'bad'])),
      ),
    fc.tuple(tie('bool'), tie('long'), tie('long')).map(choose),
  ),
  string: fc.oneof(
    { depthSize: 'small' },
    text.map((Value): Expr => ({ Value })),
    fc.constantFrom(
      dot(context, 'path'),
      dot(resource, 'name'),
      dot(principal, 'nick'),
      dot(facts, 'note', 'text'),
    ),
    fc.tuple(tie('bool'), tie('string'), tie('string')).map(choose),
  ),
  set: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(dot(facts, 'approvals'), dot(resource, 'tags'), dot(context, 'numbers')),
    fc
      .array(text, { maxLength: 3 })
      .map((items): Expr => ({ Set: items.map((Value) => ({ Value })) })),
    fc.array(tie('any'), { maxLength: 2 }).map((Set): Expr => ({ Set })),
    fc.array(number, { maxLength: 2 }).map((Value): Expr => ({ Value })),
    fc.tuple(tie('bool'), tie('set'), tie('set')).map(choose),
  ),
  entity: fc.oneof(
    fc.constantFrom(principal, resource, dot(principal, 'boss')),
    uid.map((entity): Expr => ({ Value: { __entity: entity } })),
  ),
  time: fc.oneof(
    fc.constant(dot(facts, 'now')),
    extension('datetime', ['2024-01-01', '1969-12-31T23:59:59.999Z', '2024-13-01']),
    method('toDate', fc.constant(dot(facts, 'now'))),
    method('offset', fc.constant(dot(facts, 'now')), extension('duration', ['1d', '-2h'])),
  ),
  record: fc.oneof(
    fc.constantFrom(facts, dot(facts, 'note'), context),
    fc.record({ text: tie('string') }).map((Record): Expr => ({ Record })),
  ),
}))

const scope = fc.oneof(
  fc.constant({ op: 'All' } as const),
  uid.map((entity) => ({ op: '==' as const, entity })),
  uid.map((entity) => ({ op: 'in' as const, entity })),
  uid.map((entity) => ({ op: 'is' as const, entity_type: 'T::User', in: { entity } })),
  fc.constantFrom('T::User', 'T::Host').map((entity_type) => ({ op: 'is' as const, entity_type })),
)
const mostlyAll = fc.oneof({ weight: 3, arbitrary: fc.constant({ op: 'All' } as const) }, scope)
const actionScope: fc.Arbitrary<CedarActionScope> = fc.constantFrom<CedarActionScope>(
  { op: 'All' },
  { op: '==', entity: { type: 'T::Action', id: 'read' } },
  { op: 'in', entity: { type: 'T::Action', id: 'all' } },
  { op: 'in', entities: [{ type: 'T::Action', id: 'write' }] },
)

export const randomPolicy: fc.Arbitrary<CedarPolicyJson> = fc.record({
  effect: fc.constantFrom('permit' as const, 'permit' as const, 'forbid' as const),
  principal: mostlyAll,
  action: actionScope,
  resource: mostlyAll,
  conditions: fc.array(
    fc.record({
      kind: fc.constantFrom('when' as const, 'unless' as const),
      body: fc.oneof({ weight: 9, arbitrary: bool }, any),
    }),
    { maxLength: 2 },
  ),
})

const subset = (values: readonly string[]): fc.Arbitrary<string[]> => fc.subarray([...values])
const parents = (type: string): fc.Arbitrary<{ type: string; id: string }[]> =>
  subset(IDS[type] ?? []).map((ids) => ids.map((id) => ({ type, id })))

const user = fc.record({
  attrs: fc
    .record({
      enabled: fc.boolean(),
      level: number,
      nick: fc.option(text, { nil: undefined }),
      boss: fc.constantFrom(...USERS).map((id) => ({ __entity: { type: 'T::User', id } })),
    })
    .map(withoutUndefined),
  parents: parents('T::Group'),
})
const host = fc.record({
  attrs: fc.record({ name: text, tags: subset(TEXTS) }),
  parents: parents('T::Zone'),
})

/** Entities with everything known of them. Groups and zones are in those that come after them. */
const entities = fc
  .record({
    users: fc.tuple(user, user, user),
    hosts: fc.tuple(host, host),
    nested: fc.boolean(),
  })
  .map(({ users, hosts, nested }) => [
    ...users.map(({ attrs, parents: groups }, i) => ({
      uid: { type: 'T::User', id: `u${i + 1}` },
      attrs,
      parents: nested && i < 2 ? [...groups, { type: 'T::User', id: `u${i + 2}` }] : groups,
    })),
    ...hosts.map((h, i) => ({ uid: { type: 'T::Host', id: `h${i + 1}` }, ...h })),
    ...['T::Group', 'T::Zone'].flatMap((type) => {
      const [first = '', second = ''] = IDS[type] ?? []
      const above = nested ? [{ type, id: second }] : []
      return [
        { uid: { type, id: first }, attrs: {}, parents: above },
        { uid: { type, id: second }, attrs: {}, parents: [] },
      ]
    }),
  ])

const note = fc
  .record({ text, deep: fc.option(fc.record({ flag: fc.boolean() }), { nil: undefined }) })
  .map(withoutUndefined)
const randomFacts = fc
  .record({
    granted: fc.boolean(),
    approvals: subset(['a', 'ab', 'other']),
    left: fc.option(number, { nil: undefined }),
    now: fc
      .constantFrom('2024-01-01', '1969-12-31T00:00:00Z')
      .map((arg) => ({ __extn: { fn: 'datetime', arg } })),
    note: fc.option(note, { nil: undefined }),
  })
  .map(withoutUndefined)

export const randomRequest = fc.record({
  principal: fc.constantFrom(...USERS).map((id) => ({ type: 'T::User', id })),
  resource: fc.constantFrom(...HOSTS).map((id) => ({ type: 'T::Host', id })),
  context: fc.record({
    facts: randomFacts,
    path: text,
    numbers: fc.subarray(NUMBERS),
    price: fc.constantFrom('1.5', '-7.25').map((arg) => ({ __extn: { fn: 'decimal', arg } })),
    from: fc.constantFrom('10.1.2.3', '::1').map((arg) => ({ __extn: { fn: 'ip', arg } })),
  }),
  entities,
})

function withoutUndefined<T extends object>(value: T): Record<string, never> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only for JSON
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== undefined),
  ) as Record<string, never>
}
