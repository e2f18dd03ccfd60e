import { deflateRawSync } from 'node:zlib'
import {
  type InjectionModel,
  type PackedModel,
  permilleOf,
} from '../../packages/sekisho/src/detect/content/injection/model.ts'
import { WindowScorer } from '../../packages/sekisho/src/detect/content/injection/windows.ts'
import { hostsOf } from './hosts.ts'
import { learn, type LearnOptions, type Model } from './learn.ts'
import { withoutCopies, withoutHosts } from './near-duplicates.ts'
import { OWN_SOURCE } from './own-documents.ts'
import { MAX_CHARACTERS, type Sample, samplesOf } from './samples.ts'

/** Found by trying, with each source held out in turn; more rounds and other windows change little. */
const OPTIONS: LearnOptions = {
  rounds: 8,
  rate: 0.1,
  decay: 1e-4,
  minDocuments: 6,
  weightOf: (source, isAttack) => (isAttack ? ATTACK_WEIGHTS : HONEST_WEIGHTS)[source] ?? 1,
}

/** Sets whose labels are doubtful, as their sources say, teach less. */
const ATTACK_WEIGHTS: Readonly<Record<string, number>> = {
  inthewild_jailbreak: 0.4,
  deepset_train: 0.5,
  bipia_train: 0.4,
  hinglish: 0.6,
}

/** What the public sets lack would not count among them for anything. */
const HONEST_WEIGHTS: Readonly<Record<string, number>> = { [OWN_SOURCE]: 3 }

/** One honest text in four sets the thresholds, and teaches nothing. */
const VALIDATION_IN = 4
const TOO_MUCH_ALIKE = 0.5

export type Fitted = { model: InjectionModel; validation: readonly Sample[] }

/**
 * Learns from samples, quantises, and sets the scale of likelihoods by honest texts that were kept
 * back, joined to 4 KB as tools give them: 500 ‰ at one false alarm in 100 of them, 900 ‰ at one in
 * 1,000.
 */
export function fit(samples: readonly Sample[]): Fitted {
  const { lessons, validation } = split(samples)
  const model = quantise(learn(lessons, OPTIONS))
  const scores = scoresOf(model, joined(validation)).sort((a, b) => b - a)
  const atHundredth = scores[Math.floor(scores.length / 100)] ?? 0
  const atThousandth = scores[Math.floor(scores.length / 1000)] ?? 0
  const slope = Math.log(9) / Math.max(0.1, atThousandth - atHundredth)
  return { model: { ...model, slope, offset: -slope * atHundredth }, validation }
}

function joined(honest: readonly Sample[]): Sample[] {
  const texts = hostsOf(honest).map(({ before, after }) => before + after)
  return samplesOf(texts.map((text) => ({ text, isAttack: false, source: 'joined' })))
}

function split(samples: readonly Sample[]): { lessons: Sample[]; validation: Sample[] } {
  const attacks = samples.filter(({ document }) => document.isAttack)
  const honest = samples.filter(({ document }) => !document.isAttack)
  const kept = honest.filter((_, index) => index % VALIDATION_IN === 0)
  const taught = honest.filter((_, index) => index % VALIDATION_IN !== 0)
  const lessons = [...taught, ...withoutHosts(attacks, taught)]
  return { lessons, validation: withoutCopies(kept, [...taught, ...attacks], TOO_MUCH_ALIKE) }
}

function quantise({ weights, bias }: Model): InjectionModel {
  const sizes = weights
    .map(Math.abs)
    .filter((size) => size > 0)
    .sort()
  const largest = sizes[Math.floor(sizes.length * 0.9995)] ?? 1
  const scale = largest / 127
  const bytes = Int8Array.from(weights, (weight) =>
    Math.max(-127, Math.min(127, Math.round(weight / scale))),
  )
  return { weights: bytes, scale, bias, slope: 1, offset: 0 }
}

function scoresOf(model: InjectionModel, samples: readonly Sample[]): number[] {
  const scorer = new WindowScorer(model.weights, MAX_CHARACTERS)
  return samples.map((sample) => model.bias + scorer.worst(sample).score * model.scale)
}

export function permillesOf(model: InjectionModel, samples: readonly Sample[]): number[] {
  return scoresOf(model, samples).map((score) => permilleOf(score, model))
}

/** @param made the day, `2026-11-22` */
export function pack({ weights, ...rest }: InjectionModel, made: string): PackedModel {
  const bytes = Buffer.from(weights.buffer, weights.byteOffset, weights.length)
  return { ...rest, made, packed: deflateRawSync(bytes, { level: 9 }).toString('base64') }
}
