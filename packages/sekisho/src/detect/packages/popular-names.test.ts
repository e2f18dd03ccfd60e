import fc from 'fast-check'
import { npmHighImpact } from 'npm-high-impact'
import { expect, test } from 'vitest'
import { isOneSlipApart } from './likeness.ts'
import { PopularNames } from './popular-names.ts'
import { PYPI_NAMES } from './pypi-names/all.ts'

const npm = new PopularNames({ names: npmHighImpact, source: 'npm-high-impact' })
const pypi = new PopularNames(PYPI_NAMES)

test('the lists are there', () => {
  expect(npm.size).toBeGreaterThan(15_000)
  expect(pypi.size).toBeGreaterThan(5000)
  expect(PYPI_NAMES.names.every((name) => /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name))).toBe(true)
})

test.for([
  ['a letter left out', 'expres', 'express', 'one-slip'],
  ['a letter too many', 'reactt', 'react', 'one-slip'],
  ['another letter', 'lodasj', 'lodash', 'one-slip'],
  ['two letters swapped', 'lodahs', 'lodash', 'one-slip'],
  ['no separator', 'crossenv', 'cross-env', 'one-slip'],
  ['a digit for a letter', '1odash', 'lodash', 'one-slip'],
  ['capitals', 'Lodahs', 'lodash', 'one-slip'],
  ['another scope', '@bable/core', '@babel/core', 'one-slip'],
  ['no scope', 'types-node', '@types/node', 'same-letters'],
  ['other separators', 'react_dom.server', undefined, undefined],
  ['letters that look alike', 'c0mrnander', 'commander', 'same-letters'],
  ['words in another order', 'react-dom-router', 'react-router-dom', 'same-words'],
  ['a well-known name', 'lodash', undefined, undefined],
  ['a name of a well-known scope', '@types/nodes', undefined, undefined],
  ['a short name', 'lit2', undefined, undefined],
  ['a name like no other', 'our-very-own-thing', undefined, undefined],
] as const)('npm: %s', ([, name, of, how]) => {
  expect(npm.lookalike(name)).toEqual(of === undefined ? undefined : { of, how })
})

test.for([
  ['reqeusts', 'requests'],
  ['djnago', 'django'],
  ['python-dateutils', 'python-dateutil'],
  ['requests', undefined],
] as const)('pypi: %s', ([name, of]) => {
  expect(pypi.lookalike(name)?.of).toBe(of)
})

const names = fc.stringMatching(/^[abc-]{1,8}$/)

test('a slip is what the textbook says', () => {
  fc.assert(
    fc.property(names, names, (a, b) => {
      expect(isOneSlipApart(a, b)).toBe(alignmentDistance(a, b) === 1)
    }),
    { numRuns: 5000 },
  )
})

test('every slip of a well-known name is seen', () => {
  const known = fc.constantFrom(...npmHighImpact.filter((name) => name.length > 6))
  fc.assert(
    fc.property(
      known,
      fc.nat(),
      fc.record({
        letter: fc.constantFrom('a', 'b', 'x', '0', '1', '-'),
        kind: fc.nat({ max: 3 }),
      }),
      (name, at, { letter, kind }) => {
        const place = at % name.length
        const rest = name.slice(place + 1)
        const slip = [
          name.slice(0, place) + rest,
          name.slice(0, place) + letter + name.slice(place),
          name.slice(0, place) + letter + rest,
          name.slice(0, place) + (rest[0] ?? '') + (name[place] ?? '') + rest.slice(1),
        ][kind]
        if (slip === undefined || slip === name || npm.has(slip)) return
        const isOwnScope =
          slip.startsWith('@') && npmHighImpact.some((n) => n.startsWith(`${slip.split('/')[0]}/`))
        expect(npm.lookalike(slip) !== undefined).toBe(!isOwnScope)
      },
    ),
    { numRuns: 500 },
  )
})

/** Optimal string alignment, by the table. */
function alignmentDistance(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (__, j) => (i === 0 ? j : j === 0 ? i : 0)),
  )
  const at = (i: number, j: number): number => table[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      const swaps = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + cost)
      const row = table[i]
      if (row !== undefined) row[j] = swaps ? Math.min(best, at(i - 2, j - 2) + 1) : best
    }
  }
  return at(a.length, b.length)
}
