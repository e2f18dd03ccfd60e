import { expect, test } from 'vitest'
import { parseTime } from './time-text.ts'

const NOW = Date.parse('2026-03-01T12:00:00.000Z')

test.for([
  ['a time', '2026-02-28T23:59:58Z', '2026-02-28T23:59:58.000Z'],
  ['a time with a fraction', '2026-02-28T23:59:58.123456Z', '2026-02-28T23:59:58.123Z'],
  ['a time of another zone', '2026-03-01T00:30:00+02:00', '2026-02-28T22:30:00.000Z'],
  ['a time without seconds', '2026-02-28 23:59Z', '2026-02-28T23:59:00.000Z'],
  ['a day', '2026-02-28', '2026-02-28T00:00:00.000Z'],
  ['seconds ago', '-90s', '2026-03-01T11:58:30.000Z'],
  ['hours ago', '-2h', '2026-03-01T10:00:00.000Z'],
  ['a week ago', '-1w', '2026-02-22T12:00:00.000Z'],
  ['now', 'now', '2026-03-01T12:00:00.000Z'],
] as const)('%s is read', ([, text, expected]) => {
  expect(new Date(parseTime(text, NOW) ?? 0).toISOString()).toBe(expected)
})

test.for([
  ['a day that is none', '2026-02-30'],
  ['an hour that is none', '2026-02-28T25:00:00Z'],
  ['a time that says no zone', '2026-02-28T23:59:58'],
  ['a unit that nobody knows', '-2y'],
  ['no number', '-h'],
  ['words', 'yesterday'],
  ['nothing', ''],
] as const)('%s is no time', ([, text]) => {
  expect(parseTime(text, NOW)).toBeUndefined()
})
