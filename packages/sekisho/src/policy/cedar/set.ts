import { Datetime, Duration } from './datetime.ts'
import { Decimal } from './decimal.ts'
import {
  type CedarRecord,
  type CedarValue,
  EntityRef,
  type ExtensionValue,
  isRecord,
  isSameUid,
} from './value.ts'

type Plain = boolean | string | number | bigint

/** Of the many sets of nothing but plain values; never written to. */
const NONE = new Map<string, CedarValue>()

/** A set of values; what is in it is found by its key, so no operation compares pairs. */
export class CedarSet {
  readonly #plain = new Set<Plain>()
  #composed = NONE

  constructor(items: Iterable<CedarValue>) {
    for (const item of items) {
      if (isPlain(item)) this.#plain.add(item)
      else this.#add(item)
    }
  }

  #add(item: CedarValue): void {
    if (this.#composed === NONE) this.#composed = new Map()
    this.#composed.set(keyOf(item), item)
  }

  get size(): number {
    return this.#plain.size + this.#composed.size
  }

  has(value: CedarValue): boolean {
    return isPlain(value) ? this.#plain.has(value) : this.#composed.has(keyOf(value))
  }

  hasAll(other: CedarSet): boolean {
    if (other.size > this.size) return false
    for (const item of other.#plain) if (!this.#plain.has(item)) return false
    for (const key of other.#composed.keys()) if (!this.#composed.has(key)) return false
    return true
  }

  hasAny(other: CedarSet): boolean {
    if (other.size > this.size) return other.hasAny(this)
    for (const item of other.#plain) if (this.#plain.has(item)) return true
    for (const key of other.#composed.keys()) if (this.#composed.has(key)) return true
    return false
  }

  *[Symbol.iterator](): Generator<CedarValue> {
    yield* this.#plain
    yield* this.#composed.values()
  }
}

function isPlain(value: CedarValue): value is Plain {
  return typeof value !== 'object'
}

/** Cedar's `==`: values of two types are never equal, and asking is no error. */
export function isEqual(left: CedarValue, right: CedarValue): boolean {
  if (left === right) return true
  return typeof left === 'object' && typeof right === 'object' && areEqualObjects(left, right)
}

type Composed = Extract<CedarValue, object>

function areEqualObjects(left: Composed, right: Composed): boolean {
  if (left instanceof EntityRef) return right instanceof EntityRef && isSameUid(left, right)
  if (isRecord(left)) return isRecord(right) && areEqualRecords(left, right)
  if (left instanceof CedarSet) return right instanceof CedarSet && areEqualSets(left, right)
  return isExtension(right) && keyOfExtension(left) === keyOfExtension(right)
}

function areEqualSets(left: CedarSet, right: CedarSet): boolean {
  return left.size === right.size && left.hasAll(right)
}

function areEqualRecords(left: CedarRecord, right: CedarRecord): boolean {
  if (left.size !== right.size) return false
  for (const [name, value] of left) {
    const other = right.get(name)
    if (other === undefined || !isEqual(value, other)) return false
  }
  return true
}

/**
 * One text for each value: two values are equal when their texts are. Texts within are written with
 * their length, so nothing is escaped and nesting does not multiply.
 */
export function keyOf(value: CedarValue): string {
  if (typeof value === 'string') return textKey(value)
  if (typeof value !== 'object') return `${typeof value === 'boolean' ? 'b' : 'l'}${value};`
  if (value instanceof EntityRef) return `e${textKey(value.type)}${textKey(value.id)}`
  if (isRecord(value)) return `r${value.size}(${[...recordKeys(value)].sort().join('')})`
  if (value instanceof CedarSet) {
    return `s${value.size}(${Array.from(value, keyOf).sort().join('')})`
  }
  return keyOfExtension(value)
}

function* recordKeys(record: CedarRecord): Generator<string> {
  for (const [name, value] of record) yield `${textKey(name)}${keyOf(value)}`
}

function textKey(text: string): string {
  return `t${text.length}:${text}`
}

function keyOfExtension(value: ExtensionValue): string {
  if (value instanceof Decimal) return `d${value.tenThousandths};`
  if (value instanceof Datetime) return `z${value.epochMs};`
  if (value instanceof Duration) return `u${value.ms};`
  return `i${value.version}.${value.address}/${value.prefix};`
}

function isExtension(value: CedarValue): value is ExtensionValue {
  return (
    typeof value === 'object' &&
    !(value instanceof EntityRef || value instanceof CedarSet || isRecord(value))
  )
}
