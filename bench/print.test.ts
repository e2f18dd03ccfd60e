import { expect, test } from 'vitest'
import { asJson, asTable } from './print.ts'

const printed = {
  ratios: { vs_floor: 2.06 },
  rows: [
    { name: 'ours', unit: 'ms', min: 7.71234, median: 8.25, p99: 12 },
    { name: 'floor', unit: 'ms', min: 3.5, median: 4.005, p99: 12_345.6 },
  ],
  machine: { cpu: 'A CPU', cores: 2, memoryBytes: 24 * 2 ** 30, kernel: '6.18', node: '26.10.0' },
  name: 'session-start',
}

test('JSON is one line with the keys that every benchmark keeps', () => {
  const text = asJson(printed)
  expect(text.trimEnd()).not.toContain('\n')
  expect(Object.keys(JSON.parse(text))).toEqual(['name', 'machine', 'rows', 'ratios'])
  expect(JSON.parse(text)).toEqual(printed)
})

test('the table lines up', () => {
  expect(asTable(printed)).toBe(
    `session-start: 2 × A CPU, 24 GiB, Linux 6.18, Node 26.10.0

       unit    min  median    p99
ours     ms  7.712    8.25     12
floor    ms    3.5   4.005  12346

vs_floor  2.06
`,
  )
})
