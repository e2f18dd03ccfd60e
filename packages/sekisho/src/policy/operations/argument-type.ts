import { printable } from '../problem.ts'
import type { Json } from '../../core/facts.ts'
import type { LinearPattern } from './linear-pattern.ts'
import { MAX_DECIMAL } from './strict-json.ts'
import { type Format, FORMATS } from './text-format.ts'

/** What an argument may be: a schema after it has been read. Nests no deeper than its reader lets it. */
export type ArgumentType =
  | ObjectType
  | { kind: 'array'; items: ArgumentType; minItems: number; maxItems: number }
  | TextType
  | { kind: 'integer'; minimum: number; maximum: number; allowed: ReadonlySet<Json> | null }
  | DecimalType
  | { kind: 'boolean'; allowed: ReadonlySet<Json> | null }

export type ObjectType = {
  kind: 'object'
  members: ReadonlyMap<string, { type: ArgumentType; isRequired: boolean }>
}
export type TextType = {
  kind: 'string'
  /** in code points */
  minLength: number
  maxLength: number
  pattern: LinearPattern | null
  format: Format | null
  allowed: ReadonlySet<Json> | null
}
export type DecimalType = {
  kind: 'decimal'
  minimum: number
  maximum: number
  /** what it is a multiple of, in ten-thousandths: 100 for a hundredth */
  tenThousandths: number
  allowed: ReadonlySet<Json> | null
}

/**
 * What is wrong with a value, and where; undefined where nothing is. Names places and never quotes
 * a value: it goes into the log, and an argument may be what nobody may read there.
 */
export function explainMismatch(
  type: ArgumentType,
  value: Json | undefined,
  at: string,
): string | undefined {
  switch (type.kind) {
    case 'object':
      return explainObject(type, value, at)
    case 'array':
      return explainArray(type, value, at)
    case 'string':
      return explainText(type, value, at)
    case 'boolean':
      return typeof value === 'boolean'
        ? explainChoice(type, value, at)
        : `${at} is not true or false`
    case 'integer':
    case 'decimal':
      return explainNumber(type, value, at)
  }
}

/** @returns the value in ten-thousandths; undefined for one that is not exact in them */
export function inTenThousandths(value: number): number | undefined {
  const scaled = Math.round(value * 10_000)
  return Math.abs(value) <= MAX_DECIMAL && scaled / 10_000 === value ? scaled : undefined
}

function isMultiple(value: number, { tenThousandths }: DecimalType): boolean {
  const scaled = inTenThousandths(value)
  return scaled !== undefined && scaled % tenThousandths === 0
}

function explainObject(type: ObjectType, value: Json | undefined, at: string): string | undefined {
  const members = membersOf(value)
  if (members === undefined) return `${at === '' ? 'the whole' : at} is no object`
  const unknown = Object.keys(members).find((name) => !type.members.has(name))
  if (unknown !== undefined) {
    return `${below(at, printable(unknown, 64))} is no argument that the operation has`
  }
  for (const [name, { type: inner, isRequired }] of type.members) {
    const place = below(at, name)
    const isThere = Object.hasOwn(members, name)
    if (!isThere && isRequired) return `${place} is missing`
    const problem = isThere ? explainMismatch(inner, members[name], place) : undefined
    if (problem !== undefined) return problem
  }
  return undefined
}

/** undefined for what is no object */
export function membersOf(value: Json | undefined): { readonly [name: string]: Json } | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? value : undefined
}

function explainArray(
  { items, minItems, maxItems }: Extract<ArgumentType, { kind: 'array' }>,
  value: Json | undefined,
  at: string,
): string | undefined {
  if (!Array.isArray(value)) return `${at} is no list`
  if (value.length < minItems || value.length > maxItems) {
    return `${at} has ${value.length} entries, not ${minItems} to ${maxItems}`
  }
  for (const [index, item] of value.entries()) {
    const problem = explainMismatch(items, item, `${at}[${index}]`)
    if (problem !== undefined) return problem
  }
  return undefined
}

function explainText(type: TextType, value: Json | undefined, at: string): string | undefined {
  if (typeof value !== 'string') return `${at} is no text`
  const { minLength, maxLength, pattern, format } = type
  // a text has at most as many code points as units, and at least half as many
  const length = value.length > 2 * maxLength ? value.length : countPoints(value)
  if (length < minLength || length > maxLength) return `${at} is too short or too long`
  if (format !== null && !FORMATS[format](value)) return `${at} is not in the format ${format}`
  if (pattern?.test(value) === false) return `${at} does not match ${pattern.source}`
  return explainChoice(type, value, at)
}

function explainNumber(
  type: Extract<ArgumentType, { kind: 'integer' | 'decimal' }>,
  value: Json | undefined,
  at: string,
): string | undefined {
  if (typeof value !== 'number') return `${at} is no number`
  if (type.kind === 'integer' ? !Number.isSafeInteger(value) : !isMultiple(value, type)) {
    return `${at} is not as exact as its type`
  }
  const { minimum, maximum } = type
  if (value < minimum || value > maximum) return `${at} is not within ${minimum} to ${maximum}`
  return explainChoice(type, value, at)
}

function explainChoice(
  { allowed }: { allowed: ReadonlySet<Json> | null },
  value: Json,
  at: string,
): string | undefined {
  return allowed === null || allowed.has(value)
    ? undefined
    : `${at} is none of its ${allowed.size} values`
}

function countPoints(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

function below(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`
}
