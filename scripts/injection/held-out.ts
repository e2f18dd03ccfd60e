import { TextScorer } from '../../packages/sekisho/src/detect/content/injection/text-scorer.ts'
import { fit, permillesOf } from './fit.ts'
import { withoutCopies } from './near-duplicates.ts'
import { hostsOf, inHost } from './hosts.ts'
import { MAX_CHARACTERS, type Sample } from './samples.ts'

/** Shares of texts at the two thresholds, each set where honest texts of the same kind have them. */
export type Shares = { atHundredth: number; atThousandth: number }

/** How one set did with a model that has learned from all the others. */
export type HeldOut = {
  source: string
  /** attacks that were scored; those that other sets have too are not */
  attacks: number
  /** found by words alone, as a text of their own */
  words: Shares
  /** by words and rules */
  all: Shares
  /** by words and rules, with 500 ‰ and 900 ‰ as they are shipped: thresholds of 4 KB of text */
  fixed: Shares
  /** by words and rules, in the middle of 4 KB of honest text */
  hosted: Shares
  /** honest texts of the same set, and how many of them are false alarms */
  honest: number
  falseAlarms: Shares
}

/** Of each other set's texts, those made so much of this one's are not learned from. */
const ALIKE_IN_TRAINING = 0.4
const ALIKE_IN_TEST = 0.5

/** Holds a whole set out: learns from the rest, sets thresholds by the rest, scores the set. */
export function holdOut(source: string, samples: readonly Sample[]): HeldOut {
  const held = samples.filter(({ document }) => document.source === source)
  const others = samples.filter(({ document }) => document.source !== source)
  const taught = withoutCopies(others, held, ALIKE_IN_TRAINING)
  const { model, validation } = fit(taught)
  const attacks = held.filter(({ document }) => document.isAttack)
  const tested = withoutCopies(attacks, taught, ALIKE_IN_TEST)
  const honest = held.filter(({ document }) => !document.isAttack)
  const scorer = new TextScorer(model, MAX_CHARACTERS)
  const scoreText = (text: string): number => scorer.score(text, 'tool-result').permille
  const scoreAll = (some: readonly Sample[]): number[] =>
    some.map(({ document }) => scoreText(document.text))
  const validationScores = scoreAll(validation)
  const hosts = hostsOf(validation)
  const scores = scoreAll(tested)
  return {
    source,
    attacks: tested.length,
    words: sharesOf(permillesOf(model, tested), permillesOf(model, validation)),
    all: sharesOf(scores, validationScores),
    fixed: { atHundredth: shareAbove(scores, 499), atThousandth: shareAbove(scores, 899) },
    hosted: sharesOf(
      tested.map(({ document }, index) => scoreText(inHost(document.text, hosts, index))),
      hosts.map(({ before, after }) => scoreText(before + after)),
    ),
    honest: honest.length,
    falseAlarms: sharesOf(scoreAll(honest), validationScores),
  }
}

function sharesOf(scores: readonly number[], honest: readonly number[]): Shares {
  return {
    atHundredth: shareAbove(scores, thresholdOf(honest, 100)),
    atThousandth: shareAbove(scores, thresholdOf(honest, 1000)),
  }
}

/** At most one honest text in so many scores higher. */
function thresholdOf(honest: readonly number[], oneIn: number): number {
  const sorted = honest.toSorted((a, b) => b - a)
  return sorted[Math.floor(sorted.length / oneIn)] ?? 0
}

function shareAbove(scores: readonly number[], threshold: number): number {
  return scores.filter((score) => score > threshold).length / scores.length
}
