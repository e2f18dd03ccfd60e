import { FEATURE_BITS } from '../../packages/sekisho/src/detect/content/injection/features.ts'
import {
  lengthOf,
  type Window,
  WindowScorer,
} from '../../packages/sekisho/src/detect/content/injection/windows.ts'
import { MAX_CHARACTERS, type Sample } from './samples.ts'

export type Model = { weights: Float32Array; bias: number }

export type LearnOptions = {
  rounds: number
  rate: number
  /** how strongly a weight is drawn to zero at each step */
  decay: number
  /** a feature counts once so many documents have it */
  minDocuments: number
  /** of a source, among all: how much its documents count together */
  weightOf: (source: string, isAttack: boolean) => number
}

type Lesson = { sample: Sample; window: Window; weight: number }

/**
 * Logistic regression on windows, by AdaGrad. Which part of an attack is the attack nobody has
 * said: each round learns from the window that the model of the round before holds for the worst
 * (multiple-instance learning), of attacks as of honest texts, and from one by chance of the honest.
 */
export function learn(samples: readonly Sample[], options: LearnOptions): Model {
  const learner = new Learner(samples, options)
  for (let round = 0; round < options.rounds; round++) learner.round(round)
  return learner.model
}

class Learner {
  readonly model: Model = { weights: new Float32Array(1 << FEATURE_BITS), bias: 0 }
  readonly #squares = new Float32Array(1 << FEATURE_BITS)
  #biasSquare = 0
  readonly #samples: readonly Sample[]
  readonly #options: LearnOptions
  readonly #counts: Uint16Array
  readonly #random = new Random(7)
  readonly #sampleWeight: Map<string, number>

  constructor(samples: readonly Sample[], options: LearnOptions) {
    this.#samples = samples
    this.#options = options
    this.#counts = documentCounts(samples)
    this.#sampleWeight = weightsBySource(samples, options)
  }

  round(round: number): void {
    const scorer = new WindowScorer(this.model.weights, MAX_CHARACTERS)
    const lessons = this.#samples.flatMap((sample) => this.#lessonsOf(sample, { scorer, round }))
    shuffle(lessons, this.#random)
    for (const lesson of lessons) this.#step(lesson)
  }

  #lessonsOf(sample: Sample, { scorer, round }: { scorer: WindowScorer; round: number }): Lesson[] {
    const weight = this.#sampleWeight.get(keyOf(sample)) ?? 0
    if (sample.words === 0 || weight === 0) return []
    const chance = this.#windowByChance(sample)
    if (round === 0) return [{ sample, window: chance, weight }]
    const worst = scorer.worst(sample)
    if (sample.document.isAttack) return [{ sample, window: worst, weight }]
    return [
      { sample, window: worst, weight },
      { sample, window: chance, weight: weight / 2 },
    ]
  }

  #windowByChance({ words }: Sample): Window {
    const size = this.#random.below(2) === 0 ? 16 : 64
    const from = words <= size ? 0 : this.#random.below(words - size)
    return { score: 0, from, to: Math.min(words, from + size) }
  }

  #step({ sample, window, weight }: Lesson): void {
    const { model } = this
    const { features, document } = sample
    const [begin, end] = [endBefore(sample, window.from), endBefore(sample, window.to)]
    const share = 1 / lengthOf(window)
    let sum = 0
    for (let at = begin; at < end; at++) sum += model.weights[features[at] ?? 0] ?? 0
    const said = 1 / (1 + Math.exp(-(model.bias + sum * share)))
    const error = (said - (document.isAttack ? 1 : 0)) * weight
    if (Math.abs(error) < 1e-4) return
    for (let at = begin; at < end; at++) this.#move(features[at] ?? 0, error * share)
    this.#biasSquare += error * error
    model.bias -= (this.#options.rate * error) / Math.sqrt(this.#biasSquare + 1e-8)
  }

  #move(feature: number, slope: number): void {
    if ((this.#counts[feature] ?? 0) < this.#options.minDocuments) return
    const { weights } = this.model
    const old = weights[feature] ?? 0
    const gradient = slope + this.#options.decay * old
    const square = (this.#squares[feature] ?? 0) + gradient * gradient
    this.#squares[feature] = square
    weights[feature] = old - (this.#options.rate * gradient) / Math.sqrt(square + 1e-6)
  }
}

/** Where the features of the words before one end. */
function endBefore({ ends }: Sample, word: number): number {
  return word === 0 ? 0 : (ends[word - 1] ?? 0)
}

/** A source's documents count together by its weight and the root of their number. */
function weightsBySource(samples: readonly Sample[], options: LearnOptions): Map<string, number> {
  const counts = new Map<string, number>()
  for (const sample of samples) counts.set(keyOf(sample), (counts.get(keyOf(sample)) ?? 0) + 1)
  return new Map(
    samples.map((sample) => {
      const { source, isAttack } = sample.document
      const each = 1 / Math.sqrt((counts.get(keyOf(sample)) ?? 1) / 200)
      return [keyOf(sample), Math.min(1.5, each) * options.weightOf(source, isAttack)]
    }),
  )
}

const keyOf = ({ document: { source, isAttack } }: Sample): string => `${source} ${isAttack}`

function documentCounts(samples: readonly Sample[]): Uint16Array {
  const counts = new Uint16Array(1 << FEATURE_BITS)
  const last = new Int32Array(1 << FEATURE_BITS).fill(-1)
  samples.forEach(({ features }, index) => {
    for (const feature of features) {
      if (last[feature] === index) continue
      last[feature] = index
      counts[feature] = Math.min(65_535, (counts[feature] ?? 0) + 1)
    }
  })
  return counts
}

function shuffle<T>(items: T[], random: Random): void {
  for (let at = items.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    const item = items[at]
    const swapped = items[other]
    if (item === undefined || swapped === undefined) continue
    items[at] = swapped
    items[other] = item
  }
}

/** The same numbers each time (mulberry32): who trains again gets the same weights. */
class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296) * limit)
  }
}
