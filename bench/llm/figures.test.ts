import { expect, test } from 'vitest'
import type { Row } from '../harness.ts'
import { memoryRow, ratiosOf, rowName, rowsOf, SERIES } from './figures.ts'
import type { Served } from './load.ts'

const spread = (median: number) => ({ min: median / 2, median, p99: median * 3 })
const run = (rate: number, firstByte = 1): Served => ({
  requests: 1,
  requestsPerSecond: rate,
  firstByteMs: spread(firstByte),
  wholeMs: spread(9),
  cpuUsPerRequest: rate * 2,
  memoryBytes: rate * 1024 * 1024,
})

test('a series tells rate and CPU over its runs', () => {
  expect(rowsOf('x', SERIES.small, [run(300), run(100), run(200)])).toEqual([
    { name: 'x: 200 B, whole × 8: requests', unit: '1/s', min: 100, median: 200, p99: 298 },
    { name: 'x: 200 B, whole × 8: CPU a request', unit: 'us', min: 200, median: 400, p99: 596 },
  ])
})

test('one run that was disturbed does not move the time to the first byte', () => {
  const quiet = [run(1, 2), run(1, 4), run(1, 6)]
  const expected = {
    name: 'x: 52 KB, 200 deltas: first byte',
    unit: 'ms',
    min: 1,
    median: 4,
    p99: 12,
  }
  expect(rowsOf('x', SERIES.alone, quiet)).toEqual([expected])
  expect(rowsOf('x', SERIES.alone, [...quiet.slice(0, 2), run(1, 900)])).toEqual([expected])
})

test('no run makes no row', () => {
  expect(() => rowsOf('x', SERIES.alone, [])).toThrow(RangeError)
  expect(() => rowsOf('x', SERIES.small, [])).toThrow(RangeError)
})

test('memory is over all runs', () => {
  expect(memoryRow('x', [run(3), run(5)])).toMatchObject({ name: 'x: memory', min: 3, median: 4 })
})

const SUBJECTS = {
  direct: 4000,
  'node:http': 800,
  'undici, parsing': 400,
  portkey: 50,
  sekisho: 200,
}
const rows: Row[] = Object.entries(SUBJECTS).flatMap(([subject, rate]) =>
  Object.values(SERIES).flatMap((series) => rowsOf(subject, series, [run(rate, 1000 / rate)])),
)

test('rates are divided by the peers, first bytes are told less the direct ones', () => {
  expect(ratiosOf(rows)).toEqual({
    cpu_us_52k: 400,
    cpu_us_52k_same: 400,
    cpu_us_52k_streamed: 400,
    cpu_us_200: 400,
    rps_vs_portkey: 4,
    rps_vs_portkey_streamed: 4,
    rps_vs_parsing: 0.5,
    rps_vs_parsing_streamed: 0.5,
    rps_vs_parsing_200: 0.5,
    rps_vs_parsing_200_streamed: 0.5,
    rps_vs_pipe: 0.25,
    first_byte_p50_added_ms: 4.75,
    first_byte_p50_added_ms_200: 4.75,
  })
})

test('without a row that they are made of there are no ratios', () => {
  const missing = rowName('portkey', SERIES.streamed, 'rate')
  const fewer = rows.filter(({ name }) => name !== missing)
  expect(() => ratiosOf(fewer)).toThrow(`no row ${missing}`)
})
