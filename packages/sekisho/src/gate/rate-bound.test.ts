import { expect, test } from 'vitest'
import { RateBound } from './rate-bound.ts'

test('what is above the rate rides on the next record', () => {
  let nowMs = 0
  const bound = new RateBound(2, () => nowMs)
  expect([1, 2, 3, 4, 5].map(() => bound.admit())).toEqual([0, 0, undefined, undefined, undefined])
  expect(bound.folded).toBe(3)
  nowMs = 500
  expect(bound.admit()).toBe(3)
  expect(bound.folded).toBe(0)
})

test('a long pause saves up one second and no more', () => {
  let nowMs = 0
  const bound = new RateBound(2, () => nowMs)
  nowMs = 3_600_000
  expect([1, 2, 3].map(() => bound.admit())).toEqual([0, 0, undefined])
})

test('a clock that steps back refills nothing and takes nothing', () => {
  let nowMs = 1000
  const bound = new RateBound(1, () => nowMs)
  expect(bound.admit()).toBe(0)
  nowMs = 0
  expect(bound.admit()).toBeUndefined()
  nowMs = 1000
  expect(bound.admit()).toBe(1)
})

test('what is recorded already is only counted', () => {
  const bound = new RateBound(1, () => 0)
  bound.fold(4)
  expect(bound.admit()).toBe(4)
})
