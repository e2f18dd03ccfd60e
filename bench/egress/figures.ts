import { quantile, type Row, ratioOf, rowOf } from '../harness.ts'
import type { LoadReport } from '../peers/load-main.ts'

/**
 * One row for the latencies of several runs: the least of all, and the medians over the runs of
 * their medians and of their p99s, so that one disturbed run does not speak for the others.
 *
 * @throws RangeError on no run
 */
export function latencyRow(name: string, runs: readonly LoadReport[]): Row {
  const medianOf = (of: 'median' | 'p99'): number =>
    quantile(Float64Array.from(runs, ({ latencyMs }) => latencyMs[of]).sort(), 0.5)
  if (runs.length === 0) throw new RangeError(`${name}: want at least one run`)
  const min = Math.min(...runs.map(({ latencyMs }) => latencyMs.min))
  return { name, unit: 'ms', min, median: medianOf('median'), p99: medianOf('p99') }
}

/** Requests a second over several runs. Here min is the slowest run and p99 nearly the fastest. */
export function rateRow(name: string, runs: readonly LoadReport[]): Row {
  return rowOf(
    { name, unit: '1/s' },
    runs.map(({ requestsPerSecond }) => requestsPerSecond),
  )
}

/** The names of the rows that the ratios are made of. */
export const rowNames = {
  rate: (subject: string): string => `${subject} keep-alive × 16`,
  keepAlive: (subject: string): string => `${subject} keep-alive`,
  newConnection: (subject: string): string => `${subject} new connection`,
}

/** @throws RangeError when a row is missing */
export function ratiosOf(rows: readonly Row[]): Record<string, number> {
  const { rate, keepAlive, newConnection } = rowNames
  const added = (row: (subject: string) => string): number =>
    medianIn(rows, row('sekisho')) - medianIn(rows, row('direct'))
  return {
    rps_vs_srt: ratioOf(rows, rate('sekisho'), rate('srt')),
    rps_vs_mitmproxy: ratioOf(rows, rate('sekisho'), rate('mitmproxy')),
    rps_vs_direct: ratioOf(rows, rate('sekisho'), rate('direct')),
    keepalive_p50_added_ms: added(keepAlive),
    new_connection_p50_added_ms: added(newConnection),
  }
}

function medianIn(rows: readonly Row[], name: string): number {
  const row = rows.find((candidate) => candidate.name === name)
  if (row === undefined) throw new RangeError(`no row ${name}`)
  return row.median
}
