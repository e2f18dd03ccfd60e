import { findNearest, suggest } from '../policy/nearest.ts'
import type { SchemaNames } from './schema-names.ts'

/** Names are listed up to here; more helps nobody. */
const MAX_LISTED = 3

/** An attribute that some action's context or some type of entity does not have. */
export type MissingAttribute = {
  /** `facts.integirty` */
  path: string
  of: 'context' | 'entity'
}

export function readMissing(message: string): MissingAttribute | undefined {
  const [, path, of] =
    /^attribute `([^`]+)` (in context for|on entity type) .* not found$/.exec(message) ?? []
  if (path === undefined) return undefined
  return { path, of: of === 'in context for' ? 'context' : 'entity' }
}

export function hintForAttribute(
  { path, of }: MissingAttribute,
  names: SchemaNames,
): string | undefined {
  const last = path.split('.').at(-1) ?? path
  return (
    (of === 'context'
      ? onlyActions(names.actionsWith.get(path), names.prefix)
      : onlyTypes(names.typesWith.get(last))) ?? suggest(last, names.attributes, undefined)
  )
}

function onlyActions(actions: readonly string[] | undefined, prefix: string): string | undefined {
  if (actions === undefined) return undefined
  const who =
    actions.length > MAX_LISTED ? `${actions.length} actions have` : `${actions.join(', ')} has`
  return `only ${who} it: write \`action == ${prefix}::Action::"${actions[0] ?? ''}"\``
}

function onlyTypes(types: readonly string[] | undefined): string | undefined {
  if (types === undefined) return undefined
  const [first = ''] = types
  return `only ${types.join(', ')} has it: write \`principal is ${first}\`, or test the type first`
}

/** What was meant by a name that the schema or the language does not have. */
export function hintForName(message: string, names: SchemaNames): string | undefined {
  const [, action] = /^unrecognized action `.*?Action::"(.*)"`$/.exec(message) ?? []
  if (action !== undefined) {
    const nearest = findSame(action, names.actions)
    if (nearest === undefined) return `the actions are ${names.actions.join(', ')}`
    return `did you mean \`${names.prefix}::Action::"${nearest}"\`?`
  }
  const [, type] = /^unrecognized entity type `(?:.*::)?(\w+)`$/.exec(message) ?? []
  if (type !== undefined) {
    const nearest = findSame(type, names.types)
    if (nearest === undefined) return `the types are ${names.types.join(', ')}`
    return `did you mean \`${names.prefix}::${nearest}\`?`
  }
  const [, method] = /^`(\w+)` is not a valid (?:method|function)/.exec(message) ?? []
  return method === undefined ? undefined : suggest(method, METHODS, undefined)
}

function findSame(name: string, known: readonly string[]): string | undefined {
  return known.includes(name) ? name : findNearest(name, known)
}

const METHODS = [
  'contains',
  'containsAll',
  'containsAny',
  'isEmpty',
  'hasTag',
  'getTag',
  'lessThan',
  'lessThanOrEqual',
  'greaterThan',
  'greaterThanOrEqual',
  'isIpv4',
  'isIpv6',
  'isLoopback',
  'isMulticast',
  'isInRange',
  'offset',
  'durationSince',
  'toDate',
  'toTime',
  'decimal',
  'datetime',
  'duration',
]
