import { hash } from 'node:crypto'
import { scoreInjection } from './score.ts'
import type { InjectionScore } from './text-scorer.ts'
import type { ScoredChannel } from './rule.ts'

/** Shorter texts are scored faster than they are looked up. */
const MIN_CHARACTERS = 256

/**
 * Scores of texts that come again: each turn of a conversation has all turns before it. Holds
 * digests, no text; what has not been asked for the longest goes first.
 */
export class ScoreMemory {
  readonly #scores = new Map<string, InjectionScore>()
  readonly #maxTexts: number

  /** @param maxTexts some 150 bytes each */
  constructor(maxTexts: number) {
    this.#maxTexts = maxTexts
  }

  score(text: string, channel: ScoredChannel): InjectionScore {
    if (text.length < MIN_CHARACTERS) return scoreInjection(text, channel)
    const key = `${channel} ${hash('sha256', text, 'base64')}`
    const known = this.#scores.get(key)
    if (known !== undefined) this.#scores.delete(key)
    const score = known ?? scoreInjection(text, channel)
    this.#scores.set(key, score)
    if (this.#scores.size > this.#maxTexts) this.#forgetOldest()
    return score
  }

  #forgetOldest(): void {
    for (const oldest of this.#scores.keys()) {
      this.#scores.delete(oldest)
      return
    }
  }
}
