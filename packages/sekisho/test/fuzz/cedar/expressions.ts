import type { CedarVariable, Expr, PatternElement } from '../../../src/wire/cedar.ts'
import type { Random } from '../random.ts'
import {
  entityType,
  type ExtensionName,
  extensionText,
  nameFor,
  safeLong,
  text,
  type TypeName,
  typeName,
  uid,
} from './words.ts'

/** One in so many expressions is of another type than is wanted there. */
const MISTAKE = 40
type Make = (random: Random, depth: number) => Expr
type Makes = readonly [Make, ...Make[]]

/** An expression that is mostly of one type, and mostly has a value. */
export function expression(random: Random, type: TypeName, depth: number): Expr {
  const wanted = random.once(MISTAKE) ? typeName(random) : type
  if (depth <= 0) return random.pick(LEAVES[wanted])(random, 0)
  return random.pick(GRAMMAR[wanted])(random, depth)
}

const of =
  (type: TypeName): Make =>
  (random, depth) =>
    expression(random, type, depth - 1)

const bool = of('bool')
const long = of('long')
const string = of('string')
const entity = of('entity')
const set = of('set')
const any: Make = (random, depth) => expression(random, typeName(random), depth - 1)

/** Both sides of one type, whichever. */
const alike =
  (make: (left: Expr, right: Expr) => Expr): Make =>
  (random, depth) => {
    const type = of(typeName(random))
    return make(type(random, depth), type(random, depth))
  }

const two =
  (make: (left: Expr, right: Expr) => Expr, left: Make, right: Make): Make =>
  (random, depth) =>
    make(left(random, depth), right(random, depth))

const variable: Make = (random) => {
  const names: readonly [CedarVariable, ...CedarVariable[]] = ['principal', 'resource', 'action']
  return { Var: random.pick(names) }
}

const holder: Make = (random, depth) => {
  if (random.once(2)) return { Var: 'context' }
  return random.once(depth > 1 ? 3 : 1_000) ? of('record')(random, depth) : variable(random, 0)
}

const attribute =
  (type: TypeName): Make =>
  (random, depth) => ({ '.': { left: holder(random, depth), attr: nameFor(random, type) } })

const branch =
  (type: TypeName): Make =>
  (random, depth) => ({
    'if-then-else': {
      if: bool(random, depth),
      // oxlint-disable-next-line unicorn/no-thenable -- Cedar's own name, and nobody awaits it
      then: of(type)(random, depth),
      else: of(type)(random, depth),
    },
  })

const construct =
  (name: ExtensionName): Make =>
  (random) => {
    const written = extensionText(random, name)
    if (random.once(6)) return { Value: { __extn: { fn: name, arg: written } } }
    return call(name, [{ Value: written }])
  }

/** A call in its JSON form, where the function is the key. */
export function call(name: ExtensionName | Method, args: readonly Expr[]): Expr {
  return CALLS[name](args)
}

type Method =
  | 'isIpv4'
  | 'isIpv6'
  | 'isLoopback'
  | 'isMulticast'
  | 'isInRange'
  | 'lessThan'
  | 'lessThanOrEqual'
  | 'greaterThan'
  | 'greaterThanOrEqual'
  | 'offset'
  | 'durationSince'
  | 'toDate'
  | 'toTime'
  | 'toMilliseconds'
  | 'toSeconds'
  | 'toMinutes'
  | 'toHours'
  | 'toDays'

const CALLS: Readonly<Record<ExtensionName | Method, (args: readonly Expr[]) => Expr>> = {
  ip: (args) => ({ ip: args }),
  decimal: (args) => ({ decimal: args }),
  datetime: (args) => ({ datetime: args }),
  duration: (args) => ({ duration: args }),
  isIpv4: (args) => ({ isIpv4: args }),
  isIpv6: (args) => ({ isIpv6: args }),
  isLoopback: (args) => ({ isLoopback: args }),
  isMulticast: (args) => ({ isMulticast: args }),
  isInRange: (args) => ({ isInRange: args }),
  lessThan: (args) => ({ lessThan: args }),
  lessThanOrEqual: (args) => ({ lessThanOrEqual: args }),
  greaterThan: (args) => ({ greaterThan: args }),
  greaterThanOrEqual: (args) => ({ greaterThanOrEqual: args }),
  offset: (args) => ({ offset: args }),
  durationSince: (args) => ({ durationSince: args }),
  toDate: (args) => ({ toDate: args }),
  toTime: (args) => ({ toTime: args }),
  toMilliseconds: (args) => ({ toMilliseconds: args }),
  toSeconds: (args) => ({ toSeconds: args }),
  toMinutes: (args) => ({ toMinutes: args }),
  toHours: (args) => ({ toHours: args }),
  toDays: (args) => ({ toDays: args }),
}

const method =
  (names: readonly [Method, ...Method[]], ...of: readonly Make[]): Make =>
  (random, depth) => {
    const args = of.map((make) => make(random, depth))
    // an argument too many or too few is a fault where it is called
    return call(random.pick(names), random.once(200) ? args.slice(1) : args)
  }

const pattern = (random: Random): PatternElement[] =>
  Array.from({ length: random.below(5) }, () =>
    random.once(2) ? 'Wildcard' : { Literal: text(random) },
  )

const comparison: Make = (random, depth) => {
  const make = of(random.pick(['long', 'long', 'long', 'datetime', 'duration']))
  const sides = { left: make(random, depth), right: make(random, depth) }
  const made: [Expr, ...Expr[]] = [{ '<': sides }, { '<=': sides }, { '>': sides }, { '>=': sides }]
  return random.pick(made)
}

const has: Make = (random, depth) => {
  const name = () => nameFor(random, typeName(random))
  const attr = random.once(3) ? [nameFor(random, 'record'), name()] : name()
  return { has: { left: holder(random, depth), attr } }
}

const isOfType: Make = (random, depth) => {
  const tested = { left: entity(random, depth), entity_type: entityType(random) }
  return { is: random.once(2) ? { ...tested, in: entityOrSet(random, depth) } : tested }
}

const entitySet: Make = (random, depth) => ({
  Set: Array.from({ length: random.below(4) }, () => entity(random, depth)),
})

const entityOrSet: Make = (random, depth) => random.pick([entity, entitySet])(random, depth)

const tag =
  (kind: 'hasTag' | 'getTag'): Make =>
  (random, depth) => {
    const name: Expr = random.once(4) ? string(random, depth) : { Value: random.pick(['a', 'b']) }
    const sides = { left: entity(random, depth), right: name }
    return kind === 'hasTag' ? { hasTag: sides } : { getTag: sides }
  }

const record: Make = (random, depth) => {
  const entries = Array.from({ length: random.below(4) }, (): [string, Expr] => {
    const type = typeName(random)
    return [nameFor(random, type), of(type)(random, depth)]
  })
  return { Record: Object.fromEntries(entries) }
}

const sameSet: Make = (random, depth) => {
  const make = random.once(4) ? any : of(typeName(random))
  return { Set: Array.from({ length: random.below(4) }, () => make(random, depth)) }
}

/** The ends of 64 bits, which no JSON number has, and their neighbours. */
const edge: Make = (random) => {
  const big: Expr = { '*': { left: { Value: 2 ** 53 - 1 }, right: { Value: 1_024 } } }
  const max: Expr = { '+': { left: big, right: { Value: 1_023 } } }
  const min: Expr = { '-': { left: { neg: { arg: max } }, right: { Value: 1 } } }
  const edges: [Expr, ...Expr[]] = [big, max, min]
  return random.pick(edges)
}

const LEAVES: Readonly<Record<TypeName, Makes>> = {
  bool: [(random) => ({ Value: random.once(2) }), attribute('bool')],
  long: [(random) => ({ Value: safeLong(random) }), attribute('long'), edge],
  string: [(random) => ({ Value: text(random) }), attribute('string')],
  entity: [
    variable,
    variable,
    (random) => ({ Value: { __entity: uid(random) } }),
    attribute('entity'),
  ],
  set: [
    (random) => ({ Value: [safeLong(random), text(random), random.once(2)] }),
    attribute('set'),
  ],
  record: [(random) => ({ Value: { n: safeLong(random), s: text(random) } }), attribute('record')],
  ip: [construct('ip'), attribute('ip')],
  decimal: [construct('decimal'), attribute('decimal')],
  datetime: [construct('datetime'), attribute('datetime')],
  duration: [construct('duration'), attribute('duration')],
}

const GRAMMAR: Readonly<Record<TypeName, Makes>> = {
  bool: [
    comparison,
    comparison,
    has,
    has,
    isOfType,
    two((left, right) => ({ '&&': { left, right } }), bool, bool),
    two((left, right) => ({ '||': { left, right } }), bool, bool),
    (random, depth) => ({ '!': { arg: bool(random, depth) } }),
    alike((left, right) => ({ '==': { left, right } })),
    alike((left, right) => ({ '!=': { left, right } })),
    two((left, right) => ({ '==': { left, right } }), any, any),
    two((left, right) => ({ in: { left, right } }), entity, entityOrSet),
    two((left, right) => ({ contains: { left, right } }), set, any),
    two((left, right) => ({ containsAll: { left, right } }), set, set),
    two((left, right) => ({ containsAny: { left, right } }), set, set),
    (random, depth) => ({ isEmpty: { arg: set(random, depth) } }),
    (random, depth) => ({ like: { left: string(random, depth), pattern: pattern(random) } }),
    (random, depth) => ({ like: { left: string(random, depth), pattern: pattern(random) } }),
    tag('hasTag'),
    method(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'], of('ip')),
    method(['isInRange'], of('ip'), of('ip')),
    method(
      ['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'],
      of('decimal'),
      of('decimal'),
    ),
    branch('bool'),
    ...LEAVES.bool,
  ],
  long: [
    two((left, right) => ({ '+': { left, right } }), long, long),
    two((left, right) => ({ '-': { left, right } }), long, long),
    two((left, right) => ({ '*': { left, right } }), long, long),
    (random, depth) => ({ neg: { arg: long(random, depth) } }),
    method(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'], of('duration')),
    branch('long'),
    ...LEAVES.long,
  ],
  string: [branch('string'), tag('getTag'), ...LEAVES.string],
  entity: [branch('entity'), ...LEAVES.entity],
  set: [sameSet, sameSet, sameSet, entitySet, branch('set'), ...LEAVES.set],
  record: [record, record, branch('record'), ...LEAVES.record],
  ip: [branch('ip'), ...LEAVES.ip],
  decimal: [branch('decimal'), ...LEAVES.decimal],
  datetime: [
    method(['offset'], of('datetime'), of('duration')),
    method(['toDate'], of('datetime')),
    branch('datetime'),
    ...LEAVES.datetime,
  ],
  duration: [
    method(['durationSince'], of('datetime'), of('datetime')),
    method(['toTime'], of('datetime')),
    branch('duration'),
    ...LEAVES.duration,
  ],
}
