import { expect, test } from 'vitest'
import type { Row } from '../harness.ts'
import type { LoadReport } from '../peers/load-main.ts'
import { latencyRow, rateRow, ratiosOf, rowNames } from './figures.ts'

type Latency = [min: number, median: number, p99: number]

const run = (requestsPerSecond: number, [min, median, p99]: Latency): LoadReport => ({
  requests: 1,
  requestsPerSecond,
  latencyMs: { min, median, p99 },
})
const row = (name: string, median: number): Row => ({ name, unit: 'x', min: 0, median, p99: 0 })

test('a latency row takes the least of all runs, and medians of medians and of p99s', () => {
  const runs = [run(1, [0.4, 0.5, 9]), run(1, [0.3, 0.7, 2]), run(1, [0.6, 0.9, 1])]
  expect(latencyRow('x', runs)).toEqual({ name: 'x', unit: 'ms', min: 0.3, median: 0.7, p99: 2 })
})

test('one run that was disturbed does not move a latency row', () => {
  const quiet = [run(1, [0.4, 0.5, 1]), run(1, [0.4, 0.5, 1]), run(1, [0.4, 0.5, 1])]
  const noisy = [...quiet, run(1, [50, 80, 900])]
  expect(latencyRow('x', noisy)).toEqual(latencyRow('x', quiet))
})

test('a rate row is over the rates of the runs', () => {
  const runs = [run(300, [0, 0, 0]), run(100, [0, 0, 0]), run(200, [0, 0, 0])]
  expect(rateRow('x', runs)).toMatchObject({ unit: '1/s', min: 100, median: 200 })
})

test('no run makes no row', () => {
  expect(() => latencyRow('x', [])).toThrow(RangeError)
  expect(() => rateRow('x', [])).toThrow(RangeError)
})

const rows = [
  row(rowNames.rate('direct'), 800),
  row(rowNames.rate('sekisho'), 80),
  row(rowNames.rate('srt'), 100),
  row(rowNames.rate('mitmproxy'), 20),
  row(rowNames.keepAlive('direct'), 0.25),
  row(rowNames.keepAlive('sekisho'), 0.75),
  row(rowNames.newConnection('direct'), 1),
  row(rowNames.newConnection('sekisho'), 3),
]

test('rates are divided by the peer, latencies are told less the direct ones', () => {
  expect(ratiosOf(rows)).toEqual({
    rps_vs_srt: 0.8,
    rps_vs_mitmproxy: 4,
    rps_vs_direct: 0.1,
    keepalive_p50_added_ms: 0.5,
    new_connection_p50_added_ms: 2,
  })
})

test.for(rows)('without the row $name there are no ratios', (missing) => {
  expect(() => ratiosOf(rows.filter((one) => one !== missing))).toThrow(`no row ${missing.name}`)
})
