/** One allowed action whose end is not recorded yet. */
export type OpenIntent = { session: string; id: string }

/** What a leaf does to the set of open intents. */
export type IntentEffect =
  | { does: 'open'; intent: OpenIntent }
  | { does: 'close'; intent: OpenIntent; by: 'outcome' | 'gap' }

/**
 * The allowed intents that have no outcome and no gap leaf yet, in the order of the log.
 * The rule of the log: an id is open at most once, and only what is open can be closed.
 */
export class OpenIntents {
  readonly #open: Map<string, OpenIntent>

  constructor(open: readonly OpenIntent[] = []) {
    this.#open = new Map(open.map((intent) => [keyOf(intent), intent]))
  }

  get size(): number {
    return this.#open.size
  }

  list(): OpenIntent[] {
    return [...this.#open.values()]
  }

  has(intent: OpenIntent): boolean {
    return this.#open.has(keyOf(intent))
  }

  /** why the effect breaks the rule of the log; undefined when it does not and was applied */
  apply(effect: IntentEffect): string | undefined {
    const key = keyOf(effect.intent)
    const named = `${effect.intent.session} ${effect.intent.id}`
    if (effect.does === 'open') {
      if (this.#open.has(key)) return `intent ${named} is open already`
      this.#open.set(key, effect.intent)
      return undefined
    }
    if (!this.#open.delete(key)) return `${effect.by} for ${named}, which is not an open intent`
    return undefined
  }
}

/** JSON keeps the two apart whatever they hold: an id is the agent side's choice. */
function keyOf({ session, id }: OpenIntent): string {
  return JSON.stringify([session, id])
}
