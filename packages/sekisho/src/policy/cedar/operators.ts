import type { BinaryOperator, UnaryOperator } from '../../wire/cedar-words.ts'
import type { Environment } from './code.ts'
import { Datetime, Duration } from './datetime.ts'
import {
  addLongs,
  type CedarLong,
  isLong,
  multiplyLongs,
  negateLong,
  subtractLongs,
} from './long.ts'
import { CedarSet, isEqual } from './set.ts'
import { operandFault } from './type-fault.ts'
import { type CedarValue, EntityRef, Fault, type Outcome } from './value.ts'

/** Operators whose operands are both evaluated, whatever the first one is. */
export type StrictOperator = Exclude<BinaryOperator, '&&' | '||'>
export type Apply = (left: CedarValue, right: CedarValue, environment: Environment) => Outcome

const OVERFLOW = new Fault('integer overflow')
const NO_ENTITY = new Fault('the entity whose tag is read is not known')
const NO_TAG = new Fault('the entity does not have the tag')

export const STRICT: Readonly<Record<StrictOperator, Apply>> = {
  '==': isEqual,
  '!=': (left, right) => !isEqual(left, right),
  '<': comparison((left, right) => left < right),
  '<=': comparison((left, right) => left <= right),
  '>': comparison((left, right) => left > right),
  '>=': comparison((left, right) => left >= right),
  '+': arithmetic(addLongs),
  '-': arithmetic(subtractLongs),
  '*': arithmetic(multiplyLongs),
  contains: (set, value) => (set instanceof CedarSet ? set.has(value) : operandFault(set, 'set')),
  containsAll: sets((left, right) => left.hasAll(right)),
  containsAny: sets((left, right) => left.hasAny(right)),
  in: isIn,
  hasTag,
  getTag,
}

export const UNARY: Readonly<Record<UnaryOperator, (value: Outcome) => Outcome>> = {
  '!': (value) => (typeof value === 'boolean' ? !value : operandFault(value, 'bool')),
  neg: (value) => (isLong(value) ? (negateLong(value) ?? OVERFLOW) : operandFault(value, 'long')),
  isEmpty: (value) => (value instanceof CedarSet ? value.size === 0 : operandFault(value, 'set')),
}

/** Longs, datetimes and durations have an order, each among themselves. */
function comparison(test: (left: CedarLong, right: CedarLong) => boolean): Apply {
  return (left, right) => {
    if (isLong(left)) return isLong(right) ? test(left, right) : operandFault(right, 'long')
    if (left instanceof Datetime) {
      if (right instanceof Datetime) return test(left.epochMs, right.epochMs)
      return operandFault(right, 'datetime')
    }
    if (!(left instanceof Duration)) return operandFault(left, 'long, datetime or duration')
    return right instanceof Duration ? test(left.ms, right.ms) : operandFault(right, 'duration')
  }
}

function arithmetic(apply: (left: CedarLong, right: CedarLong) => CedarLong | null): Apply {
  return (left, right) => {
    if (!isLong(left)) return operandFault(left, 'long')
    if (!isLong(right)) return operandFault(right, 'long')
    return apply(left, right) ?? OVERFLOW
  }
}

function sets(test: (left: CedarSet, right: CedarSet) => boolean): Apply {
  return (left, right) => {
    if (!(left instanceof CedarSet)) return operandFault(left, 'set')
    return right instanceof CedarSet ? test(left, right) : operandFault(right, 'set')
  }
}

/** Of a set every member has to be an entity, also one after the first that matches. */
export function isIn(left: CedarValue, right: CedarValue, { entities }: Environment): Outcome {
  if (!(left instanceof EntityRef)) return operandFault(left, 'entity')
  if (right instanceof EntityRef) return entities.isIn(left, right)
  if (!(right instanceof CedarSet)) return operandFault(right, 'set or entity')
  let found = false
  for (const member of right) {
    if (!(member instanceof EntityRef)) return operandFault(member, 'entity')
    found ||= entities.isIn(left, member)
  }
  return found
}

function hasTag(left: CedarValue, right: CedarValue, { entities }: Environment): Outcome {
  if (!(left instanceof EntityRef)) return operandFault(left, 'entity')
  if (typeof right !== 'string') return operandFault(right, 'string')
  return entities.tags(left)?.has(right) ?? false
}

function getTag(left: CedarValue, right: CedarValue, { entities }: Environment): Outcome {
  if (!(left instanceof EntityRef)) return operandFault(left, 'entity')
  if (typeof right !== 'string') return operandFault(right, 'string')
  const tags = entities.tags(left)
  return tags === undefined ? NO_ENTITY : (tags.get(right) ?? NO_TAG)
}
