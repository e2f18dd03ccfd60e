import type { EntityUid } from '../../wire/cedar.ts'

/** By type and id, without a text made of both. */
export class UidMap<T> {
  readonly #byType = new Map<string, Map<string, T>>()

  get isEmpty(): boolean {
    return this.#byType.size === 0
  }

  get({ type, id }: EntityUid): T | undefined {
    return this.#byType.get(type)?.get(id)
  }

  set({ type, id }: EntityUid, value: T): void {
    const ids = this.#byType.get(type)
    if (ids === undefined) this.#byType.set(type, new Map([[id, value]]))
    else ids.set(id, value)
  }
}
