import * as z from 'zod'

type Schema = Readonly<Record<string, unknown>>

/** Samples of a schema in which each of its fields, and each of its alternatives, stands once. */
export function samplesOf(schema: z.ZodType): unknown[] {
  return samples(isSchema(z.toJSONSchema(schema, { io: 'input' })))
}

/** Where every field of a schema is, as `action.host` or `sources.*.kind`. */
export function fieldsOf(schema: z.ZodType): string[] {
  return [...new Set(fields(isSchema(z.toJSONSchema(schema, { io: 'input' })), ''))].sort()
}

function isSchema(value: unknown): Schema {
  if (typeof value !== 'object' || value === null) throw new TypeError('not a schema')
  return Object.fromEntries(Object.entries(value))
}

function alternativesOf(schema: Schema): Schema[] {
  const { type } = schema
  if (Array.isArray(type)) return type.map((one: unknown) => ({ ...schema, type: one }))
  const given = schema['oneOf'] ?? schema['anyOf']
  return Array.isArray(given) ? given.map(isSchema) : []
}

function propertiesOf(schema: Schema): [string, Schema][] {
  const given = schema['properties']
  if (typeof given !== 'object' || given === null) return []
  return Object.entries(given).map(([name, value]) => [name, isSchema(value)])
}

function samples(schema: Schema): unknown[] {
  if ('$ref' in schema) throw new TypeError('a schema that refers to another')
  const alternatives = alternativesOf(schema)
  if (alternatives.length > 0) return alternatives.flatMap(samples)
  if ('const' in schema) return [schema['const']]
  if (Array.isArray(schema['enum'])) return [schema['enum'][0]]
  if (schema['type'] === 'object') return objects(schema)
  if (schema['type'] === 'array') return [samples(isSchema(schema['items']))]
  return [scalar(schema)]
}

function scalar({ type, minimum }: Schema): unknown {
  if (type === 'integer' || type === 'number') {
    return typeof minimum === 'number' && minimum > 0 ? minimum : 1
  }
  if (type === 'boolean') return true
  if (type === 'null') return null
  if (type === 'string') return 'text'
  throw new TypeError(`a schema of no known kind: ${String(type)}`)
}

/** As many as the field with the most alternatives has; shorter lists begin again. */
function objects(schema: Schema): object[] {
  const extra = schema['additionalProperties']
  const isRecord = typeof extra === 'object' && extra !== null
  const properties = isRecord ? [['name', isSchema(extra)] as const] : propertiesOf(schema)
  const choices = properties.map(([name, inner]) => [name, samples(inner)] as const)
  const count = Math.max(1, ...choices.map(([, list]) => list.length))
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(choices.map(([name, list]) => [name, list[i % list.length]])),
  )
}

function fields(schema: Schema, path: string): string[] {
  const inner = alternativesOf(schema).flatMap((one) => fields(one, path))
  if (schema['type'] === 'array')
    return [...inner, ...fields(isSchema(schema['items']), `${path}*.`)]
  const own = propertiesOf(schema).flatMap(([name, value]) => [
    `${path}${name}`,
    ...fields(value, `${path}${name}.`),
  ])
  return [...inner, ...own]
}
