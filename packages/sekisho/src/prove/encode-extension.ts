import { readDatetime, readDuration } from '../policy/cedar/datetime.ts'
import { readDecimal } from '../policy/cedar/decimal.ts'
import type { ExtensionFunction } from '../wire/cedar-words.ts'
import { divideTowardsZero, within64Bits } from './encode-arithmetic.ts'
import {
  FAILURE,
  type Result,
  type ScalarKind,
  succeed,
  type Symbolic,
  truth,
  Unencodable,
} from './symbolic.ts'
import { arithmetic, atMost, int, less, type Term } from './term.ts'

const DAY_MS = 86_400_000

/**
 * A function of Cedar's extensions over values that are there: times and decimals are numbers.
 *
 * @throws Unencodable for addresses, and for a time that is made of a text which is not constant
 */
export function callExtension(name: ExtensionFunction, args: readonly Symbolic[]): Result {
  if (args.some(({ kind }) => kind === 'choice' || kind === 'unknown')) {
    throw new Unencodable(`${name} of a value that is chosen or not encoded`)
  }
  const [a, b] = args
  if (a === undefined) return FAILURE
  const construct = CONSTRUCTORS.get(name)
  if (construct !== undefined) return construct(a)
  const method = METHODS.get(name)
  if (method === undefined) throw new Unencodable(`${name}, a function of addresses`)
  return method(a, b)
}

type Read = (text: string) => bigint | number | undefined

const CONSTRUCTORS: ReadonlyMap<string, (text: Symbolic) => Result> = new Map([
  ['datetime', constructor('datetime', (text) => readDatetime(text)?.epochMs)],
  ['duration', constructor('duration', (text) => readDuration(text)?.ms)],
  ['decimal', constructor('decimal', (text) => readDecimal(text)?.tenThousandths)],
])

function constructor(kind: ScalarKind, read: Read): (text: Symbolic) => Result {
  return (text) => {
    if (text.kind !== 'string') return FAILURE
    if (text.term.kind !== 'string') throw new Unencodable(`${kind} of a text that is not constant`)
    const value = read(text.term.value)
    return value === undefined ? FAILURE : succeed({ kind, term: int(value) })
  }
}

type Method = (self: Symbolic, argument: Symbolic | undefined) => Result

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['lessThan', onDecimals((a, b) => less(a, b))],
  ['lessThanOrEqual', onDecimals((a, b) => atMost(a, b))],
  ['greaterThan', onDecimals((a, b) => less(b, a))],
  ['greaterThanOrEqual', onDecimals((a, b) => atMost(b, a))],
  [
    'offset',
    on(['datetime', 'duration'], (a, b) => within64Bits('datetime', arithmetic('+', a, b))),
  ],
  [
    'durationSince',
    on(['datetime', 'datetime'], (a, b) => within64Bits('duration', arithmetic('-', a, b))),
  ],
  [
    'toDate',
    on(['datetime'], (a) =>
      within64Bits('datetime', arithmetic('-', a, arithmetic('mod', a, int(DAY_MS)))),
    ),
  ],
  [
    'toTime',
    on(['datetime'], (a) => succeed({ kind: 'duration', term: arithmetic('mod', a, int(DAY_MS)) })),
  ],
  ['toMilliseconds', inUnits(1)],
  ['toSeconds', inUnits(1000)],
  ['toMinutes', inUnits(60_000)],
  ['toHours', inUnits(3_600_000)],
  ['toDays', inUnits(DAY_MS)],
])

function onDecimals(compare: (a: Term, b: Term) => Term): Method {
  return on(['decimal', 'decimal'], (a, b) => truth(compare(a, b)))
}

function inUnits(unitMs: number): Method {
  return on(['duration'], (a) => succeed({ kind: 'long', term: divideTowardsZero(a, unitMs) }))
}

/** A method that takes exactly these kinds and fails for all others. */
function on(
  [self, other]: readonly [ScalarKind, ScalarKind?],
  calculate: (a: Term, b: Term) => Result,
): Method {
  return (a, b) => {
    if (!('term' in a) || a.kind !== self) return FAILURE
    if (other === undefined) return b === undefined ? calculate(a.term, a.term) : FAILURE
    return b !== undefined && 'term' in b && b.kind === other ? calculate(a.term, b.term) : FAILURE
  }
}
