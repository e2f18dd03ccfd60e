import { type Leaf, member, text } from './fields.ts'

type Asked = { provider: string | undefined; model: string | undefined; isTold: boolean }

/**
 * Calls of models in one session: what one came to stands between its allowed intent and its
 * outcome, once, and names whom the intent asked; a call that was made came to something. Holds what
 * is open.
 */
export class ModelCalls {
  readonly #open = new Map<string, Asked>()

  /** Takes any leaf of the session. @returns what is wrong with it */
  take(leaf: Leaf): string | undefined {
    const id = text(leaf, 'id') ?? ''
    switch (leaf['type']) {
      case 'action.intent':
        this.#ask(id, leaf)
        return undefined
      case 'llm.call':
        return this.#tell(id, leaf)
      case 'action.outcome':
        return this.#close(id, member(leaf, 'outcome'))
      case 'gap':
        this.#open.delete(id)
        return undefined
      default:
        return undefined
    }
  }

  #ask(id: string, leaf: Leaf): void {
    const action = member(leaf, 'action')
    const isAllowed = text(member(leaf, 'verdict'), 'kind') === 'allow'
    if (text(action, 'kind') !== 'llm.generate' || !isAllowed) return
    const [provider, model] = [text(action, 'provider'), text(action, 'model')]
    this.#open.set(id, { provider, model, isTold: false })
  }

  /** A call that went wrong may have come to nothing; one that was made came to something. */
  #close(id: string, outcome: Leaf | undefined): string | undefined {
    const asked = this.#open.get(id)
    this.#open.delete(id)
    if (asked === undefined || asked.isTold || text(outcome, 'kind') !== 'performed')
      return undefined
    return `${id} was made, and nobody tells what it came to`
  }

  #tell(id: string, leaf: Leaf): string | undefined {
    const asked = this.#open.get(id)
    if (asked === undefined) return `what ${id} came to: no allowed model call of that id is open`
    if (asked.isTold) return `what ${id} came to is told twice`
    asked.isTold = true
    const { provider, model } = asked
    const isSame = provider === text(leaf, 'provider') && model === text(leaf, 'model')
    return isSame ? undefined : `${id} asked ${provider}:${model}, and the leaf names another`
  }
}
