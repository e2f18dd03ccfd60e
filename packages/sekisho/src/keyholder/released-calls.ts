import { type ToolRelease, toolRelease } from '../core/tool-release.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { MAX_RELEASES, type Releases } from '../wire/transcript-reader.ts'

type Leaf<Type extends LeafInput['type']> = Extract<LeafInput, { type: Type }>

/**
 * Calls of tools that one session's gate has handed to the client, from its leaves: what the client
 * then says of itself is held against them when the session is over.
 */
export class ReleasedCalls {
  readonly #open = new Map<string, ToolRelease>()
  readonly #released: ToolRelease[] = []
  #isWhole: boolean

  /** @param isWhole false for a session that another keyholder began */
  constructor(isWhole: boolean) {
    this.#isWhole = isWhole
  }

  /** An allowed intent is durable. */
  intend({ id, action }: Leaf<'action.intent'>): void {
    if (action.kind !== 'llm.tool-call') return
    if (this.#open.size < MAX_RELEASES) this.#open.set(id, toolRelease(action))
    else this.#isWhole = false
  }

  /** What became of it: released, or refused after all. */
  close({ id, outcome }: Leaf<'action.outcome'>): void {
    const release = this.#open.get(id)
    if (release === undefined) return
    this.#open.delete(id)
    if (outcome.kind !== 'performed') return
    if (this.#released.length < MAX_RELEASES) this.#released.push(release)
    else this.#isWhole = false
  }

  /** What has no outcome may have been released. */
  get all(): Releases {
    const releases = [...this.#released, ...this.#open.values()].slice(0, MAX_RELEASES)
    return { isWhole: this.#isWhole, releases }
  }
}
