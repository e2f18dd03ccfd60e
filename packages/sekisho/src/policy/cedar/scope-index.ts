import type { CedarActionScope, CedarScope, EntityUid } from '../../wire/cedar.ts'
import { UidMap } from './uid-map.ts'

/** One entity of a request with all that it is in. */
export type Placed = { uid: EntityUid; ancestors: readonly EntityUid[] }

/** What is filed under scopes of one variable, found again by the entity that they match. */
export class ScopeIndex<T> {
  readonly #make: () => T
  #all: T | undefined
  readonly #same = new UidMap<T>()
  readonly #below = new UidMap<T>()
  readonly #typed = new Map<string, T>()
  readonly #typedBelow = new Map<string, UidMap<T>>()

  /** @param make an empty place for what is filed under one scope */
  constructor(make: () => T) {
    this.#make = make
  }

  /** The places of a scope: one, but for `in` with a list of actions. */
  placesOf(scope: CedarScope | CedarActionScope): T[] {
    switch (scope.op) {
      case 'All':
        this.#all ??= this.#make()
        return [this.#all]
      case '==':
        return [this.#placeIn(this.#same, scope.entity)]
      case 'in':
        return 'entity' in scope
          ? [this.#placeIn(this.#below, scope.entity)]
          : scope.entities.map((entity) => this.#placeIn(this.#below, entity))
      case 'is':
        return [this.#typedPlace(scope.entity_type, scope.in?.entity)]
    }
  }

  /** Adds every place whose scope matches; one place is added once. */
  collect({ uid, ancestors }: Placed, into: T[]): void {
    if (this.#all !== undefined) into.push(this.#all)
    pushFound(this.#same.get(uid), into)
    pushFound(this.#typed.get(uid.type), into)
    pushBelow(this.#below, { uid, ancestors }, into)
    const typed = this.#typedBelow.get(uid.type)
    if (typed !== undefined) pushBelow(typed, { uid, ancestors }, into)
  }

  #placeIn(places: UidMap<T>, uid: EntityUid): T {
    const known = places.get(uid)
    if (known !== undefined) return known
    const place = this.#make()
    places.set(uid, place)
    return place
  }

  #typedPlace(type: string, below: EntityUid | undefined): T {
    if (below !== undefined) {
      const places = this.#typedBelow.get(type) ?? new UidMap<T>()
      this.#typedBelow.set(type, places)
      return this.#placeIn(places, below)
    }
    const place = this.#typed.get(type) ?? this.#make()
    this.#typed.set(type, place)
    return place
  }
}

function pushBelow<T>(places: UidMap<T>, { uid, ancestors }: Placed, into: T[]): void {
  if (places.isEmpty) return
  pushFound(places.get(uid), into)
  for (const ancestor of ancestors) pushFound(places.get(ancestor), into)
}

function pushFound<T>(place: T | undefined, into: T[]): void {
  if (place !== undefined) into.push(place)
}
