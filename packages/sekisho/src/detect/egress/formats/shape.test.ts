import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shapeOf } from './shape.ts'

test.for([
  ['literals', 'abc', { minLength: 3, maxLength: 3, beginnings: ['abc'] }],
  [
    'a class ends the beginning',
    'a\\.[xy]{2,4}b',
    { minLength: 5, maxLength: 7, beginnings: ['a.'] },
  ],
  ['a class of letters', 'a\\d{3}', { minLength: 4, maxLength: 4, beginnings: ['a'] }],
  ['alternatives', '(?:ab|c)d[0-9]', { minLength: 3, maxLength: 4, beginnings: ['abd', 'cd'] }],
  ['what may be left out', 'ab?c', { minLength: 2, maxLength: 3, beginnings: ['a'] }],
  [
    'a group that is repeated',
    'k(?:-[0-9]{4}){3}',
    { minLength: 16, maxLength: 16, beginnings: ['k-'] },
  ],
  ['brackets in a class', '[\\]x]a', { minLength: 2, maxLength: 2, beginnings: [''] }],
  ['alternatives at the top', 'ab|cd', { minLength: 2, maxLength: 2, beginnings: ['ab', 'cd'] }],
] as const)('%s are measured', ([, pattern, shape]) => {
  expect(shapeOf(pattern)).toEqual(shape)
})

test.for(['a*', 'a+', 'a{2,}', '.', '(a)', '^a', 'a$', '(?:a', 'a)', '(?=a)', '[a'])(
  'the pattern %s is unbounded or of another kind, and refused',
  (pattern) => {
    expect(() => shapeOf(pattern)).toThrow(SyntaxError)
  },
)

test('every text that a pattern matches has its length and one of its beginnings', () => {
  const patterns = ['(?:pat|sat)\\.[\\w-]{2,5}', 'x(?:a|bc)?-\\d{3}', '(?:ab|a[bc]{2})c{0,2}']
  fc.assert(
    fc.property(
      fc
        .constantFrom(...patterns)
        .chain((pattern) =>
          fc.tuple(fc.constant(pattern), fc.stringMatching(new RegExp(`^(?:${pattern})$`))),
        ),
      ([pattern, text]) => {
        const { minLength, maxLength, beginnings } = shapeOf(pattern)
        expect(text.length).toBeGreaterThanOrEqual(minLength)
        expect(text.length).toBeLessThanOrEqual(maxLength)
        expect(beginnings.some((beginning) => text.startsWith(beginning))).toBe(true)
      },
    ),
  )
})
