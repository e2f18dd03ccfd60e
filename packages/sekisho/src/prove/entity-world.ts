import type { SymbolicEntity } from './symbolic.ts'
import { and, equal, FALSE, implies, not, or, type Term, TRUE, variable } from './term.ts'

/** Types of what an entity of a type can be in. */
export type Ancestors = (type: string) => ReadonlySet<string>

/** Above so many entities in one question, what follows from two `in` is no longer spelt out. */
const MAX_CLOSED = 200

/** Who is in whom: not known, but an order, and only as the schema's types allow. */
export class EntityWorld {
  readonly #ancestors: Ancestors
  readonly #entities = new Map<string, SymbolicEntity>()

  constructor(ancestors: Ancestors) {
    this.#ancestors = ancestors
  }

  /** Cedar's `in`: an entity is in itself. */
  isIn(inner: SymbolicEntity, outer: SymbolicEntity): Term {
    const isSame = sameEntity(inner, outer)
    if (isSame === TRUE || !this.#ancestors(inner.type).has(outer.type)) return isSame
    this.#entities.set(inner.place, inner)
    this.#entities.set(outer.place, outer)
    return or(isSame, variable(`${inner.place} in ${outer.place}`, 'Bool'))
  }

  /** All that were asked about, by type. */
  ofType(type: string): readonly SymbolicEntity[] {
    return [...this.#entities.values()].filter((entity) => entity.type === type)
  }

  /** What must hold between the answers above; to be asked for last. */
  facts(): Term[] {
    const all = [...this.#entities.values()]
    if (all.length > MAX_CLOSED) return []
    const above = new Map(all.map((inner) => [inner, this.#above(inner, all)]))
    return all.flatMap((inner) =>
      (above.get(inner) ?? []).flatMap(([middle, isInMiddle]) =>
        (above.get(middle) ?? []).map(([outer, isMiddleIn]) =>
          inner === outer
            ? implies(and(isInMiddle, isMiddleIn), sameEntity(inner, middle))
            : implies(and(isInMiddle, isMiddleIn), this.isIn(inner, outer)),
        ),
      ),
    )
  }

  #above(
    inner: SymbolicEntity,
    all: readonly SymbolicEntity[],
  ): (readonly [SymbolicEntity, Term])[] {
    return all
      .filter((outer) => outer !== inner)
      .map((outer) => [outer, this.isIn(inner, outer)] as const)
      .filter(([, isIn]) => isIn !== FALSE)
  }
}

function sameEntity(a: SymbolicEntity, b: SymbolicEntity): Term {
  return a.type === b.type ? equal(a.id, b.id) : FALSE
}

/** Two names for one entity have the same attributes. */
export class AttributeWorld {
  readonly #places = new Map<string, { entity: SymbolicEntity; read: Map<string, Term[]> }>()

  /** @param terms what stands for the attribute: presence and value, as far as they can be compared */
  note(entity: SymbolicEntity, attribute: string, terms: readonly Term[]): void {
    const known = this.#places.get(entity.place)
    const place = known ?? { entity, read: new Map<string, Term[]>() }
    this.#places.set(entity.place, place)
    place.read.set(attribute, [...terms])
  }

  facts(): Term[] {
    const all = [...this.#places.values()]
    return all.flatMap((a, index) =>
      all.slice(index + 1).flatMap((b) => {
        const isSame = sameEntity(a.entity, b.entity)
        if (isSame === FALSE) return []
        return [...a.read].map(([name, terms]) => implies(isSame, agree(terms, b.read.get(name))))
      }),
    )
  }
}

function agree(a: readonly Term[], b: readonly Term[] | undefined): Term {
  if (b === undefined || a.length !== b.length) return TRUE
  return not(or(...a.map((term, index) => not(equal(term, b[index] ?? term)))))
}
