import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endOfWindow, periodOf } from './window.ts'

const at = (text: string): number => Date.parse(text)

test.for([
  ['hour', '2026-11-22T17:00:00Z', '2026-11-22T18:00:00Z'],
  ['day', '2026-11-22T00:00:00Z', '2026-11-23T00:00:00Z'],
  ['week', '2026-11-16T00:00:00Z', '2026-11-23T00:00:00Z'],
  ['month', '2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z'],
] as const)('a %s begins and ends by UTC', ([calendar, start, end]) => {
  const window = { windowMs: null, calendar }
  const now = at('2026-11-22T17:28:01.500Z')
  expect(periodOf(window, now)).toEqual({ startMs: at(start), untilMs: at(end) })
  expect(endOfWindow(window, now)).toBe(at(end))
  expect(periodOf(window, at(start))).toEqual({ startMs: at(start), untilMs: at(end) })
  expect(periodOf(window, at(start) - 1).untilMs).toBe(at(start))
})

test('the last month of a year ends with it', () => {
  const window = { windowMs: null, calendar: 'month' } as const
  expect(periodOf(window, at('2026-12-31T23:59:59.999Z')).untilMs).toBe(at('2027-01-01T00:00:00Z'))
})

test('what is spent within a sliding window counts for at least as long, and at most a part longer', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 42 }),
      fc.integer({ min: 1000, max: 366 * 86_400_000 }),
      (now, windowMs) => {
        const { startMs, untilMs } = periodOf({ windowMs }, now)
        expect(startMs).toBeLessThanOrEqual(now)
        expect(untilMs).toBeGreaterThan(now + windowMs - 1)
        expect((untilMs ?? 0) - now).toBeLessThanOrEqual(windowMs + Math.ceil(windowMs / 32))
      },
    ),
  )
})

test('for ever ends never', () => {
  expect(periodOf({ windowMs: null }, 5)).toEqual({ startMs: 0, untilMs: null })
  expect(endOfWindow({ windowMs: null }, 5)).toBeNull()
})
