/**
 * What the model gateway costs a call: the same load client and the same scripted model, direct,
 * from inside a Sekisho session, through two plain proxies and through the Portkey gateway.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bench, type BenchResult, measure, type Row } from './harness.ts'
import { memoryRow, ratiosOf, rowsOf, SERIES } from './llm/figures.ts'
import type { Served } from './llm/load.ts'
import {
  direct,
  type Load,
  type Model,
  startModel,
  type Subject,
  throughPortkey,
  throughProxy,
  throughSekisho,
} from './llm/subjects.ts'

const ROUNDS = 3
/** in front of each series, for every subject alike: their compilers see the code get warm */
const WARM_UP_ROUNDS = 1

const times = { warmUpMs: 800, durationMs: 2_000 }
const busy = { concurrency: 8, ...times }
const alone = { concurrency: 1, ...times }
const LOADS: Readonly<Record<keyof typeof SERIES, Load>> = {
  whole: { bodyBytes: 52_000, content: 'turns', stream: false, ...busy },
  same: { bodyBytes: 52_000, content: 'same', stream: false, ...busy },
  streamed: { bodyBytes: 52_000, content: 'turns', stream: true, ...busy },
  small: { bodyBytes: 200, content: 'turns', stream: false, ...busy },
  smallStreamed: { bodyBytes: 200, content: 'turns', stream: true, ...busy },
  alone: { bodyBytes: 52_000, content: 'turns', stream: true, ...alone },
  smallAlone: { bodyBytes: 200, content: 'turns', stream: true, ...alone },
}

export const bench: Bench = {
  name: 'llm',
  run: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sekisho-llm-'))
    const model = await startModel(directory)
    try {
      return await withSubjects(directory, model, compare)
    } finally {
      await model.stop()
      await rm(directory, { recursive: true, force: true })
    }
  },
}

/** Whatever has been started is stopped, also when one of them does not start. */
async function withSubjects<T>(
  directory: string,
  model: Model,
  use: (subjects: readonly Subject[]) => Promise<T>,
): Promise<T> {
  const subjects = [direct(model)]
  try {
    subjects.push(await throughSekisho(directory, model))
    subjects.push(await throughProxy('pipe', model))
    subjects.push(await throughProxy('parse', model))
    subjects.push(await throughPortkey(model))
    return await use(subjects)
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()))
  }
}

async function compare(subjects: readonly Subject[]): Promise<BenchResult> {
  const all = new Map<Subject, Served[]>(subjects.map((subject) => [subject, []]))
  const rows: Row[] = []
  for (const key of seriesKeys()) {
    const runs = await runSeries(LOADS[key], subjects)
    for (const [subject, served] of runs) {
      rows.push(...rowsOf(subject.name, SERIES[key], served))
      all.get(subject)?.push(...served)
    }
  }
  const between = subjects.filter(({ name }) => name !== 'direct')
  rows.push(...between.map((subject) => memoryRow(subject.name, all.get(subject) ?? [])))
  return { rows, ratios: ratiosOf(rows) }
}

function seriesKeys(): (keyof typeof SERIES)[] {
  return Object.keys(SERIES).filter((key): key is keyof typeof SERIES => key in LOADS)
}

async function runSeries(
  load: Load,
  subjects: readonly Subject[],
): Promise<Map<Subject, Served[]>> {
  const runs = new Map<Subject, Served[]>(subjects.map((subject) => [subject, []]))
  const peers = subjects.map((subject) => ({
    name: subject.name,
    unit: '1/s',
    sample: async () => {
      const served = await subject.load(load)
      runs.get(subject)?.push(served)
      return served.requestsPerSecond
    },
  }))
  await measure(peers, { rounds: ROUNDS, warmUpRounds: WARM_UP_ROUNDS })
  return new Map([...runs].map(([subject, served]) => [subject, served.slice(-ROUNDS)]))
}
