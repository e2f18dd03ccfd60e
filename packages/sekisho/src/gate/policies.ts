import { SekishoError } from '../core/error.ts'
import { type CompiledBundle, compileBundle } from '../policy/decision/compiled-bundle.ts'
import type { DecisionBundle } from '../wire/decision.ts'

/** Generations kept: the newest, those before it that a session may still be on its way to. */
const MAX_GENERATIONS = 4

/** The generations of the bundle that one gate can decide by, compiled once for all its sessions. */
export class Policies {
  readonly #bundles = new Map<number, CompiledBundle>()

  install(bundle: DecisionBundle): void {
    const compiled = compileBundle(bundle)
    this.#bundles.delete(bundle.generation) // one that is put back is the newest again
    this.#bundles.set(bundle.generation, compiled)
    const [oldest] = this.#bundles.keys()
    if (this.#bundles.size > MAX_GENERATIONS && oldest !== undefined) this.#bundles.delete(oldest)
  }

  /** @throws SekishoError PROTOCOL_VIOLATION where it was not installed, or too long ago */
  find(generation: number): CompiledBundle {
    const bundle = this.#bundles.get(generation)
    if (bundle !== undefined) return bundle
    throw new SekishoError('PROTOCOL_VIOLATION', `generation ${generation} is not installed here`)
  }

  /** digest of the one that was installed last */
  get newest(): string | undefined {
    return [...this.#bundles.values()].at(-1)?.digest
  }

  /** The one that was installed last. @throws SekishoError PROTOCOL_VIOLATION before the first */
  current(): CompiledBundle {
    const bundle = [...this.#bundles.values()].at(-1)
    if (bundle !== undefined) return bundle
    throw new SekishoError('PROTOCOL_VIOLATION', 'no generation is installed here')
  }
}
