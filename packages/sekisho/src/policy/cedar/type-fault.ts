import { Datetime, Duration } from './datetime.ts'
import { Decimal } from './decimal.ts'
import { CedarSet } from './set.ts'
import { EntityRef, Fault, isRecord, type Outcome } from './value.ts'

const CLASSES = [
  [CedarSet, 'set'],
  [EntityRef, 'entity'],
  [Decimal, 'decimal'],
  [Datetime, 'datetime'],
  [Duration, 'duration'],
] as const

const faults = new Map<string, Fault>()

/** The fault of an operand: its own where it has one, else that it is not of the type wanted. */
export function operandFault(operand: Outcome, wanted: string): Fault {
  if (operand instanceof Fault) return operand
  const message = `type error: expected ${wanted}, got ${typeNameOf(operand)}`
  // one for each pair of names, all of them ours, so the table does not grow with requests
  const known = faults.get(message) ?? new Fault(message)
  faults.set(message, known)
  return known
}

function typeNameOf(value: Exclude<Outcome, Fault>): string {
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (typeof value !== 'object') return 'long'
  if (isRecord(value)) return 'record'
  return CLASSES.find(([kind]) => value instanceof kind)?.[1] ?? 'ipaddr'
}
