import { hash } from 'node:crypto'
import type { FilterText } from './content-filter.ts'

/** Of one filter in one session; the oldest is asked about again. */
const MAX_TEXTS = 4_096
/** 132 bits */
const DIGEST_CHARACTERS = 22

/**
 * Texts that a filter has looked at and that may pass: each turn says again what was said before,
 * and these services are paid by the character.
 */
export class LookedAt {
  readonly #keys = new Set<string>()

  has(text: FilterText): boolean {
    return this.#keys.has(keyOf(text))
  }

  add(texts: readonly FilterText[]): void {
    for (const text of texts) this.#keys.add(keyOf(text))
    for (const oldest of this.#keys) {
      if (this.#keys.size <= MAX_TEXTS) break
      this.#keys.delete(oldest)
    }
  }
}

function keyOf({ channel, text }: FilterText): string {
  return `${channel} ${hash('sha256', text, 'base64url').slice(0, DIGEST_CHARACTERS)}`
}
