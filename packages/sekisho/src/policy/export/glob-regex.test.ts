import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileGlob, splitPath } from '../path-glob.ts'
import { globRegex } from './glob-regex.ts'

const word = fc.constantFrom('a', 'b', 'ab', 'a.b', 'a+b', '(a', '$')
const segment = fc.oneof(word, fc.constantFrom('*', '**', 'a*', '*b', 'a*b', ''))
const globs = fc.array(segment, { minLength: 1, maxLength: 4 }).map((s) => `/${s.join('/')}`)
const paths = fc
  .array(fc.oneof(word, fc.constant('')), { minLength: 1, maxLength: 5 })
  .map((s) => `/${s.join('/')}`)

test('the expression of a glob matches the paths that the glob matches, with and without a query', () => {
  fc.assert(
    fc.property(globs, paths, (glob, path) => {
      const expression = new RegExp(`^(?:${globRegex(glob)})$`)
      const wanted = compileGlob(glob)(splitPath(path))
      expect([glob, path, expression.test(path)]).toEqual([glob, path, wanted])
      expect(expression.test(`${path}?x=/a/b`)).toBe(wanted)
    }),
    { numRuns: 3000 },
  )
})
