/**
 * What one decision takes with 10, 100 and 1,000 policies: our closures, and Cedar's own library as
 * WebAssembly, with the policies parsed once and parsed for each decision.
 *
 * Open Policy Agent's WebAssembly has no place here: `@open-policy-agent/opa-wasm` runs what the `opa`
 * compiler has made, and neither that compiler nor anything that it has made is in the registries.
 */
import { type Bench, type BenchResult, ratioOf, type Row, rowOf } from './harness.ts'
import { requests } from './policy/requests.ts'
import { type Answer, type Subject, subjectsWith } from './policy/subjects.ts'

const COUNTS = [10, 100, 1_000]
const ROUNDS = 12
/** in front, for every subject alike: their compilers see the code get warm */
const WARM_UP_ROUNDS = 3
const NS_PER_US = 1_000

export const bench: Bench = {
  name: 'policy',
  run: async () => {
    const rows: Row[] = []
    for (const count of COUNTS) rows.push(...measureWith(await subjectsWith(count)))
    return { rows, ratios: ratiosOf(rows) } satisfies BenchResult
  },
}

type Series = Subject & { calls: readonly (() => Answer)[]; samples: number[] }

/** Rounds, each of which begins with the next subject; each decision is a sample. */
function measureWith(subjects: readonly Subject[]): Row[] {
  checkThatTheyAgree(subjects)
  const series = subjects.map(
    (subject): Series => ({ ...subject, calls: requests.map(subject.prepare), samples: [] }),
  )
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    const first = round % series.length
    for (const { calls, each, samples } of [...series.slice(first), ...series.slice(0, first)]) {
      const taken = timeEach(calls, each, round)
      if (round >= WARM_UP_ROUNDS) samples.push(...taken)
    }
  }
  return series.map(({ name, samples }) => rowOf({ name, unit: 'us' }, samples))
}

/** Time in µs of so many decisions, one by one. */
function timeEach(calls: readonly (() => Answer)[], count: number, round: number): number[] {
  const times: number[] = []
  for (let at = 0; at < count; at++) {
    const call = calls[(at + round * count) % calls.length]
    const started = process.hrtime.bigint()
    call?.()
    times.push(Number(process.hrtime.bigint() - started) / NS_PER_US)
  }
  return times
}

/** A fast answer that is another one is none. */
function checkThatTheyAgree(subjects: readonly Subject[]): void {
  const seen = new Set<string>()
  for (const request of requests) {
    const answers = subjects.map(({ prepare }) => {
      const { decision, determining } = prepare(request)()
      return JSON.stringify([decision, determining.toSorted()])
    })
    if (new Set(answers).size > 1) throw new Error(`they differ: ${answers.join(' ')}`)
    seen.add(answers[0] ?? '')
  }
  if (seen.size < 4) throw new Error('the requests are all answered alike')
}

function ratiosOf(rows: readonly Row[]): Record<string, number> {
  const ratios: Record<string, number> = {}
  for (const count of COUNTS) {
    const ours = `sekisho, ${count} policies`
    const row = rows.find(({ name }) => name === ours)
    ratios[`us_p50_${count}`] = row?.median ?? Number.NaN
    ratios[`us_p99_${count}`] = row?.p99 ?? Number.NaN
    ratios[`vs_cedar_preparsed_${count}`] = ratioOf(
      rows,
      `cedar-wasm, preparsed, ${count} policies`,
      ours,
    )
    ratios[`vs_cedar_${count}`] = ratioOf(rows, `cedar-wasm, ${count} policies`, ours)
  }
  return ratios
}
