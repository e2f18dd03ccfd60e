import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startThreadClock } from '../../core/testing/thread-clock.ts'
import type { PatternElement } from '../../wire/cedar.ts'
import { compileLike } from './like.ts'

const elements = fc.array(
  fc.oneof(
    fc.constant<PatternElement>('Wildcard'),
    fc.constantFrom('a', 'b', 'ab', '*', '😀', '').map((Literal) => ({ Literal })),
  ),
  { maxLength: 7 },
)
const texts = fc.array(fc.constantFrom('a', 'b', '*', '😀', 'é'), { maxLength: 8 })

/** Over code points, by trying every split. */
function matches(text: readonly string[], pattern: readonly PatternElement[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return text.length === 0
  if (first === 'Wildcard') {
    return Array.from({ length: text.length + 1 }, (_, at) => text.slice(at)).some((tail) =>
      matches(tail, rest),
    )
  }
  const literal = Array.from(first.Literal)
  return (
    literal.every((letter, at) => text[at] === letter) && matches(text.slice(literal.length), rest)
  )
}

test('matches as trying every split of the code points does', () => {
  fc.assert(
    fc.property(elements, texts, (pattern, text) => {
      expect(compileLike(pattern)(text.join(''))).toBe(matches(text, pattern))
    }),
    { numRuns: 3_000 },
  )
})

test('a hundred stars over a hundred thousand letters are no work', () => {
  const pattern = Array.from({ length: 100 }, (): PatternElement[] => [
    'Wildcard',
    { Literal: 'ab' },
  ])
  const match = compileLike(pattern.flat())
  const tookMs = startThreadClock()
  expect(match(`${'a'.repeat(100_000)}b`)).toBe(false)
  expect(tookMs()).toBeLessThan(250)
})
