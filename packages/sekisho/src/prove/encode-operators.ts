import type { CedarNode } from '../wire/cedar-node.ts'
import type { BinaryOperator, UnaryOperator } from '../wire/cedar-words.ts'
import {
  addLongs,
  compareNumbers,
  multiplyLongs,
  negateLong,
  subtractLongs,
} from './encode-arithmetic.ts'
import { sameValue } from './same.ts'
import type { Scene } from './scene.ts'
import {
  FAILURE,
  type Result,
  type Symbolic,
  type SymbolicEntity,
  truth,
  Unencodable,
} from './symbolic.ts'
import { bool, not, or, type Term } from './term.ts'
import type { World } from './world.ts'

/** A node whose value is true or false, so that a guess can stand for it. */
export function isPredicate(node: CedarNode): boolean {
  if (node.kind === 'binary') return !NOT_PREDICATES.has(node.operator)
  if (node.kind === 'unary') return node.operator !== 'neg'
  if (node.kind === 'call') return /^(?:is|less|greater)/.test(node.function)
  return node.kind === 'has' || node.kind === 'like' || node.kind === 'is'
}

const NOT_PREDICATES: ReadonlySet<string> = new Set(['+', '-', '*', 'getTag'])

export function unary(operator: UnaryOperator, value: Symbolic, world: World): Result {
  if (value.kind === 'unknown') throw new Unencodable(`${operator} of ${value.name}`)
  switch (operator) {
    case '!':
      return value.kind === 'bool' ? truth(not(value.term)) : FAILURE
    case 'neg':
      return value.kind === 'long' ? negateLong(value.term) : FAILURE
    case 'isEmpty':
      return value.kind === 'set' ? truth(world.sets.isEmpty(value.set)) : FAILURE
  }
}

type Operands = { a: Symbolic; b: Symbolic; scene: Scene }

/** Other than those that decide by their left side, and equality. */
export function binary(operator: BinaryOperator, operands: Operands): Result {
  const { a, b } = operands
  if (a.kind === 'unknown' || b.kind === 'unknown') {
    throw new Unencodable(`${operator} of a value of such a type`)
  }
  const encode = BINARY.get(operator)
  if (encode === undefined) throw new Unencodable(`${operator}, which is about tags`)
  return encode(operands)
}

const BINARY: ReadonlyMap<BinaryOperator, (operands: Operands) => Result> = new Map<
  BinaryOperator,
  (operands: Operands) => Result
>([
  ['in', ({ a, b, scene }) => (a.kind === 'entity' ? isIn(a, b, scene) : FAILURE)],
  ['<', ({ a, b }) => compareNumbers('<', a, b)],
  ['<=', ({ a, b }) => compareNumbers('<=', a, b)],
  ['>', ({ a, b }) => compareNumbers('>', a, b)],
  ['>=', ({ a, b }) => compareNumbers('>=', a, b)],
  ['contains', ({ a, b, scene }) => contains(a, b, scene)],
  ['containsAll', (operands) => containsMany('containsAll', operands)],
  ['containsAny', (operands) => containsMany('containsAny', operands)],
  ['+', onLongs(addLongs)],
  ['-', onLongs(subtractLongs)],
  ['*', onLongs(multiplyLongs)],
])

function contains(set: Symbolic, element: Symbolic, { world }: Scene): Result {
  return set.kind === 'set' ? truth(world.sets.contains(set.set, element)) : FAILURE
}

function containsMany(operator: 'containsAll' | 'containsAny', { a, b, scene }: Operands): Result {
  if (a.kind !== 'set' || b.kind !== 'set') return FAILURE
  const { sets } = scene.world
  return truth(
    operator === 'containsAll' ? sets.isSubset(b.set, a.set) : sets.overlaps(a.set, b.set),
  )
}

function onLongs(calculate: (a: Term, b: Term) => Result): (operands: Operands) => Result {
  return ({ a, b }) =>
    a.kind === 'long' && b.kind === 'long' ? calculate(a.term, b.term) : FAILURE
}

export function isIn(inner: SymbolicEntity, outer: Symbolic, scene: Scene): Result {
  if (outer.kind === 'entity') return truth(isInEntity(inner, outer, scene))
  if (outer.kind !== 'set') return FAILURE
  if (outer.set.kind === 'symbol') throw new Unencodable('`in` a set that the request brings')
  const { elements } = outer.set
  if (elements.some((element) => element.kind === 'choice')) throw new Unencodable('`in` a choice')
  const containers = elements.filter((element) => element.kind === 'entity')
  if (containers.length < elements.length) return FAILURE
  return truth(or(...containers.map((container) => isInEntity(inner, container, scene))))
}

/** Cedar's `in` for two entities; of actions the schema says it, of others the request. */
export function isInEntity(inner: SymbolicEntity, outer: SymbolicEntity, scene: Scene): Term {
  if (inner.id.kind === 'string') {
    const action = scene.types.actions.get(inner.id.value)
    if (action?.type === inner.type) {
      const isAbove = outer.id.kind === 'string' && action.ancestors.has(outer.id.value)
      return or(
        sameValue(inner, outer, scene.world.sets),
        bool(isAbove && outer.type === inner.type),
      )
    }
  }
  return scene.world.entities.isIn(inner, outer)
}
