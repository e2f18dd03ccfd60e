import { Datetime, Duration } from '../policy/cedar/datetime.ts'
import { Decimal } from '../policy/cedar/decimal.ts'
import { isLong } from '../policy/cedar/long.ts'
import { CedarSet } from '../policy/cedar/set.ts'
import { type CedarValue, EntityRef, isRecord } from '../policy/cedar/value.ts'
import type { Symbolic, SymbolicEntity } from './symbolic.ts'
import { bool, int, string, TRUE } from './term.ts'

/** A value that is known, among those that are not. */
export function symbolicOf(value: CedarValue): Symbolic {
  if (typeof value === 'boolean') return { kind: 'bool', term: bool(value) }
  if (typeof value === 'string') return { kind: 'string', term: string(value) }
  if (isLong(value)) return { kind: 'long', term: int(value) }
  if (value instanceof EntityRef) return namedEntity(value.type, value.id)
  if (value instanceof CedarSet) {
    return { kind: 'set', set: { kind: 'literal', elements: [...value].map(symbolicOf) } }
  }
  if (isRecord(value)) {
    return recordOf([...value].map(([name, field]) => [name, symbolicOf(field)]))
  }
  if (value instanceof Decimal) return { kind: 'decimal', term: int(value.tenThousandths) }
  if (value instanceof Datetime) return { kind: 'datetime', term: int(value.epochMs) }
  if (value instanceof Duration) return { kind: 'duration', term: int(value.ms) }
  return { kind: 'unknown', name: 'an address' }
}

/** A record that has all of its fields. */
export function recordOf(entries: readonly (readonly [string, Symbolic | undefined])[]): Symbolic {
  const fields = new Map(entries)
  const field = (name: string): { present: typeof TRUE; value: Symbolic } | undefined => {
    const value = fields.get(name)
    return value === undefined ? undefined : { present: TRUE, value }
  }
  return { kind: 'record', record: { names: [...fields.keys()], field } }
}

/** An entity that a policy names. */
export function namedEntity(type: string, id: string): SymbolicEntity {
  return { kind: 'entity', type, id: string(id), place: `${type}::${JSON.stringify(id)}` }
}
