import { quantile, type Row, ratioOf, rowOf } from '../harness.ts'
import type { Served } from './load.ts'

const MIB = 1024 * 1024

/** What one series is called in front of its rows, and which of its figures are of interest. */
export type Series = { name: string; tells: readonly Figure[] }
type Figure = 'rate' | 'cpu' | 'firstByte'

/** The series that the ratios are made of. */
export const SERIES = {
  whole: { name: '52 KB, whole × 8', tells: ['rate', 'cpu'] },
  same: { name: '52 KB, the same each time, whole × 8', tells: ['rate', 'cpu'] },
  streamed: { name: '52 KB, 200 deltas × 8', tells: ['rate', 'cpu'] },
  small: { name: '200 B, whole × 8', tells: ['rate', 'cpu'] },
  smallStreamed: { name: '200 B, 200 deltas × 8', tells: ['rate', 'cpu'] },
  alone: { name: '52 KB, 200 deltas', tells: ['firstByte'] },
  smallAlone: { name: '200 B, 200 deltas', tells: ['firstByte'] },
} as const satisfies Record<string, Series>

/** One subject's rows for one series, over the runs of all rounds. @throws RangeError on no run */
export function rowsOf(subject: string, series: Series, runs: readonly Served[]): Row[] {
  const named = (figure: Figure): string => rowName(subject, series, figure)
  return series.tells.map((figure) => {
    if (figure === 'firstByte') return firstByteRow(named(figure), runs)
    const values = runs.map((run) =>
      figure === 'rate' ? run.requestsPerSecond : run.cpuUsPerRequest,
    )
    return rowOf({ name: named(figure), unit: figure === 'rate' ? '1/s' : 'us' }, values)
  })
}

/** The most that a subject's processes held after any run. */
export function memoryRow(subject: string, runs: readonly Served[]): Row {
  return rowOf(
    { name: `${subject}: memory`, unit: 'MiB' },
    runs.map(({ memoryBytes }) => memoryBytes / MIB),
  )
}

/** Least of all; medians over the runs of their medians and p99s: one disturbed run is outvoted. */
function firstByteRow(name: string, runs: readonly Served[]): Row {
  if (runs.length === 0) throw new RangeError(`${name}: want at least one run`)
  const medianOf = (of: 'median' | 'p99'): number =>
    quantile(Float64Array.from(runs, ({ firstByteMs }) => firstByteMs[of]).sort(), 0.5)
  const min = Math.min(...runs.map(({ firstByteMs }) => firstByteMs.min))
  return { name, unit: 'ms', min, median: medianOf('median'), p99: medianOf('p99') }
}

const WORDS: Readonly<Record<Figure, string>> = {
  rate: 'requests',
  cpu: 'CPU a request',
  firstByte: 'first byte',
}

export function rowName(subject: string, series: Series, figure: Figure): string {
  return `${subject}: ${series.name}: ${WORDS[figure]}`
}

/** @throws RangeError when a row is missing */
export function ratiosOf(rows: readonly Row[]): Record<string, number> {
  const rate = (series: Series, peer: string): number =>
    ratioOf(rows, rowName('sekisho', series, 'rate'), rowName(peer, series, 'rate'))
  const added = (series: Series): number => {
    const of = (subject: string): number => medianIn(rows, rowName(subject, series, 'firstByte'))
    return of('sekisho') - of('direct')
  }
  const cpu = (series: Series): number => medianIn(rows, rowName('sekisho', series, 'cpu'))
  const { whole, same, streamed, small, smallStreamed, alone, smallAlone } = SERIES
  return {
    cpu_us_52k: cpu(whole),
    cpu_us_52k_same: cpu(same),
    cpu_us_52k_streamed: cpu(streamed),
    cpu_us_200: cpu(small),
    rps_vs_portkey: rate(whole, 'portkey'),
    rps_vs_portkey_streamed: rate(streamed, 'portkey'),
    rps_vs_parsing: rate(whole, 'undici, parsing'),
    rps_vs_parsing_streamed: rate(streamed, 'undici, parsing'),
    rps_vs_parsing_200: rate(small, 'undici, parsing'),
    rps_vs_parsing_200_streamed: rate(smallStreamed, 'undici, parsing'),
    rps_vs_pipe: rate(whole, 'node:http'),
    first_byte_p50_added_ms: added(alone),
    first_byte_p50_added_ms_200: added(smallAlone),
  }
}

function medianIn(rows: readonly Row[], name: string): number {
  const row = rows.find((candidate) => candidate.name === name)
  if (row === undefined) throw new RangeError(`no row ${name}`)
  return row.median
}
