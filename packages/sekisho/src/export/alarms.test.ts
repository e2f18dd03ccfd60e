import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import { type AlertLeaf, Alarms } from './alarms.ts'

const alarm = { rule: 'export.lag', severity: 'high', subject: 'behind' } as const

let written: AlertLeaf[]
let said: string[]
let isDown: boolean
let nowMs: number
let alarms: Alarms
beforeEach(() => {
  written = []
  said = []
  isDown = false
  nowMs = 0
  alarms = new Alarms({
    record: async (leaf) => {
      if (isDown) throw new Error('the keyholder is down')
      written.push(leaf)
    },
    say: (line) => said.push(line),
    elapsedMs: () => nowMs,
  })
})

test('a condition that lasts is told once, and its end once', async () => {
  for (let i = 0; i < 5; i += 1) alarms.raise('a', alarm)
  alarms.clear('a', { ...alarm, severity: 'low', subject: 'well' })
  alarms.clear('a', { ...alarm, severity: 'low', subject: 'well' })
  await turn()
  expect(written.map(({ subject }) => subject)).toEqual(['behind', 'well'])
  expect(said).toEqual(['ALERT high export.lag: behind', 'ALERT low export.lag: well'])
})

test('one that comes and goes is told at most once a minute', async () => {
  for (nowMs = 0; nowMs < 150_000; nowMs += 1000) {
    alarms.raise('a', alarm)
    alarms.clear('a')
  }
  await turn()
  expect(written).toHaveLength(3)
})

test('conditions do not hide each other', async () => {
  alarms.raise('a', alarm)
  alarms.raise('b', alarm)
  await turn()
  expect(written).toHaveLength(2)
})

test('what the log does not take is said at once, and written later, in order', async () => {
  isDown = true
  alarms.raise('a', { ...alarm, subject: 'first' })
  alarms.raise('b', { ...alarm, subject: 'second' })
  await turn()
  expect(written).toEqual([])
  expect(said).toHaveLength(2)
  isDown = false
  await alarms.flush()
  expect(written.map(({ subject }) => subject)).toEqual(['first', 'second'])
})

test('what waits is bounded, and what goes for it is named', async () => {
  isDown = true
  for (let i = 0; i < 70; i += 1) alarms.tell({ ...alarm, subject: String(i) })
  await turn()
  isDown = false
  await alarms.flush()
  expect(written.map(({ subject }) => Number(subject))).toEqual(
    Array.from({ length: 64 }, (_, i) => i + 6),
  )
  expect(said.filter((line) => line.startsWith('an alert is not in the log'))).toHaveLength(6)
})
