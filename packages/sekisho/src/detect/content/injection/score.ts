import { unpackModel } from './model.ts'
import type { ScoredChannel } from './rule.ts'
import { type InjectionScore, TextScorer } from './text-scorer.ts'
import { PACKED } from './weights.ts'

/** Longer texts are looked at in pieces, each of which begins with the end of the one before. */
export const MAX_PIECE_CHARACTERS = 8192
const OVERLAP_CHARACTERS = 1024
/** NFKC makes one character up to 18 (Unicode Standard Annex #15 §1.4); most become one. */
const MAX_PLAIN_CHARACTERS = MAX_PIECE_CHARACTERS * 2
/** Beyond, nothing is looked at, which is a rule of its own. */
export const MAX_SCORED_CHARACTERS = 8 * 1024 * 1024

let shared: TextScorer | undefined

/** One for the process: a scorer keeps nothing of a text. Unpacked at the first score, some ms. */
function scorer(): TextScorer {
  shared ??= new TextScorer(unpackModel(PACKED), MAX_PLAIN_CHARACTERS)
  return shared
}

/**
 * How likely it is that a text gives orders to a model that reads it. A signal: it raises labels and
 * may tighten, it permits nothing, and what it does not see is there all the same.
 */
export function scoreInjection(text: string, channel: ScoredChannel): InjectionScore {
  const streamed = new InjectionScorer(channel)
  streamed.push(text)
  return streamed.end()
}

/** Scores a text that comes in pieces; the score does not depend on how it was cut. */
export class InjectionScorer {
  readonly #channel: ScoredChannel
  readonly #rules = new Set<string>()
  #held = ''
  /** of what is held, looked at already */
  #overlap = 0
  #seen = 0
  #permille = 0

  constructor(channel: ScoredChannel) {
    this.#channel = channel
  }

  push(piece: string): void {
    let at = 0
    while (at < piece.length) {
      if (this.#seen >= MAX_SCORED_CHARACTERS) {
        this.#rules.add('injection.unseen')
        this.#permille = Math.max(this.#permille, 500)
        return
      }
      const room = MAX_PIECE_CHARACTERS - this.#held.length
      const part = piece.slice(at, at + room)
      this.#held += part
      this.#seen += part.length
      at += part.length
      if (this.#held.length === MAX_PIECE_CHARACTERS) this.#look()
    }
  }

  end(): InjectionScore {
    if (this.#held.length > this.#overlap) this.#look()
    return { permille: this.#permille, rules: [...this.#rules].sort() }
  }

  #look(): void {
    const { permille, rules } = scorer().score(this.#held, this.#channel)
    this.#permille = Math.max(this.#permille, permille)
    for (const rule of rules) this.#rules.add(rule)
    this.#held = this.#held.slice(-OVERLAP_CHARACTERS)
    this.#overlap = this.#held.length
  }
}
