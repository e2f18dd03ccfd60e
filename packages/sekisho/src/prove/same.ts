import type { SetWorld } from './set-world.ts'
import { type Symbolic, type SymbolicRecord, Unencodable } from './symbolic.ts'
import { and, equal, FALSE, ifThenElse, implies, type Term } from './term.ts'

/**
 * Cedar's `==`: never fails, and false for values of different kinds.
 *
 * @throws Unencodable where a value is of a type that is not encoded
 */
export function sameValue(a: Symbolic, b: Symbolic, sets: SetWorld): Term {
  if (a.kind === 'choice') {
    return ifThenElse(a.when, sameValue(a.yes, b, sets), sameValue(a.no, b, sets))
  }
  if (b.kind === 'choice') return sameValue(b, a, sets)
  if (a.kind === 'unknown' || b.kind === 'unknown') throw new Unencodable('== of such a type')
  if (a.kind === 'set' && b.kind === 'set') return sets.equals(a.set, b.set)
  if (a.kind === 'record' && b.kind === 'record') return sameRecord(a.record, b.record, sets)
  return sameAtom(a, b)
}

function sameAtom(a: Symbolic, b: Symbolic): Term {
  if (a.kind === 'entity' && b.kind === 'entity') {
    return a.type === b.type ? equal(a.id, b.id) : FALSE
  }
  const isSameKind = a.kind === b.kind && 'term' in a && 'term' in b
  return isSameKind ? equal(a.term, b.term) : FALSE
}

function sameRecord(a: SymbolicRecord, b: SymbolicRecord, sets: SetWorld): Term {
  const names = new Set([...a.names, ...b.names])
  return and(
    ...[...names].map((name) => {
      const [left, right] = [a.field(name), b.field(name)]
      const [isLeft, isRight] = [left?.present ?? FALSE, right?.present ?? FALSE]
      const agree = equal(isLeft, isRight)
      if (left === undefined || right === undefined || agree === FALSE) return agree
      return and(agree, implies(isLeft, sameValue(left.value, right.value, sets)))
    }),
  )
}
