import { type Automaton, compileAutomaton } from './automaton.ts'
import type { Alphabet, Detector } from './detector.ts'
import { EngineScan } from './engine-scan.ts'
import type { Finding, Scan } from './finding.ts'
import { MAX_RUN_BYTES, RUN_OVERLAP_BYTES } from './runs.ts'

/** The most that a detector may see before or after what triggered it. */
const MAX_WINDOW_BYTES = 4_096
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
  /** the greatest reach */
  maxReach: number
}

/** A scan that also tells what it did not list. */
export interface DetectorScan extends Scan {
  /** findings beyond the bound of a list: what is to be redacted cannot be, once there is one */
  readonly unlisted: number
}

export type CompiledDetectors = {
  /** looks at one stream; not to be shared between streams */
  scan(): DetectorScan
  /** looks at a text as UTF-8; offsets are bytes of that */
  scanText(text: string): readonly Finding[]
  /**
   * A byte may be passed on once this many bytes after it have been pushed: no finding that comes
   * later can cover it.
   */
  lagBytes: number
}

/** No finding is longer; what is longer is several, one after another. */
export const MAX_FINDING_BYTES = 16_384

/**
 * One automaton and one finder of runs for all detectors, which then look at windows around hits.
 *
 * @throws RangeError when two detectors have one id, or a trigger or a window is out of bounds
 */
export function compileDetectors(detectors: readonly Detector[]): CompiledDetectors {
  for (const detector of detectors) check(detector)
  const ids = new Set(detectors.map(({ id }) => id))
  if (ids.size !== detectors.length) throw new RangeError('two detectors have one id')
  const plan = planOf(detectors)
  return {
    scan: () => new EngineScan(plan),
    scanText: (text) => {
      const scan = new EngineScan(plan)
      return [...scan.push(Buffer.from(text, 'utf8')), ...scan.end()]
    },
    lagBytes: plan.maxReach + MAX_FINDING_BYTES,
  }
}

function check({ id, window: { before, after }, trigger }: Detector): void {
  for (const bytes of [before, after]) {
    if (!(Number.isInteger(bytes) && bytes >= 0 && bytes <= MAX_WINDOW_BYTES)) {
      throw new RangeError(`${id}: a window is 0 to ${MAX_WINDOW_BYTES} bytes`)
    }
  }
  if (trigger.kind === 'keyword') {
    if (trigger.words.length === 0) throw new RangeError(`${id}: no word to look for`)
    if (trigger.words.some((word) => word.length < 2)) throw new RangeError(`${id}: short word`)
  } else if (!(trigger.minBytes >= 4 && trigger.minBytes <= RUN_OVERLAP_BYTES)) {
    throw new RangeError(`${id}: a run is looked for from 4 to ${RUN_OVERLAP_BYTES} bytes`)
  }
}

function planOf(detectors: readonly Detector[]): Plan {
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
