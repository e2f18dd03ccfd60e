/** A text as features: of each word those up to its entry in `ends`. */
export type Words = { features: Int32Array; ends: Int32Array; words: number }

/** Lengths of what is looked at together, in words; each begins a quarter of it after the last. */
export const WINDOW_WORDS = [16, 64] as const
/** A shorter text tells as little as one of so many words. */
const MIN_WORDS = 8

export type Window = { score: number; from: number; to: number }

/** Weights by feature: of one byte where scores are told, of more where they are learned. */
export type Weights = Int8Array | Float32Array

/**
 * Finds the part of a text that speaks most for orders to a model: a text is as bad as its worst
 * part, so that nothing is diluted by what stands around it.
 */
export class WindowScorer {
  /** of the words up to each one */
  readonly #sums: Float64Array
  readonly #weights: Weights

  constructor(weights: Weights, maxCharacters: number) {
    this.#weights = weights
    this.#sums = new Float64Array(maxCharacters + 2)
  }

  /** In units of the weights, without the bias. Words `from` to `to`, which is behind the last. */
  worst(text: Words): Window {
    this.#sum(text)
    const { words } = text
    let worst: Window = this.#window(0, Math.min(words, WINDOW_WORDS[0]))
    for (const size of WINDOW_WORDS) {
      const step = size / 4
      for (let from = 0; from === 0 || from + size - step < words; from += step) {
        const to = Math.min(words, from + size)
        const score = this.#score(from, to)
        if (score > worst.score) worst = { score, from, to }
      }
    }
    return worst
  }

  #window(from: number, to: number): Window {
    return { score: this.#score(from, to), from, to }
  }

  #score(from: number, to: number): number {
    const sum = (this.#sums[to] ?? 0) - (this.#sums[from] ?? 0)
    return sum / Math.sqrt(Math.max(MIN_WORDS, to - from))
  }

  #sum({ features, ends, words }: Words): void {
    const sums = this.#sums
    const weights = this.#weights
    let sum = 0
    let at = 0
    for (let word = 0; word < words; word++) {
      const end = ends[word] ?? 0
      for (; at < end; at++) sum += weights[features[at] ?? 0] ?? 0
      sums[word + 1] = sum
    }
  }
}

/** What the words of a window weigh together, for learning. */
export function lengthOf({ from, to }: Pick<Window, 'from' | 'to'>): number {
  return Math.sqrt(Math.max(MIN_WORDS, to - from))
}
