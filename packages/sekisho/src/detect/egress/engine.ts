import type { Detector } from './detector.ts'
import { planOf } from './engine-plan.ts'
import { type DetectorScan, EngineScan, type NoteFar } from './engine-scan.ts'
import type { Finding } from './finding.ts'
import { MAX_FINDING_BYTES } from './finding-merger.ts'
import { RUN_OVERLAP_BYTES } from './runs.ts'

/** The most that a detector may see before or after what triggered it. */
const MAX_WINDOW_BYTES = 4_096

export type CompiledDetectors = {
  /** looks at one stream; not to be shared between streams */
  scan(noteFar?: NoteFar): DetectorScan
  /** looks at a text as UTF-8; offsets are bytes of that */
  scanText(text: string): readonly Finding[]
  /**
   * A byte may be passed on once this many bytes after it have been pushed: no finding that comes
   * later can cover it.
   */
  lagBytes: number
}

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
    scan: (noteFar) => new EngineScan(plan, noteFar),
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
