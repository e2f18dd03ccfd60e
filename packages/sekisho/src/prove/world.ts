import { canonicalJson } from '../core/canonical-json.ts'
import { AttributeWorld, EntityWorld } from './entity-world.ts'
import { sameValue } from './same.ts'
import type { Attributes, CedarType, RequestTypes, ScalarType } from './schema.ts'
import { SetWorld } from './set-world.ts'
import type { Field, Result, Symbolic, SymbolicEntity, SymbolicRecord } from './symbolic.ts'
import { and, atMost, int, type Term, TRUE, type Variable, variable } from './term.ts'

const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n

/**
 * Everything that a request could be. A value is known by its place: `context.http.method`,
 * `user.enabled`; the same place means the same value in every policy that is asked about, so two
 * bundles are compared over one world.
 */
export class World {
  readonly sets: SetWorld
  readonly entities: EntityWorld
  readonly #attributes = new AttributeWorld()
  readonly #bounds = new Map<string, Term>()
  readonly #typeOfPlace = new Map<string, string>()
  readonly #opaque = new Map<string, { result: Result; names: readonly string[]; why: string }>()
  readonly #assumed: Term[] = []
  readonly #late: (() => readonly Term[])[] = []

  /** @param types of each schema that requests may be typed by */
  constructor(types: readonly RequestTypes[]) {
    this.sets = new SetWorld((a, b) => sameValue(a, b, this.sets))
    this.entities = new EntityWorld(
      (type) => new Set(types.flatMap((each) => [...(each.entities.get(type)?.ancestors ?? [])])),
    )
  }

  /** Whatever is at a place. */
  value(place: string, type: CedarType): Symbolic {
    switch (type.kind) {
      case 'entity':
        return this.entity(place, type.type)
      case 'set':
        return { kind: 'set', set: { kind: 'symbol', place: this.#distinct(place, type) } }
      case 'record':
        return { kind: 'record', record: this.record(place, type.attributes) }
      case 'scalar':
        return this.#scalar(place, type)
      case 'ipaddr':
      case 'other':
        return { kind: 'unknown', name: place }
    }
  }

  record(place: string, attributes: Attributes): SymbolicRecord {
    return {
      names: [...attributes.keys()],
      field: (name) => {
        const attribute = attributes.get(name)
        if (attribute === undefined) return undefined
        const own = `${place}.${name}`
        const present = attribute.required ? TRUE : variable(`${own} is there`, 'Bool')
        return { present, value: this.value(own, attribute.type) }
      },
    }
  }

  entity(place: string, type: string): SymbolicEntity {
    const id = this.#variable(place, 'String', { kind: 'entity', type })
    return { kind: 'entity', type, id, place: id.name }
  }

  /**
   * What an entity has under a name. The principals, the resource and what their attributes name
   * are taken to be there; an entity that a policy names by itself may be missing.
   *
   * @param types of the policy that asks
   */
  attribute(entity: SymbolicEntity, name: string, types: RequestTypes): Field | undefined {
    const attributes = types.entities.get(entity.type)?.attributes ?? new Map()
    const field = this.record(entity.place, attributes).field(name)
    if (field === undefined) return undefined
    const isNamed = entity.id.kind === 'string'
    const exists = isNamed ? variable(`${entity.place} is known`, 'Bool') : TRUE
    this.#attributes.note(entity, name, [field.present, ...comparable(field.value)])
    this.#attributes.note(entity, '', [exists])
    return { present: and(exists, field.present), value: field.value }
  }

  /**
   * A result that is anybody's guess, the same for the same key.
   *
   * @param why it is not encoded, for whoever is told that something is not proven
   */
  opaque(key: unknown, why: string): Result {
    const text = canonicalJson(key)
    const known = this.#opaque.get(text)
    if (known !== undefined) return known.result
    const names = [`opaque ${this.#opaque.size}`, `opaque ${this.#opaque.size} fails`]
    const [term, fails] = names.map((name) => variable(name, 'Bool'))
    const result: Result = {
      value: { kind: 'bool', term: term ?? TRUE },
      fails: fails ?? TRUE,
    }
    this.#opaque.set(text, { result, names, why })
    return result
  }

  /** @returns why the variables of these names are guesses */
  reasonsFor(names: ReadonlySet<string>): string[] {
    return [...this.#opaque.values()]
      .filter((opaque) => opaque.names.some((name) => names.has(name)))
      .map(({ why }) => why)
  }

  assume(...terms: readonly Term[]): void {
    this.#assumed.push(...terms)
  }

  /** @param late asked when everything else is known that the question is about */
  assumeLate(late: () => readonly Term[]): void {
    this.#late.push(late)
  }

  /** What every request keeps to; to be asked for after everything else. */
  facts(): Term[] {
    this.assume(...this.#late.flatMap((late) => late()))
    const sets = this.sets.facts()
    const entities = this.entities.facts()
    const all = [...this.#assumed, ...sets, ...entities, ...this.#attributes.facts()]
    return [...all, ...this.#bounds.values()].filter((term) => term !== TRUE)
  }

  #scalar(place: string, type: ScalarType): Symbolic {
    const kind = type.of
    if (kind === 'bool') return { kind, term: this.#variable(place, 'Bool', type) }
    if (kind === 'string') return { kind, term: this.#variable(place, 'String', type) }
    const number = this.#variable(place, 'Int', type)
    const [least, most] = [atMost(int(LONG_MIN), number), atMost(number, int(LONG_MAX))]
    this.#bounds.set(`${number.name} least`, least)
    this.#bounds.set(`${number.name} most`, most)
    return { kind, term: number }
  }

  #variable(place: string, sort: Variable['sort'], type: CedarType): Variable {
    return variable(this.#distinct(place, type), sort)
  }

  /** Two schemas may give one place two types: those are two values. */
  #distinct(place: string, type: CedarType): string {
    const shape = shapeOf(type)
    const known = this.#typeOfPlace.get(place) ?? shape
    this.#typeOfPlace.set(place, known)
    return known === shape ? place : `${place} as ${shape}`
  }
}

function shapeOf(type: CedarType): string {
  if (type.kind === 'set') return `set of ${shapeOf(type.element)}`
  if (type.kind === 'entity') return type.type
  return type.kind === 'scalar' ? type.of : type.kind
}

function comparable(value: Symbolic): Term[] {
  if ('term' in value) return [value.term]
  return value.kind === 'entity' ? [value.id] : []
}
