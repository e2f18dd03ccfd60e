import type { DecideContext } from '../cedar/engine.ts'
import { type CedarEntities, entityStore } from '../cedar/entities.ts'
import type { EntityRef } from '../cedar/value.ts'
import type { Described } from './cedar-context.ts'
import { type CompiledBundle, hostEntity } from './compiled-bundle.ts'

/** Of one session: what it asks for is mostly the same few hosts, models and tools. */
const MAX_KEPT_WAYS = 64

type Way = readonly { who: string; decide: DecideContext }[]

/**
 * For each action and resource that one session asks about, the policies that may apply to it, for
 * every principal whose permission it takes. Entities are the same for as long as a generation is.
 */
export class DecisionWays {
  readonly #bundle: CompiledBundle
  readonly #principals: readonly { uid: EntityRef; who: string }[]
  readonly #entities: CedarEntities
  readonly #ways = new Map<string, Way>()

  constructor(
    bundle: CompiledBundle,
    principals: readonly { uid: EntityRef; who: string }[],
    entities: CedarEntities,
  ) {
    this.#bundle = bundle
    this.#principals = principals
    this.#entities = entities
  }

  to(described: Described): Way {
    const key = keyOf(described)
    const known = this.#ways.get(key)
    if (known !== undefined) return known
    if (this.#ways.size >= MAX_KEPT_WAYS) this.#ways.clear()
    const way = this.#find(described)
    this.#ways.set(key, way)
    return way
  }

  #find({ action, resource, parents }: Described): Way {
    const entities = this.#withResource(resource, parents)
    return this.#principals.map(({ uid: principal, who }) => ({
      who,
      decide: this.#bundle.engine.prepare({ principal, action, resource }, entities),
    }))
  }

  #withResource(resource: EntityRef, parents: Described['parents']): CedarEntities {
    if (parents !== undefined) return entityStore([{ uid: resource, parents }], this.#entities)
    if (resource.type !== 'Sekisho::Host') return this.#entities
    const { id } = resource
    return entityStore([hostEntity(id, this.#bundle.hosts.find(id))], this.#entities)
  }
}

/** What a model calls itself may hold anything, and stands last; the rest is ours, without breaks. */
function keyOf({ action, resource, parents = [] }: Described): string {
  const above = parents.map(({ id }) => `${id}\n`).join('')
  return `${action.id}\n${resource.type}\n${above}${resource.id}`
}
