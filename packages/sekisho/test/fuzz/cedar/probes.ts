/**
 * Expressions with two sides that nearly agree: the ones on which two evaluators come apart, and
 * which a grammar alone hardly ever makes.
 */
import type { CedarValueJson, Expr, PatternElement } from '../../../src/wire/cedar.ts'
import type { Random } from '../random.ts'
import { call, expression } from './expressions.ts'
import { type ExtensionName, extensionText, safeLong, text, typeName, uid } from './words.ts'

type Probe = (random: Random) => Expr
type Sides = { left: Expr; right: Expr }

/** A condition, mostly without variables. */
export function probe(random: Random): Expr {
  return random.pick(PROBES)(random)
}

const LETTERS = ['a', 'a', 'a', 'b', 'b', 'A', 'ab', 'é', '😀', '\u{1f601}', '*', ''] as const

/** A pattern, and a text made from it: what the stars stand for, then perhaps a letter changed. */
function like(random: Random): Expr {
  const pattern: PatternElement[] = []
  let matching = ''
  for (let left = random.below(8); left > 0; left--) {
    const literal = random.pick(LETTERS)
    if (random.once(2)) {
      pattern.push('Wildcard')
      matching += random.some(() => random.pick(LETTERS), 0, 2)
    } else {
      pattern.push({ Literal: literal })
      matching += literal
    }
  }
  return { like: { left: { Value: changed(random, matching) }, pattern } }
}

function changed(random: Random, whole: string): string {
  if (random.once(2)) return whole
  const letters = Array.from(whole)
  const at = random.below(letters.length + 1)
  letters.splice(at, random.below(2), ...(random.once(2) ? [random.pick(LETTERS)] : []))
  return letters.join('')
}

/** Values that equal one of the others in another spelling, or nearly do. */
const MEMBERS: readonly [CedarValueJson, ...CedarValueJson[]] = [
  1,
  '1',
  true,
  'true',
  0,
  '',
  [],
  {},
  [1],
  [[1], 1],
  [1, 1],
  ['1'],
  { n: 1 },
  { n: 1, s: 'a' },
  { s: 'a', n: 1 },
  { n: '1' },
  { n: [] },
  { n: {} },
  { __entity: { type: 'User', id: 'a' } },
  { __entity: { type: 'Group', id: 'a' } },
  { __entity: { type: 'User', id: 'b' } },
  { type: 'User', id: 'a' },
  { __extn: { fn: 'decimal', arg: '1.0' } },
  { __extn: { fn: 'decimal', arg: '1.00' } },
  { __extn: { fn: 'ip', arg: '10.0.0.1' } },
  { __extn: { fn: 'ip', arg: '10.0.0.1/32' } },
  { __extn: { fn: 'duration', arg: '1d' } },
  { __extn: { fn: 'duration', arg: '24h' } },
  { __extn: { fn: 'datetime', arg: '1970-01-02' } },
  { __extn: { fn: 'datetime', arg: '1970-01-01T23:59:59Z' } },
]

function values(random: Random): CedarValueJson[] {
  return Array.from({ length: random.below(4) }, () => random.pick(MEMBERS))
}

function sets(random: Random): Expr {
  const left = values(random)
  const right = random.once(3) ? values(random) : left.toReversed()
  if (random.once(2)) right.push(random.once(2) ? random.pick(MEMBERS) : (left[0] ?? 1))
  if (random.once(4)) right.shift()
  const sides: Sides = { left: setOf(random, left), right: setOf(random, right) }
  return pickOf(random, [
    { '==': sides },
    { '!=': sides },
    { containsAll: sides },
    { containsAny: sides },
    { contains: { left: sides.left, right: { Value: random.pick(MEMBERS) } } },
    { contains: { left: { Set: [sides.left] }, right: sides.right } },
  ])
}

function setOf(random: Random, items: readonly CedarValueJson[]): Expr {
  return random.once(3) ? { Value: items } : { Set: items.map((Value) => ({ Value })) }
}

function equals(random: Random): Expr {
  const sides: Sides = {
    left: { Value: random.pick(MEMBERS) },
    right: { Value: random.pick(MEMBERS) },
  }
  return pickOf(random, [{ '==': sides }, { '!=': sides }, { '<': sides }])
}

function records(random: Random): Expr {
  const all: [string, Expr][] = [
    ['n', { Value: 1 }],
    ['__proto__', { Value: random.pick(MEMBERS) }],
    ['a b', { Value: 'x' }],
  ]
  const one = () => all.filter(() => !random.once(3))
  const sides: Sides = { left: { Record: from(one()) }, right: { Record: from(one().reverse()) } }
  return pickOf(random, [
    { '==': sides },
    { '!=': sides },
    { has: { left: sides.left, attr: '__proto__' } },
    { has: { left: sides.left, attr: 'toString' } },
    { has: { left: sides.left, attr: ['__proto__', 'n'] } },
    { '==': { left: { '.': { left: sides.left, attr: 'a b' } }, right: { Value: 'x' } } },
  ])
}

/** `Object.fromEntries` makes `__proto__` a key of its own. */
function from(entries: readonly (readonly [string, Expr])[]): Record<string, Expr> {
  return Object.fromEntries(entries)
}

function made(random: Random, name: ExtensionName): Expr {
  return call(name, [{ Value: extensionText(random, name) }])
}

function addresses(random: Random): Expr {
  const sides: [Expr, Expr] = [made(random, 'ip'), made(random, 'ip')]
  const [left, right] = sides
  return pickOf(random, [
    { '==': { left, right } },
    call('isInRange', sides),
    call('isInRange', sides),
    call('isIpv4', [left]),
    call('isIpv6', [left]),
    call('isLoopback', [left]),
    call('isMulticast', [left]),
    call('isInRange', [left, right, left]),
    call('isInRange', [left]),
    call('lessThan', sides),
  ])
}

function decimals(random: Random): Expr {
  const sides: [Expr, Expr] = [made(random, 'decimal'), made(random, 'decimal')]
  if (random.once(3)) sides[1] = sides[0]
  const [left, right] = sides
  return pickOf(random, [
    { '==': { left, right } },
    { '<': { left, right } },
    call('lessThan', sides),
    call('lessThanOrEqual', sides),
    call('greaterThan', sides),
    call('greaterThanOrEqual', sides),
  ])
}

/** Compared with a moment that another way leads to. */
function moments(random: Random): Expr {
  const [left, other] = [made(random, 'datetime'), made(random, 'datetime')]
  const since = call('durationSince', [left, other])
  const sides = { left, right: other }
  const back = call('offset', [other, random.once(2) ? since : made(random, 'duration')])
  const midnight = call('offset', [call('toDate', [left]), call('toTime', [left])])
  return pickOf(random, [
    { '==': sides },
    { '<': sides },
    { '<=': { left: back, right: left } },
    { '==': { left: midnight, right: left } },
    { '==': { left: call('toDate', [back]), right: other } },
    { '<': { left: call('toTime', [back]), right: made(random, 'duration') } },
    { '==': { left: { Value: 0 }, right: call('toMilliseconds', [call('toTime', [back])]) } },
    { '>': { left: call('toDate', [edgeOfTime(random)]), right: left } },
  ])
}

/** The first and the last moments there are. */
function edgeOfTime(random: Random): Expr {
  const ms = random.pick(['-9223372036854775808ms', '9223372036854775807ms', '-1ms', '-86400000ms'])
  return call('offset', [
    call('datetime', [{ Value: '1970-01-01' }]),
    call('duration', [{ Value: ms }]),
  ])
}

const UNITS = ['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'] as const
const NEARLY_WHOLE = [
  '-1999ms',
  '1999ms',
  '-1ms',
  '-59s999ms',
  '59m59s999ms',
  '-23h59m',
  '-1d1ms',
  '9007199254740991ms',
  '9223372036854775807ms',
  '-9223372036854775808ms',
] as const

function durations(random: Random): Expr {
  const text = random.once(2) ? random.pick(NEARLY_WHOLE) : extensionText(random, 'duration')
  const left = call('duration', [{ Value: text }])
  const right = made(random, 'duration')
  const amount = call(random.pick(UNITS), [left])
  return pickOf(random, [
    { '==': { left, right } },
    { '<': { left, right } },
    { '>=': { left, right } },
    { '==': { left: amount, right: { Value: random.pick([-2, -1, 0, 1, 9_007_199_254_740]) } } },
    { '>': { left: amount, right: { Value: safeLong(random) } } },
    { '<': { left: amount, right: call(random.pick(UNITS), [right]) } },
  ])
}

/** Up to the last number there is, and over. */
function sums(random: Random): Expr {
  const left = expression(random, 'long', 2)
  const sides = { left, right: { Value: random.pick([0, 1, -1, 2, 1_024]) } }
  const right = pickOf(random, [
    { '+': sides },
    { '-': sides },
    { '*': sides },
    { neg: { arg: left } },
  ])
  return pickOf(random, [
    { '<': { left, right } },
    { '==': { left, right } },
    { '>=': { left, right } },
  ])
}

/** What counts is whether the second side is looked at, and what of it. */
function logic(random: Random): Expr {
  const left = expression(random, random.once(4) ? typeName(random) : 'bool', 1)
  const right: Expr = random.once(2)
    ? { Value: random.pick(MEMBERS) }
    : expression(random, 'bool', 1)
  const sides = { left, right }
  return pickOf(random, [
    { '&&': sides },
    { '||': sides },
    { '!': { arg: right } },
    { '==': { left: { '&&': sides }, right } },
    { '==': { left: { '||': sides }, right } },
    { '||': { left: { '!': { arg: left } }, right } },
    {
      'if-then-else': {
        if: left,
        // oxlint-disable-next-line unicorn/no-thenable -- Cedar's own name, and nobody awaits it
        then: right,
        else: { Value: true },
      },
    },
  ])
}

function membership(random: Random): Expr {
  const entity: Expr = random.once(2)
    ? { Value: { __entity: uid(random) } }
    : { Var: random.pick(['principal', 'action', 'resource'] as const) }
  const others: Expr[] = Array.from({ length: random.below(4) }, () => ({
    Value: random.once(9) ? random.pick(MEMBERS) : { __entity: uid(random) },
  }))
  if (random.once(2)) others.unshift(entity)
  const right: Expr = random.once(2) ? { Set: others } : (others[0] ?? entity)
  const tag: Expr = {
    Value: random.once(9) ? 1 : random.pick(['a', 'b', '__proto__', text(random)]),
  }
  return pickOf(random, [
    { in: { left: entity, right } },
    { in: { left: entity, right } },
    { '==': { left: entity, right } },
    { is: { left: entity, entity_type: uid(random).type, in: right } },
    { hasTag: { left: entity, right: tag } },
    { '==': { left: { getTag: { left: entity, right: tag } }, right: { Value: 'a' } } },
    { has: { left: entity, attr: ['facts', 'n'] } },
    { isEmpty: { arg: right } },
  ])
}

function pickOf(random: Random, from: readonly [Expr, ...Expr[]]): Expr {
  return random.pick(from)
}

const PROBES: readonly [Probe, ...Probe[]] = [
  like,
  like,
  sets,
  sets,
  equals,
  records,
  addresses,
  addresses,
  decimals,
  moments,
  moments,
  durations,
  sums,
  sums,
  logic,
  logic,
  membership,
  membership,
]
