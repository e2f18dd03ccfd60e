/**
 * What has begun and not ended: an allowed action, by the id of its intent, or a session, by the
 * id that is kept for it ({@link SESSION_END}).
 */
export type OpenEntry = { session: string; id: string }

/** Stands for a session itself among its open entries, and in the `gap` that ends it. */
export const SESSION_END = 'session.end'

/** What a leaf does to the set of open entries. */
export type LeafEffect =
  | { does: 'open'; entry: OpenEntry }
  | { does: 'close'; entry: OpenEntry; by: 'session.end' | 'outcome' | 'gap' }

export function isSession({ id }: OpenEntry): boolean {
  return id === SESSION_END
}

/**
 * The sessions without an end and the allowed intents without an outcome, neither with a gap leaf
 * in its place yet, in the order of the log.
 * The rule of the log: an entry is open at most once, and only what is open can be closed.
 */
export class OpenEntries {
  readonly #open: Map<string, OpenEntry>

  constructor(open: readonly OpenEntry[] = []) {
    this.#open = new Map(open.map((entry) => [keyOf(entry), entry]))
  }

  get size(): number {
    return this.#open.size
  }

  list(): OpenEntry[] {
    return [...this.#open.values()]
  }

  has(entry: OpenEntry): boolean {
    return this.#open.has(keyOf(entry))
  }

  /** why the effect breaks the rule of the log; undefined when it does not and was applied */
  apply(effect: LeafEffect): string | undefined {
    const { entry } = effect
    const key = keyOf(entry)
    const named = nameOf(entry)
    if (effect.does === 'open') {
      if (this.#open.has(key)) return `${named} is open already`
      this.#open.set(key, entry)
      return undefined
    }
    if (this.#open.delete(key)) return undefined
    return `${effect.by} for ${named}, which is not open`
  }
}

function nameOf(entry: OpenEntry): string {
  return isSession(entry) ? `session ${entry.session}` : `intent ${entry.session} ${entry.id}`
}

/** JSON keeps the two apart whatever they hold: an id is the agent side's choice. */
function keyOf({ session, id }: OpenEntry): string {
  return JSON.stringify([session, id])
}
