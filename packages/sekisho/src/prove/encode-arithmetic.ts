import { FAILURE, type Result, type ScalarKind, type Symbolic, truth } from './symbolic.ts'
import { arithmetic, atMost, ifThenElse, int, less, not, type Term, and } from './term.ts'

const LONG_MIN = int(-(2n ** 63n))
const LONG_MAX = int(2n ** 63n - 1n)

const ORDERED: ReadonlySet<string> = new Set(['long', 'datetime', 'duration'])

/** Longs, datetimes and durations, each with its own kind; anything else fails. */
export function compareNumbers(
  operator: '<' | '<=' | '>' | '>=',
  a: Symbolic,
  b: Symbolic,
): Result {
  if (!('term' in a) || !('term' in b) || a.kind !== b.kind || !ORDERED.has(a.kind)) return FAILURE
  switch (operator) {
    case '<':
      return truth(less(a.term, b.term))
    case '<=':
      return truth(atMost(a.term, b.term))
    case '>':
      return truth(less(b.term, a.term))
    case '>=':
      return truth(atMost(b.term, a.term))
  }
}

export function addLongs(a: Term, b: Term): Result {
  return within64Bits('long', arithmetic('+', a, b))
}

export function subtractLongs(a: Term, b: Term): Result {
  return within64Bits('long', arithmetic('-', a, b))
}

export function multiplyLongs(a: Term, b: Term): Result {
  return within64Bits('long', arithmetic('*', a, b))
}

export function negateLong(value: Term): Result {
  return within64Bits('long', arithmetic('-', int(0), value))
}

/** What does not fit in 64 bits is an error in Cedar. */
export function within64Bits(kind: ScalarKind, term: Term): Result {
  const fits = and(atMost(LONG_MIN, term), atMost(term, LONG_MAX))
  return { value: { kind, term }, fails: not(fits) }
}

/** The quotient without its fraction, so towards zero. */
export function divideTowardsZero(value: Term, by: number): Term {
  const negated = arithmetic('-', int(0), value)
  const ofNegated = arithmetic('-', int(0), arithmetic('div', negated, int(by)))
  return ifThenElse(less(value, int(0)), ofNegated, arithmetic('div', value, int(by)))
}
