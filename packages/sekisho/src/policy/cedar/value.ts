import type { EntityUid } from '../../wire/cedar.ts'
import type { Datetime, Duration } from './datetime.ts'
import type { Decimal } from './decimal.ts'
import type { IpRange } from './ip-range.ts'
import type { CedarLong } from './long.ts'
import type { CedarSet } from './set.ts'

/** A map, not an object: `__proto__` is a key like any other. */
export type CedarRecord = ReadonlyMap<string, CedarValue>

/** Values of Cedar's extensions; each is compared by what it means. */
export type ExtensionValue = Decimal | Datetime | Duration | IpRange

export type CedarValue =
  | boolean
  | string
  | CedarLong
  | EntityRef
  | CedarSet
  | CedarRecord
  | ExtensionValue

/** An entity as a value. */
export class EntityRef implements EntityUid {
  readonly type: string
  readonly id: string

  constructor(type: string, id: string) {
    this.type = type
    this.id = id
  }
}

/** Why an expression has no value; a policy whose condition has none is skipped and reported. */
export class Fault {
  /** names nothing of the request: it goes into logs */
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

export type Outcome = CedarValue | Fault

export function isRecord(value: Outcome): value is CedarRecord {
  return value instanceof Map
}

export function isSameUid(left: EntityUid, right: EntityUid): boolean {
  return left.id === right.id && left.type === right.type
}
