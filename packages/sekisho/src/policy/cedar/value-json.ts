import { functionNamed } from './functions.ts'
import { longOf } from './long.ts'
import { CedarSet } from './set.ts'
import { type CedarRecord, type CedarValue, EntityRef, Fault, type Outcome } from './value.ts'

/** What `CedarValueJson` of the wire is, and Longs beyond the safe integers as bigints. */
export type CedarJson = boolean | number | bigint | string | readonly CedarJson[] | CedarJsonRecord
export type CedarJsonRecord = { readonly [key: string]: CedarJson }

/** More than any policy has; what is decided about may nest as deep as its sender likes. */
const MAX_NESTING = 256

const TOO_DEEP = new Fault(`a value nests at most ${MAX_NESTING} deep`)
const NOT_A_VALUE = new Fault('a value that Cedar does not have')

/**
 * A value from its JSON form, with the escapes `__entity` and `__extn`.
 *
 * @returns a fault for null, fractions, and an extension's constructor that refuses its text
 */
export function valueOfJson(json: CedarJson, depth = 0): Outcome {
  if (typeof json === 'string' || typeof json === 'boolean') return json
  if (typeof json === 'number') return Number.isSafeInteger(json) ? json + 0 : NOT_A_VALUE
  if (typeof json === 'bigint') return longOf(json) ?? NOT_A_VALUE
  return depth > MAX_NESTING ? TOO_DEEP : composedOfJson(json, depth)
}

function composedOfJson(json: CedarJson, depth: number): Outcome {
  if (isList(json)) return setOfJson(json, depth)
  return isObject(json) ? (escapedOfJson(json, depth) ?? recordOfJson(json, depth)) : NOT_A_VALUE
}

/** A record from its JSON form, for a context or for attributes. Here no key is an escape. */
export function recordOfJson(json: CedarJsonRecord, depth = 0): CedarRecord | Fault {
  const record = new Map<string, CedarValue>()
  for (const [name, member] of Object.entries(json)) {
    const value = valueOfJson(member, depth + 1)
    if (value instanceof Fault) return value
    record.set(name, value)
  }
  return record
}

function setOfJson(items: readonly CedarJson[], depth: number): CedarSet | Fault {
  const values = valuesOfJson(items, depth)
  return values instanceof Fault ? values : new CedarSet(values)
}

function valuesOfJson(items: readonly CedarJson[], depth: number): CedarValue[] | Fault {
  const values: CedarValue[] = []
  for (const item of items) {
    const value = valueOfJson(item, depth + 1)
    if (value instanceof Fault) return value
    values.push(value)
  }
  return values
}

/** null where it is a record: an escape is the only key there is */
function escapedOfJson(json: CedarJsonRecord, depth: number): Outcome | null {
  if (Object.keys(json).length !== 1) return null
  if (Object.hasOwn(json, '__entity')) return entityOfJson(json['__entity'])
  return Object.hasOwn(json, '__extn') ? extensionOfJson(json['__extn'], depth) : null
}

function entityOfJson(uid: CedarJson | undefined): Outcome {
  if (!isObject(uid)) return NOT_A_VALUE
  const { type, id } = uid
  return typeof type === 'string' && typeof id === 'string' ? new EntityRef(type, id) : NOT_A_VALUE
}

function extensionOfJson(call: CedarJson | undefined, depth: number): Outcome {
  if (!isObject(call) || typeof call['fn'] !== 'string') return NOT_A_VALUE
  const one = call['arg']
  const many = one === undefined ? call['args'] : [one]
  if (!isList(many)) return NOT_A_VALUE
  const args = valuesOfJson(many, depth)
  return args instanceof Fault ? args : functionNamed(call['fn'])(args)
}

function isObject(json: CedarJson | undefined): json is CedarJsonRecord {
  return typeof json === 'object' && json !== null && !isList(json)
}

function isList(json: CedarJson | undefined): json is readonly CedarJson[] {
  return Array.isArray(json)
}
