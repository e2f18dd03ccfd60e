import type { DetectorClass } from './finding.ts'

export type Span = { start: number; end: number }

/** Bytes that make up a run, without a gap: `base64` takes both alphabets and padding. */
export type Alphabet = 'digits' | 'base64' | 'hex'

/**
 * What makes a detector look closer. `keyword`: one of these words, found by one automaton for all
 * detectors, ASCII case-insensitive (a detector that cares checks the case itself). `run`: a
 * maximal run of at least `minBytes` of one alphabet; digits may be grouped by single spaces,
 * hyphens or dots.
 */
export type Trigger =
  | { kind: 'keyword'; words: readonly string[] }
  | { kind: 'run'; alphabet: Alphabet; minBytes: number }

/**
 * One thing to look for in what leaves a session. Pure; one object in a file's list, and its file
 * a line in `all.ts`.
 */
export type Detector = {
  /** stable, kebab-case after the first dot: `secret.github-pat` */
  id: string
  class: Extract<DetectorClass, 'secret-format' | 'personal-data' | 'high-entropy'>
  /** where the format is published: a URL, an RFC, a standard */
  source: string
  trigger: Trigger
  /** how many bytes before and after the triggering word or run `match` needs to see; ≤ 4,096 */
  window: { before: number; after: number }
  /**
   * The places in the window that are what the detector looks for.
   *
   * @param text the window, latin1: one character a byte
   * @param hit where the triggering word or run stands in it
   */
  match(text: string, hit: Span): readonly Span[]
}
