import { type Automaton, compileAutomaton } from './automaton.ts'
import type { Alphabet, Detector } from './detector.ts'
import { MAX_RUN_BYTES } from './runs.ts'

/** What all detectors but a few, of words that are rare, see at most before or after a hit. */
export const NEAR_WINDOW_BYTES = 416

const ALPHABETS: readonly Alphabet[] = ['digits', 'base64', 'hex']

/** What a scan needs to know of its detectors; a detector is known by its index. */
export type Plan = {
  detectors: readonly Detector[]
  automaton: Automaton
  /** for each word of the automaton: its length and who waits for it */
  words: readonly { bytes: number; detectors: readonly number[] }[]
  /** who waits for runs, and the shortest run that anyone waits for */
  runs: readonly { alphabet: Alphabet; minBytes: number; detectors: readonly number[] }[]
  /** for each detector: the most bytes that one look of it can cover */
  reach: readonly number[]
  /** for each detector: whether it sees further than NEAR_WINDOW_BYTES */
  isFar: readonly boolean[]
  /** the greatest reach */
  maxReach: number
}

/** For detectors whose bounds have been checked. */
export function planOf(detectors: readonly Detector[]): Plan {
  const waiting = new Map<string, number[]>()
  for (const [index, { trigger }] of detectors.entries()) {
    if (trigger.kind !== 'keyword') continue
    for (const word of new Set(trigger.words.map((one) => one.toLowerCase()))) {
      waiting.set(word, [...(waiting.get(word) ?? []), index])
    }
  }
  const reach = detectors.map(reachOf)
  return {
    detectors,
    automaton: compileAutomaton([...waiting.keys()]),
    words: [...waiting].map(([word, who]) => ({ bytes: word.length, detectors: who })),
    runs: ALPHABETS.flatMap((alphabet) => runsOf(alphabet, detectors)),
    reach,
    isFar: detectors.map(({ window }) => Math.max(window.before, window.after) > NEAR_WINDOW_BYTES),
    maxReach: Math.max(0, ...reach),
  }
}

function runsOf(alphabet: Alphabet, detectors: readonly Detector[]): Plan['runs'] {
  const who = detectors.flatMap(({ trigger }, index) =>
    trigger.kind === 'run' && trigger.alphabet === alphabet
      ? [{ index, minBytes: trigger.minBytes }]
      : [],
  )
  if (who.length === 0) return []
  const minBytes = Math.min(...who.map((one) => one.minBytes))
  return [{ alphabet, minBytes, detectors: who.map(({ index }) => index) }]
}

function reachOf({ trigger, window: { before, after } }: Detector): number {
  const longest =
    trigger.kind === 'run' ? MAX_RUN_BYTES : Math.max(...trigger.words.map((word) => word.length))
  return before + longest + after + 2
}
