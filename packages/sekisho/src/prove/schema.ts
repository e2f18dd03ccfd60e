import type { CedarSchemaJson, CedarTypeJson } from '../wire/cedar-schema.ts'
import type { ScalarKind } from './symbolic.ts'

/**
 * What a Cedar schema says of requests: which actions there are, who may ask for them of what, and
 * the types of everything that a policy can read. Read from Cedar's JSON form of a schema, as
 * `schemaToJson` of @cedar-policy/cedar-wasm gives it.
 */
export type RequestTypes = {
  entities: ReadonlyMap<string, EntityType>
  /** by id, such as `http.request` */
  actions: ReadonlyMap<string, ActionType>
}

export type EntityType = {
  attributes: Attributes
  /** types of what it can be in, at any distance; not itself unless it can be in its own kind */
  ancestors: ReadonlySet<string>
}

export type ActionType = {
  /** `Sekisho::Action` */
  type: string
  principals: readonly string[]
  resources: readonly string[]
  context: Attributes
  /** ids of the actions that it is in, at any distance */
  ancestors: ReadonlySet<string>
}

export type Attributes = ReadonlyMap<string, Attribute>
export type Attribute = { type: CedarType; required: boolean }

export type CedarType =
  | ScalarType
  | { kind: 'ipaddr' }
  | { kind: 'entity'; type: string }
  | { kind: 'set'; element: CedarType }
  | { kind: 'record'; attributes: Attributes }
  /** nothing that a proof can look into */
  | { kind: 'other'; name: string }

export type ScalarType = { kind: 'scalar'; of: ScalarKind }

/** Reads a schema that Cedar's own library has accepted. */
export function readSchema(schema: CedarSchemaJson): RequestTypes {
  const reader = new SchemaReader(schema)
  return { entities: reader.entities(), actions: reader.actions() }
}

const PRIMITIVES: ReadonlyMap<string, CedarType> = new Map<string, CedarType>([
  ['String', { kind: 'scalar', of: 'string' }],
  ['Long', { kind: 'scalar', of: 'long' }],
  ['Bool', { kind: 'scalar', of: 'bool' }],
  ['Boolean', { kind: 'scalar', of: 'bool' }],
  ['datetime', { kind: 'scalar', of: 'datetime' }],
  ['duration', { kind: 'scalar', of: 'duration' }],
  ['decimal', { kind: 'scalar', of: 'decimal' }],
  ['ipaddr', { kind: 'ipaddr' }],
])

class SchemaReader {
  readonly #schema: CedarSchemaJson
  readonly #common = new Map<string, { json: CedarTypeJson; namespace: string }>()
  readonly #entityNames = new Set<string>()
  /** types being read: a common type may not hold itself */
  readonly #open = new Set<string>()

  constructor(schema: CedarSchemaJson) {
    this.#schema = schema
    for (const [namespace, { commonTypes = {}, entityTypes }] of Object.entries(schema)) {
      for (const [name, json] of Object.entries(commonTypes)) {
        this.#common.set(qualify(namespace, name), { json, namespace })
      }
      for (const name of Object.keys(entityTypes)) this.#entityNames.add(qualify(namespace, name))
    }
  }

  entities(): ReadonlyMap<string, EntityType> {
    const parents = new Map<string, readonly string[]>()
    const attributes = new Map<string, Attributes>()
    for (const [namespace, { entityTypes }] of Object.entries(this.#schema)) {
      for (const [name, { memberOfTypes = [], shape }] of Object.entries(entityTypes)) {
        const own = qualify(namespace, name)
        parents.set(
          own,
          memberOfTypes.map((type) => this.#entityName(type, namespace)),
        )
        attributes.set(own, this.#record(shape, namespace))
      }
    }
    return new Map(
      [...attributes].map(([name, own]) => [
        name,
        { attributes: own, ancestors: reachable(name, parents) },
      ]),
    )
  }

  actions(): ReadonlyMap<string, ActionType> {
    const all = Object.entries(this.#schema).flatMap(([namespace, { actions }]) =>
      Object.entries(actions).map(([id, action]) => ({ namespace, id, action })),
    )
    const parents = new Map(
      all.map(({ id, action }) => [id, (action.memberOf ?? []).map((parent) => parent.id)]),
    )
    return new Map(
      all.map(({ namespace, id, action: { appliesTo } }) => {
        const named = (types: readonly string[] = []): string[] =>
          types.map((type) => this.#entityName(type, namespace))
        return [
          id,
          {
            type: qualify(namespace, 'Action'),
            principals: named(appliesTo?.principalTypes),
            resources: named(appliesTo?.resourceTypes),
            context: this.#record(appliesTo?.context, namespace),
            ancestors: reachable(id, parents),
          },
        ]
      }),
    )
  }

  #record(json: CedarTypeJson | undefined, namespace: string): Attributes {
    const type = json === undefined ? undefined : this.#type(json, namespace)
    return type?.kind === 'record' ? type.attributes : new Map()
  }

  #type(json: CedarTypeJson, namespace: string): CedarType {
    switch (json.type) {
      case 'Record':
        return { kind: 'record', attributes: this.#attributes(json.attributes ?? {}, namespace) }
      case 'Set': {
        const { element } = json
        if (element === undefined) return { kind: 'other', name: 'Set' }
        return { kind: 'set', element: this.#type(element, namespace) }
      }
      case 'Entity':
        return { kind: 'entity', type: this.#entityName(json.name ?? '', namespace) }
      case 'EntityOrCommon':
      case 'Extension':
        return this.#named(json.name ?? '', namespace)
      default:
        return this.#named(json.type, namespace)
    }
  }

  #attributes(json: Record<string, CedarTypeJson>, namespace: string): Attributes {
    return new Map(
      Object.entries(json).map(([name, type]) => [
        name,
        { type: this.#type(type, namespace), required: type.required ?? true },
      ]),
    )
  }

  /** Common types come before entity types, and both before Cedar's own. */
  #named(name: string, namespace: string): CedarType {
    for (const candidate of [qualify(namespace, name), name]) {
      const common = this.#common.get(candidate)
      if (common !== undefined) return this.#commonType(candidate, common)
      if (this.#entityNames.has(candidate)) return { kind: 'entity', type: candidate }
    }
    return PRIMITIVES.get(name.replace(/^__cedar::/, '')) ?? { kind: 'other', name }
  }

  #commonType(
    name: string,
    { json, namespace }: { json: CedarTypeJson; namespace: string },
  ): CedarType {
    if (this.#open.has(name)) return { kind: 'other', name }
    this.#open.add(name)
    const type = this.#type(json, namespace)
    this.#open.delete(name)
    return type
  }

  #entityName(name: string, namespace: string): string {
    const own = qualify(namespace, name)
    return this.#entityNames.has(own) ? own : name
  }
}

function qualify(namespace: string, name: string): string {
  return namespace === '' || name.includes('::') ? name : `${namespace}::${name}`
}

function reachable(
  from: string,
  parents: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const found = new Set<string>()
  const open = [...(parents.get(from) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue
    found.add(next)
    open.push(...(parents.get(next) ?? []))
  }
  return found
}
