import { expect, test } from 'vitest'
import { mostReplyBytes, promptBound } from './prompt-bound.ts'

test.for([
  ['bytes, and what providers add', { bytes: 1000, pictures: 0, refersElsewhere: false }, 3048],
  ['a picture counts beside them', { bytes: 1000, pictures: 2, refersElsewhere: false }, 99_386],
  [
    'never more than the model takes',
    { bytes: 900_000, pictures: 0, refersElsewhere: false },
    200_000,
  ],
  [
    'what is elsewhere may be as long as that',
    { bytes: 10, pictures: 0, refersElsewhere: true },
    200_000,
  ],
] as const)('%s', ([, size, tokens]) => {
  expect(promptBound(size, 200_000)).toBe(tokens)
})

test('a model that does not say how long a prompt it takes may take the longest', () => {
  expect(promptBound({ bytes: 10, pictures: 0, refersElsewhere: true })).toBe(2_097_152)
  expect(mostReplyBytes(10)).toBe(4256)
})
