/**
 * What the checkpoint costs an HTTPS request: the same load client and the same upstream, direct,
 * from inside a Sekisho session, through `srt proxy` and through mitmproxy.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { latencyRow, rateRow, ratiosOf, rowNames } from './egress/figures.ts'
import {
  direct,
  type Load,
  type Subject,
  throughMitmproxy,
  throughSekisho,
  throughSrt,
} from './egress/subjects.ts'
import { type Bench, type BenchResult, measure, type Row } from './harness.ts'
import type { LoadReport } from './peers/load-main.ts'
import { startUpstream, type Upstream } from './peers/upstream.ts'

const HOST = 'bench.test'
const ROUNDS = 5
/** in front of each series, for every subject alike: their compilers see the code get warm */
const WARM_UP_ROUNDS = 2

type Series = {
  load: Load
  rowOf: (name: string, runs: readonly LoadReport[]) => Row
  nameOf: (subject: string) => string
}

const times = { warmUpMs: 700, durationMs: 2_000 }
const SERIES: readonly Series[] = [
  {
    load: { mode: 'keep-alive', concurrency: 16, ...times },
    rowOf: rateRow,
    nameOf: rowNames.rate,
  },
  {
    load: { mode: 'keep-alive', concurrency: 1, ...times },
    rowOf: latencyRow,
    nameOf: rowNames.keepAlive,
  },
  {
    load: { mode: 'new-connection', concurrency: 1, ...times },
    rowOf: latencyRow,
    nameOf: rowNames.newConnection,
  },
]

export const bench: Bench = {
  name: 'egress',
  run: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sekisho-egress-'))
    const upstream = await startUpstream(directory, HOST)
    try {
      return await withSubjects(directory, upstream, compare)
    } finally {
      await upstream.stop()
      await rm(directory, { recursive: true, force: true })
    }
  },
}

/** Whatever has been started is stopped, also when one of them does not start. */
async function withSubjects<T>(
  directory: string,
  upstream: Upstream,
  use: (subjects: readonly Subject[]) => Promise<T>,
): Promise<T> {
  const subjects = [direct(upstream)]
  try {
    subjects.push(...(await throughSekisho(directory, upstream)))
    subjects.push(await throughSrt(directory, upstream))
    subjects.push(await throughMitmproxy(directory, upstream))
    return await use(subjects)
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()))
  }
}

async function compare(subjects: readonly Subject[]): Promise<BenchResult> {
  const rows: Row[] = []
  for (const series of SERIES) rows.push(...(await runSeries(series, subjects)))
  return { rows, ratios: ratiosOf(rows) }
}

async function runSeries({ load, rowOf, nameOf }: Series, subjects: readonly Subject[]) {
  const runs = new Map<Subject, LoadReport[]>(subjects.map((subject) => [subject, []]))
  const peers = subjects.map((subject) => ({
    name: subject.name,
    unit: '1/s',
    sample: async () => {
      const report = await subject.load(load)
      runs.get(subject)?.push(report)
      return report.requestsPerSecond
    },
  }))
  await measure(peers, { rounds: ROUNDS, warmUpRounds: WARM_UP_ROUNDS })
  return [...runs].map(([{ name }, reports]) => rowOf(nameOf(name), reports.slice(-ROUNDS)))
}
