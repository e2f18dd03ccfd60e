import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileGlob, splitPath } from '../path-glob.ts'
import { doGlobsOverlap } from './overlapping-globs.ts'

test.for([
  ['/a', '/a', true],
  ['/a', '/b', false],
  ['/a/*', '/*/b', true],
  ['/a/**', '/a', true],
  ['/a/**', '/b/**', false],
  ['/**/x', '/a/**', true],
  ['/a*b', '/ab*', true],
  ['/a*b', '/a*c', false],
  ['/**', '/anything/at/all', true],
  ['/v1/messages', '/v1/messages/*', false],
] as const)('%s and %s: %s', ([a, b, wanted]) => {
  expect(doGlobsOverlap(a, b)).toBe(wanted)
  expect(doGlobsOverlap(b, a)).toBe(wanted)
})

const segment = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '*b', '**', '')
const glob = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
const paths = ['', 'a', 'b', 'ab', 'aab', 'ba'].flatMap((x) =>
  ['', 'a', 'b', 'ab'].flatMap((y) => [`/${x}`, `/${x}/${y}`, `/${x}/${y}/a`, `/${x}/${y}/b/ab`]),
)

test('two globs that one path matches overlap', () => {
  fc.assert(
    fc.property(glob, glob, fc.constantFrom(...paths), (a, b, path) => {
      const split = splitPath(path)
      if (compileGlob(a)(split) && compileGlob(b)(split)) expect(doGlobsOverlap(a, b)).toBe(true)
    }),
    { numRuns: 3000 },
  )
})

test('two globs that overlap have a path in common', () => {
  fc.assert(
    fc.property(glob, glob, (a, b) => {
      fc.pre(doGlobsOverlap(a, b))
      const found = paths.concat(shapes(a), shapes(b)).some((path) => {
        const split = splitPath(path)
        return compileGlob(a)(split) && compileGlob(b)(split)
      })
      expect(found || a.split('/').length + b.split('/').length > 5).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

/** the glob with its wildcards filled in some ways */
function shapes(pattern: string): string[] {
  return ['', 'a', 'b', 'ab'].map((filling) =>
    pattern.replaceAll('**', filling).replaceAll('*', filling),
  )
}
