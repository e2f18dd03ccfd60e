import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findNearest, measureDistance, suggest } from './nearest.ts'

const words = fc.string({ maxLength: 12 })

test.for([
  ['method', ['methods', 'hosts'], 'methods'],
  ['mehtods', ['methods', 'hosts'], 'methods'],
  ['POTS', ['GET', 'POST'], 'POST'],
  ['get', ['GET', 'POST'], 'GET'],
  ['xyz', ['methods', 'hosts'], undefined],
  ['a'.repeat(65), ['a'.repeat(65)], undefined],
] as const)('%s among %o means %s', ([word, candidates, want]) => {
  expect(findNearest(word, candidates)).toBe(want)
})

test('a suggestion falls back when nothing is close', () => {
  expect(suggest('host', ['hosts'], 'none')).toBe('did you mean `hosts`?')
  expect(suggest('zebra', ['hosts'], 'none')).toBe('none')
})

test('a distance is zero only between equals, the same both ways, and at most the longer length', () => {
  fc.assert(
    fc.property(words, words, (a, b) => {
      const distance = measureDistance(a, b, 99)
      expect(distance === 0).toBe(a === b)
      expect(measureDistance(b, a, 99)).toBe(distance)
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length))
    }),
  )
})

test('one edit is a distance of at most one', () => {
  fc.assert(
    fc.property(words, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (word, at, letter) => {
      const place = at % (word.length + 1)
      const edited = word.slice(0, place) + letter + word.slice(place)
      expect(measureDistance(word, edited, 99)).toBe(1)
    }),
  )
})

test('a limit never changes a distance below it', () => {
  fc.assert(
    fc.property(words, words, fc.integer({ min: 1, max: 5 }), (a, b, below) => {
      const distance = measureDistance(a, b, 99)
      const limited = measureDistance(a, b, below)
      if (distance < below) expect(limited).toBe(distance)
      else expect(limited).toBeGreaterThanOrEqual(below)
    }),
    { numRuns: 2000 },
  )
})
