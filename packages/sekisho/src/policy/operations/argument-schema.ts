import * as z from 'zod'
import type { Problem, Read } from '../problem.ts'
import { describePath } from '../problem.ts'
import { suggest } from '../nearest.ts'
import { type ArgumentType, inTenThousandths, type ObjectType } from './argument-type.ts'
import { type LinearPattern, readPattern } from './linear-pattern.ts'
import { MAX_DECIMAL } from './strict-json.ts'

/** Nesting of a schema, references followed; that of Cedar's types too. */
const MAX_SCHEMA_DEPTH = 32
/** Types in one schema, references written out: a reference to two references to two … grows fast. */
const MAX_SCHEMA_TYPES = 2048
/** Of a text with a pattern, whose test takes the length of both multiplied. */
const MAX_PATTERN_TEXT = 4096

const DEFINITIONS = '$defs'
const REFERENCE = /^#\/\$defs\/([A-Za-z][A-Za-z0-9_-]{0,63})$/
/** none that Cedar's JSON gives a meaning (`__entity`, `__extn`), none that JavaScript does */
const NAME = /^(?!__)[\x20-\x7e]{1,128}$/

const ABOUT = { title: z.string().optional(), description: z.string().optional() }
const SafeInteger = z.int()
const Length = z.int().min(0)

const NODES = {
  object: z.strictObject({
    ...ABOUT,
    type: z.literal('object'),
    properties: z.record(z.string(), z.unknown()).default({}),
    required: z.array(z.string()).default([]),
    additionalProperties: z.literal(false, 'want false: an unknown argument is denied').optional(),
  }),
  array: z.strictObject({
    ...ABOUT,
    type: z.literal('array'),
    items: z.unknown(),
    minItems: Length.default(0),
    maxItems: Length.default(Number.MAX_SAFE_INTEGER),
  }),
  string: z.strictObject({
    ...ABOUT,
    type: z.literal('string'),
    minLength: Length.default(0),
    maxLength: Length.default(Number.MAX_SAFE_INTEGER),
    pattern: z.string().optional(),
    format: z.enum(['email', 'uri', 'date']).optional(),
    enum: z.array(z.string()).min(1).optional(),
    const: z.string().optional(),
  }),
  integer: z.strictObject({
    ...ABOUT,
    type: z.literal('integer'),
    minimum: SafeInteger.default(Number.MIN_SAFE_INTEGER),
    maximum: SafeInteger.default(Number.MAX_SAFE_INTEGER),
    enum: z.array(SafeInteger).min(1).optional(),
    const: SafeInteger.optional(),
  }),
  number: z.strictObject({
    ...ABOUT,
    type: z.literal('number'),
    multipleOf: z.number(),
    minimum: z.number().min(-MAX_DECIMAL).default(-MAX_DECIMAL),
    maximum: z.number().max(MAX_DECIMAL).default(MAX_DECIMAL),
    enum: z.array(z.number()).min(1).optional(),
    const: z.number().optional(),
  }),
  boolean: z.strictObject({
    ...ABOUT,
    type: z.literal('boolean'),
    enum: z.array(z.boolean()).min(1).optional(),
    const: z.boolean().optional(),
  }),
} as const

type NodeName = keyof typeof NODES
type Path = readonly PropertyKey[]
/** `within`: definitions that it stands in */
type Place = { path: Path; within: readonly string[]; depth: number }

/**
 * Reads the subset of JSON Schema (2020-12) that means the same to a server, to this check and to
 * Cedar's types. Anything else is a problem, found by its path in the schema.
 *
 * @param schema of all arguments together: an object
 */
export function readArgumentSchema(
  schema: unknown,
): { value: ObjectType } | { problems: Problem[] } {
  const reader = new SchemaReader(schema)
  const type = reader.readTop()
  const { problems } = reader
  if (problems.length > 0 || type === undefined) return { problems }
  if (type.kind === 'object') return { value: type }
  return { problems: [problemAt(['type'], 'want an object: arguments have names')] }
}

class SchemaReader {
  readonly problems: Problem[] = []
  readonly #top: unknown
  readonly #definitions: Readonly<Record<string, unknown>>
  #types = 0

  constructor(schema: unknown) {
    const { [DEFINITIONS]: definitions, ...top } = isObject(schema) ? schema : {}
    this.#top = isObject(schema) ? top : schema
    this.#definitions = isObject(definitions) ? definitions : {}
    if (definitions !== undefined && !isObject(definitions))
      this.#fail([DEFINITIONS], 'want schemas by name')
  }

  readTop(): ArgumentType | undefined {
    const read = this.#read(this.#top, { path: [], within: [], depth: 0 })
    // those that nobody refers to are read too: what stands in a file must be right
    for (const name of Object.keys(this.#definitions)) {
      const place = { path: [DEFINITIONS, name], within: [name], depth: 0 }
      this.#read(this.#definitions[name], place)
    }
    return read
  }

  #read(node: unknown, place: Place): ArgumentType | undefined {
    const { path, depth } = place
    this.#types += 1
    if (depth > MAX_SCHEMA_DEPTH || this.#types > MAX_SCHEMA_TYPES) {
      return this.#fail(path, 'the schema is too deep or too large')
    }
    if (!isObject(node)) return this.#fail(path, 'want a schema: keys and values')
    if (Object.hasOwn(node, '$ref')) return this.#follow(node, place)
    const { type } = node
    if (!isNodeName(type)) {
      return this.#fail([...path, 'type'], `want one of ${Object.keys(NODES).join(', ')}`, {
        hint: 'each schema says one type; null and several types are not read',
      })
    }
    return this.#readNode(type, node, place)
  }

  #follow(node: Members, { path, within, depth }: Place): ArgumentType | undefined {
    const { $ref: reference, ...rest } = node
    const at = [...path, '$ref']
    const [extra] = Object.keys(rest).filter((key) => !Object.hasOwn(ABOUT, key))
    if (extra !== undefined) return this.#fail([...path, extra], 'not beside $ref')
    const [, name] = (typeof reference === 'string' && REFERENCE.exec(reference)) || []
    const target = name === undefined ? undefined : own(this.#definitions, name)
    if (name === undefined || target === undefined) {
      return this.#fail(at, 'want #/$defs/ and a name that stands there')
    }
    if (within.includes(name)) {
      return this.#fail(at, `\`${name}\` refers to itself, and Cedar has no such types`)
    }
    const place = { path: [DEFINITIONS, name], within: [...within, name], depth: depth + 1 }
    return this.#read(target, place)
  }

  #readNode(name: NodeName, node: Members, place: Place): ArgumentType | undefined {
    const parsed = NODES[name].safeParse(node)
    if (!parsed.success) return this.#explain(parsed.error.issues, node, place.path)
    const { data } = parsed
    switch (data.type) {
      case 'object':
        return this.#readObject(data, place)
      case 'array': {
        const { minItems, maxItems } = data
        const items = this.#read(data.items, inside(place, 'items'))
        return items && { kind: 'array', items, minItems, maxItems }
      }
      case 'string':
        return this.#readText(data, place.path)
      case 'integer': {
        const { minimum, maximum } = data
        return { kind: 'integer', minimum, maximum, allowed: allowedBy(data) }
      }
      case 'number':
        return this.#readDecimal(data, place.path)
      case 'boolean':
        return { kind: 'boolean', allowed: allowedBy(data) }
    }
  }

  #readObject(
    { properties, required }: z.infer<typeof NODES.object>,
    place: Place,
  ): ArgumentType | undefined {
    const { path } = place
    const members = new Map<string, { type: ArgumentType; isRequired: boolean }>()
    for (const [name, node] of Object.entries(properties)) {
      const at = [...path, 'properties', name]
      if (!NAME.test(name)) {
        this.#fail(at, 'a name has 1 to 128 printable ASCII characters and does not begin with __')
      }
      const type = this.#read(node, inside(place, 'properties', name))
      if (type !== undefined) members.set(name, { type, isRequired: required.includes(name) })
    }
    const unknown = required.findIndex((name) => !Object.hasOwn(properties, name))
    if (unknown !== -1) this.#fail([...path, 'required', unknown], 'names no property')
    return { kind: 'object', members }
  }

  #readText(data: z.infer<typeof NODES.string>, path: Path): ArgumentType | undefined {
    const { minLength, maxLength, format = null } = data
    let read: Read<LinearPattern | null> = { value: null }
    if (data.pattern !== undefined) {
      read = readPattern(data.pattern)
      if (maxLength > MAX_PATTERN_TEXT) {
        read = { problem: `a text with a pattern needs maxLength, at most ${MAX_PATTERN_TEXT}` }
      }
    }
    if ('problem' in read) {
      return this.#fail([...path, 'pattern'], read.problem, { hint: read.hint })
    }
    return {
      kind: 'string',
      minLength,
      maxLength,
      format,
      pattern: read.value,
      allowed: allowedBy(data),
    }
  }

  #readDecimal(data: z.infer<typeof NODES.number>, path: Path): ArgumentType | undefined {
    const { multipleOf, minimum, maximum } = data
    const tenThousandths = inTenThousandths(multipleOf)
    if (tenThousandths === undefined || tenThousandths < 1) {
      return this.#fail([...path, 'multipleOf'], 'want a multiple of 0.0001, such as 0.01', {
        hint: 'Cedar has no other fractions; for whole numbers say type: integer',
      })
    }
    return { kind: 'decimal', minimum, maximum, tenThousandths, allowed: allowedBy(data) }
  }

  #explain(issues: readonly z.core.$ZodIssue[], node: Members, path: Path): undefined {
    for (const issue of issues) {
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) this.#refuseKey(key, node, path)
      } else {
        const at = [...path, ...issue.path]
        this.#fail(at, issue.message, {
          hint:
            issue.path[0] === 'multipleOf' ? 'say how exact it is: multipleOf: 0.01' : undefined,
        })
      }
    }
    return undefined
  }

  #refuseKey(key: string, node: Members, path: Path): void {
    const type = node['type']
    const known = isNodeName(type) ? Object.keys(NODES[type].shape) : []
    this.problems.push({
      ...problemAt([...path, key], `\`${key}\` is not read in schemas of this type`, {
        hint: suggest(key, known, `read are ${known.join(', ')}`),
      }),
      at: 'key',
    })
  }

  #fail(path: Path, message: string, { hint }: { hint?: string | undefined } = {}): undefined {
    this.problems.push(problemAt(path, message, { hint }))
    return undefined
  }
}

type Members = Readonly<Record<string, unknown>>

function inside({ path, within, depth }: Place, ...keys: readonly string[]): Place {
  return { path: [...path, ...keys], within, depth: depth + 1 }
}

function allowedBy(data: {
  enum?: readonly (string | number | boolean)[] | undefined
  const?: string | number | boolean | undefined
}): ReadonlySet<string | number | boolean> | null {
  const { enum: all, const: only } = data
  if (only === undefined) return all === undefined ? null : new Set(all)
  return new Set(all === undefined || all.includes(only) ? [only] : [])
}

function problemAt(
  path: Path,
  message: string,
  { hint }: { hint?: string | undefined } = {},
): Problem {
  const where = describePath(path)
  return { path, at: 'value', message: where === '' ? message : `${where}: ${message}`, hint }
}

function isNodeName(type: unknown): type is NodeName {
  return typeof type === 'string' && Object.hasOwn(NODES, type)
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function own(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined
}
