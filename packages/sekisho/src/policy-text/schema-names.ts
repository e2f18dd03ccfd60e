import { type CedarSchema, NAMESPACE } from './schema.ts'

/** The names of a schema, for hints. */
export type SchemaNames = {
  prefix: string
  actions: readonly string[]
  types: readonly string[]
  /** of entities and contexts, without what they stand in */
  attributes: readonly string[]
  /** `http` or `http.method` in a context: the actions that have it */
  actionsWith: ReadonlyMap<string, readonly string[]>
  /** the types of entities that have an attribute */
  typesWith: ReadonlyMap<string, readonly string[]>
}

export const NO_NAMES: SchemaNames = {
  prefix: NAMESPACE,
  actions: [],
  types: [],
  attributes: [],
  actionsWith: new Map(),
  typesWith: new Map(),
}

/** Records that name each other end here: the validator has its own say about them. */
const MAX_DEPTH = 16

export function namesOf(schema: CedarSchema): SchemaNames {
  const own = schema[NAMESPACE]
  if (own === undefined) return NO_NAMES
  const common = own.commonTypes ?? {}
  const actionsWith = holders(
    Object.entries(own.actions).map(([action, { appliesTo }]) => [
      action,
      attributePaths(appliesTo?.context, common),
    ]),
  )
  const typesWith = holders(
    Object.entries(own.entityTypes).map(([type, entity]) => [
      `${NAMESPACE}::${type}`,
      attributePaths('shape' in entity ? entity.shape : undefined, common),
    ]),
  )
  const paths = [...actionsWith.keys(), ...typesWith.keys()]
  return {
    prefix: NAMESPACE,
    actions: Object.keys(own.actions),
    types: Object.keys(own.entityTypes),
    attributes: [...new Set(paths.map((path) => path.split('.').at(-1) ?? path))],
    actionsWith,
    typesWith,
  }
}

function holders(
  of: readonly (readonly [holder: string, paths: readonly string[]])[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const [holder, paths] of of) {
    for (const path of paths) {
      const there = found.get(path)
      if (there === undefined) found.set(path, [holder])
      else there.push(holder)
    }
  }
  return found
}

function attributePaths(
  type: unknown,
  common: Readonly<Record<string, unknown>>,
  depth = 0,
): string[] {
  if (typeof type !== 'object' || type === null || depth > MAX_DEPTH) return []
  const name: unknown = Reflect.get(type, 'name')
  if (typeof name === 'string') return attributePaths(common[name], common, depth + 1)
  const attributes: unknown = Reflect.get(type, 'attributes')
  if (typeof attributes !== 'object' || attributes === null) return []
  return Object.entries(attributes).flatMap(([key, inner]) => [
    key,
    ...attributePaths(inner, common, depth + 1).map((path) => `${key}.${path}`),
  ])
}
