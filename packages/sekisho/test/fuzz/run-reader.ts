import { Random } from './random.ts'
import { inputFor, type Reader } from './readers.ts'

export type ReaderRun = {
  runs: number
  /** how often it said what */
  verdicts: ReadonlyMap<string, number>
  /** the longest that one input took */
  slowestMs: number
  /** inputs in hex on which it threw, said nothing, or took too long */
  faults: { input: string; fault: string }[]
}

/** No input here is longer than 64 KiB; a reader that needs so long can be held up on purpose. */
const MAX_READ_MS = 250
const MAX_FAULTS = 10

/** @param until says before each input whether to stop, from how many there were */
export async function runReader(
  reader: Reader,
  { seed, until }: { seed: number; until: (runs: number) => boolean },
): Promise<ReaderRun> {
  const random = new Random(seed)
  const verdicts = new Map<string, number>()
  const run: ReaderRun = { runs: 0, verdicts, slowestMs: 0, faults: [] }
  while (!until(run.runs) && run.faults.length < MAX_FAULTS) {
    const input = inputFor(reader, random)
    run.runs += 1
    const { verdict, tookMs } = await timed(reader, input)
    run.slowestMs = Math.max(run.slowestMs, tookMs)
    const fault =
      verdict.fault ?? (tookMs > MAX_READ_MS ? `took ${tookMs.toFixed(0)} ms` : undefined)
    if (fault !== undefined) run.faults.push({ input: input.toString('hex'), fault })
    verdicts.set(verdict.word, (verdicts.get(verdict.word) ?? 0) + 1)
  }
  return run
}

type Verdict = { word: string; fault?: string }

/** What is slow is tried twice more: a machine that is busy is not a reader that can be held up. */
async function timed(reader: Reader, input: Buffer): Promise<{ verdict: Verdict; tookMs: number }> {
  let fastestMs = Number.POSITIVE_INFINITY
  for (let left = 3; ; left--) {
    const startedMs = performance.now()
    const verdict = await verdictOf(reader, input)
    fastestMs = Math.min(fastestMs, performance.now() - startedMs)
    if (left === 1 || fastestMs <= MAX_READ_MS) return { verdict, tookMs: fastestMs }
  }
}

async function verdictOf(reader: Reader, input: Buffer): Promise<Verdict> {
  try {
    const word = await reader.read(input)
    return word === '' ? { word: 'none', fault: 'no verdict' } : { word }
  } catch (thrown) {
    return {
      word: 'thrown',
      fault: thrown instanceof Error ? (thrown.stack ?? '') : String(thrown),
    }
  }
}
