import type { Operation } from '../../wire/operations.ts'
import type { Json } from '../../core/facts.ts'
import type { Read } from '../problem.ts'
import type { ArgumentType, ObjectType } from './argument-type.ts'
import { explainMismatch } from './argument-type.ts'
import { readStrictForm } from './strict-form.ts'
import { readStrictJson } from './strict-json.ts'

/** The parts of a request in which arguments can stand. */
export type RequestParts = {
  /** raw, without `?`; null when there is none */
  query: string | null
  /** all values of Content-Type, joined with `, `; undefined without one */
  contentType: string | undefined
  /** as it was before it was compressed */
  body: Uint8Array
}

/** Arguments of one call: they are held in memory, shown to approvers, and go into the log. */
const MAX_ARGUMENT_BYTES = 1024 * 1024

/** undefined where arguments do not stand in a body */
const BODY_TYPES: Readonly<Record<Operation['arguments'], RegExp | undefined>> = {
  json: /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i,
  form: /^application\/x-www-form-urlencoded\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i,
  query: undefined,
  none: undefined,
}

/**
 * The arguments of a call, read from the one place where they stand and as its schema has them.
 * Whatever stands in the other place would be an argument that nobody declared.
 */
export function readArguments(
  kind: Operation['arguments'],
  type: ObjectType,
  parts: RequestParts,
): Read<Json> {
  if (parts.body.byteLength > MAX_ARGUMENT_BYTES) {
    return { problem: `a body of more than ${MAX_ARGUMENT_BYTES} bytes` }
  }
  const misplaced = explainMisplaced(kind, parts)
  if (misplaced !== undefined) return { problem: misplaced }
  const read = readBy(kind, type, parts)
  if ('problem' in read) return read
  const mismatch = explainMismatch(type, read.value, '')
  return mismatch === undefined ? read : { problem: mismatch }
}

function explainMisplaced(
  kind: Operation['arguments'],
  { query, contentType = '', body }: RequestParts,
): string | undefined {
  const hasQuery = query !== null && query !== ''
  if (hasQuery && kind !== 'query') return 'a query, and its arguments do not stand there'
  const wanted = BODY_TYPES[kind]
  if (wanted === undefined) {
    return body.byteLength === 0 ? undefined : 'a body, and its arguments do not stand there'
  }
  return wanted.test(contentType) ? undefined : `the Content-Type is not that of ${kind} in UTF-8`
}

function readBy(kind: Operation['arguments'], type: ObjectType, parts: RequestParts): Read<Json> {
  switch (kind) {
    case 'json':
      return readStrictJson(parts.body)
    case 'form':
      return readFields(Buffer.from(parts.body).toString('latin1'), type)
    case 'query':
      return readFields(parts.query ?? '', type)
    case 'none':
      return { value: {} }
  }
}

function readFields(text: string, type: ObjectType): Read<Json> {
  const form = readStrictForm(text)
  if ('problem' in form) return form
  const members: [string, Json][] = []
  for (const [name, values] of form.value) {
    const inner = type.members.get(name)?.type
    // an unknown name is refused by the schema, and needs a value for that only
    const value = inner === undefined ? '' : fieldAs(inner, values)
    if (value === undefined) return { problem: `${name} stands there twice, or is not of its type` }
    members.push([name, value])
  }
  return { value: Object.fromEntries(members) }
}

function fieldAs(type: ArgumentType, values: readonly string[]): Json | undefined {
  if (type.kind === 'array') {
    const items = values.map((value) => scalarAs(type.items, value))
    return items.every((item) => item !== undefined) ? items : undefined
  }
  const [value] = values
  return values.length === 1 && value !== undefined ? scalarAs(type, value) : undefined
}

function scalarAs(type: ArgumentType, text: string): Json | undefined {
  if (type.kind === 'string') return text
  // what JSON reads as such a value, and nothing else: no sign, no space, no other spelling
  const read = /^[-\d.a-z]{1,32}$/.test(text) ? readStrictJson(Buffer.from(text)) : { problem: '' }
  return 'value' in read ? read.value : undefined
}

/** Fields are flat: what has parts of its own can be said in JSON only. */
export function isFlat({ members }: ObjectType): boolean {
  const isScalar = ({ kind }: ArgumentType): boolean => kind !== 'array' && kind !== 'object'
  return Array.from(members.values()).every(
    ({ type }) => isScalar(type) || (type.kind === 'array' && isScalar(type.items)),
  )
}
