import type { EntityUid } from '../../wire/cedar.ts'
import { UidMap } from './uid-map.ts'
import { type CedarRecord, EntityRef, isSameUid } from './value.ts'

/** What a decision asks about entities. Nothing else is read of them. */
export interface CedarEntities {
  /** undefined: there is no such entity */
  attrs(uid: EntityUid): CedarRecord | undefined
  /** undefined: there is no such entity */
  tags(uid: EntityUid): CedarRecord | undefined
  /** all that it is in, however far up, without itself; none for one that is not known */
  ancestors(uid: EntityUid): readonly EntityRef[]
  /** also true of an entity and itself, whether it is known or not */
  isIn(descendant: EntityUid, ancestor: EntityUid): boolean
}

export type CedarEntity = {
  uid: EntityUid
  /** what it is in directly; they need not be in a store themselves */
  parents?: readonly EntityUid[]
  attrs?: CedarRecord
  tags?: CedarRecord
}

type Ancestors = { list: readonly EntityRef[]; uids: UidMap<true> }
type Stored = { entity: CedarEntity; ancestors: Ancestors | null }

const NO_RECORD: CedarRecord = new Map()
const NO_ANCESTORS: readonly EntityRef[] = []

/**
 * Entities over others: an entity of `list` hides one of `base` with the same uid, and nothing of
 * `base` is copied, so a store for one request costs what its own entities cost.
 *
 * Entities of `base` must not be below entities that only `list` has: what they are in is worked
 * out once, in `base`. A circle of parents is walked once round; Cedar's own library refuses one.
 */
export function entityStore(list: Iterable<CedarEntity>, base?: CedarEntities): CedarEntities {
  return new EntityStore(list, base ?? null)
}

class EntityStore implements CedarEntities {
  readonly #own = new UidMap<Stored>()
  readonly #base: CedarEntities | null

  constructor(list: Iterable<CedarEntity>, base: CedarEntities | null) {
    this.#base = base
    for (const entity of list) this.#own.set(entity.uid, { entity, ancestors: null })
  }

  attrs(uid: EntityUid): CedarRecord | undefined {
    const stored = this.#own.get(uid)
    return stored === undefined ? this.#base?.attrs(uid) : (stored.entity.attrs ?? NO_RECORD)
  }

  tags(uid: EntityUid): CedarRecord | undefined {
    const stored = this.#own.get(uid)
    return stored === undefined ? this.#base?.tags(uid) : (stored.entity.tags ?? NO_RECORD)
  }

  ancestors(uid: EntityUid): readonly EntityRef[] {
    const stored = this.#own.get(uid)
    if (stored !== undefined) return this.#ancestorsOf(stored).list
    return this.#base?.ancestors(uid) ?? NO_ANCESTORS
  }

  isIn(descendant: EntityUid, ancestor: EntityUid): boolean {
    if (isSameUid(descendant, ancestor)) return true
    const stored = this.#own.get(descendant)
    if (stored === undefined) return this.#base?.isIn(descendant, ancestor) ?? false
    return this.#ancestorsOf(stored).uids.get(ancestor) ?? false
  }

  #ancestorsOf(stored: Stored): Ancestors {
    stored.ancestors ??= this.#walk(stored.entity)
    return stored.ancestors
  }

  #walk({ parents = [] }: CedarEntity): Ancestors {
    const list: EntityRef[] = []
    const uids = new UidMap<true>()
    const open = [...parents]
    for (let uid = open.pop(); uid !== undefined; uid = open.pop()) {
      if (uids.get(uid) === true) continue
      uids.set(uid, true)
      list.push(new EntityRef(uid.type, uid.id))
      const above = this.#own.get(uid)?.entity.parents ?? this.#base?.ancestors(uid) ?? []
      for (const next of above) open.push(next)
    }
    return { list, uids }
  }
}
