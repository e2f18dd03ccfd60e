import { count, type Leaf, member, text } from './fields.ts'

/** What the leaves of one session come to, by name; what is not there is zero. */
export class Figures {
  readonly #figures = new Map<string, number>()

  /** Takes a leaf of the session, other than its end. */
  take(leaf: Leaf): void {
    const type = text(leaf, 'type') ?? ''
    this.#add(`leaves.${type}`, 1)
    if (type === 'action.intent') this.#intent(leaf)
    if (type === 'action.outcome') this.#outcome(leaf)
    if (type === 'process.exec') this.#exec(leaf)
  }

  of(name: string): number {
    return this.#figures.get(name) ?? 0
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries([...this.#figures].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  #intent(leaf: Leaf): void {
    const kind = text(member(leaf, 'action'), 'kind') ?? ''
    const verdict = text(member(leaf, 'verdict'), 'kind') ?? ''
    const seen = 1 + (count(leaf, 'repeated') ?? 0)
    this.#add(`intents.${kind}.${verdict}`, 1)
    this.#add(`seen.${kind}`, seen)
    if (verdict !== 'allow') return
    const names: unknown = leaf['credentials']
    this.#add('credentials', Array.isArray(names) ? names.length : 0)
  }

  #outcome(leaf: Leaf): void {
    const outcome = member(leaf, 'outcome')
    this.#add(`outcomes.${text(outcome, 'kind')}`, 1)
    for (const name of ['bytesOut', 'bytesIn', 'scrubbed']) {
      this.#add(`outcomes.${name}`, count(outcome, name) ?? 0)
    }
  }

  #exec(leaf: Leaf): void {
    const seen = 1 + (count(leaf, 'repeated') ?? 0)
    this.#add('execs', seen)
    if (text(member(leaf, 'verdict'), 'kind') === 'deny') this.#add('execs.denied', seen)
    if (leaf['written'] === true) this.#add('execs.written', seen)
  }

  #add(name: string, amount: number): void {
    if (amount !== 0) this.#figures.set(name, this.of(name) + amount)
  }
}
