import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startThreadClock } from '../core/testing/thread-clock.ts'
import { compileGlob, leadingSegments, readPathGlob, splitPath } from './path-glob.ts'

test.for([
  ['/v1/messages', '/v1/messages', true],
  ['/v1/messages', '/v1/messages/', false],
  ['/v1/messages', '/v1/messagesx', false],
  ['/**', '/', true],
  ['/**', '/a/b', true],
  ['/repos/**', '/repos', true],
  ['/repos/**', '/repos/', true],
  ['/repos/**', '/repos/a/b', true],
  ['/repos/**', '/reposx', false],
  ['/repos/*', '/repos/a', true],
  ['/repos/*', '/repos/', true],
  ['/repos/*', '/repos', false],
  ['/repos/*', '/repos/a/b', false],
  ['/**/git-upload-pack', '/git-upload-pack', true],
  ['/**/git-upload-pack', '/me/repo.git/git-upload-pack', true],
  ['/**/git-upload-pack', '/me/repo.git/git-upload-pack/x', false],
  ['/**/git-upload-pack', '/me/xgit-upload-pack', false],
  ['/a/**/b/**/c', '/a/b/c', true],
  ['/a/**/b/**/c', '/a/x/b/y/z/c', true],
  ['/a/**/b/**/c', '/a/x/y/c', false],
  ['/models/*:generate', '/models/gemini:generate', true],
  ['/models/*:generate', '/models/a/b:generate', false],
  ['/a*a', '/a', false],
  ['/a*a', '/aa', true],
  ['/*b*b*', '/abab', true],
  ['/*b*b*', '/ab', false],
  ['/a.c', '/abc', false],
] as const)('%s on %s is %s', ([glob, path, want]) => {
  expect(compileGlob(glob)(splitPath(path))).toBe(want)
})

const segment = fc.stringMatching(/^[ab]{0,4}$/)
const mixed = fc.stringMatching(/^[ab*]{0,5}$/).filter((glob) => !glob.includes('**'))
const globSegment = fc.oneof(fc.constant('**'), mixed)
const paths = fc.array(segment, { minLength: 1, maxLength: 6 }).map((s) => `/${s.join('/')}`)
const globs = fc
  .array(globSegment, { minLength: 1, maxLength: 5 })
  .map((segments) => `/${segments.join('/')}`)

/** The meaning, written for clarity: tries everything. */
function matchesByDefinition(globs: readonly string[], segments: readonly string[]): boolean {
  const [glob, ...globsLeft] = globs
  if (glob === undefined) return segments.length === 0
  if (glob === '**' && matchesByDefinition(globsLeft, segments)) return true
  const [first, ...rest] = segments
  if (first === undefined) return false
  if (glob === '**') return matchesByDefinition(globs, rest)
  const expression = new RegExp(`^${glob.replaceAll('*', '.*')}$`)
  return expression.test(first) && matchesByDefinition(globsLeft, rest)
}

test('the matcher agrees with the definition', () => {
  fc.assert(
    fc.property(globs, paths, (glob, path) => {
      const want = matchesByDefinition(glob.split('/'), path.split('/'))
      expect(compileGlob(glob)(splitPath(path))).toBe(want)
    }),
    { numRuns: 5000 },
  )
})

test('every path that matches starts with the leading segments', () => {
  fc.assert(
    fc.property(globs, paths, (glob, path) => {
      fc.pre(compileGlob(glob)(splitPath(path)))
      const leading = leadingSegments(glob)
      const start = path.split('/').slice(1, leading.length + 1)
      expect(start.map((segment, i) => (leading[i] === '*' ? '*' : segment))).toEqual(leading)
    }),
  )
})

test('a glob made to blow up a backtracking matcher stays linear', () => {
  const across = compileGlob(`/${'**/a/'.repeat(60)}b`)
  const within = compileGlob(`/${'*a'.repeat(200)}b`)
  const long = '/a'.repeat(4000)
  const tookMs = startThreadClock()
  expect(across(splitPath(long))).toBe(false)
  expect(within(splitPath(`/${'a'.repeat(8000)}`))).toBe(false)
  // Milliseconds here; with backtracking, longer than this universe lasts.
  expect(tookMs()).toBeLessThan(2000)
})

test.for([
  ['repos', '`repos` does not start with /', undefined],
  [
    '/a?b=c',
    '`/a?b=c` holds a query',
    'paths are matched without the query; leave out ? and what follows',
  ],
  [
    '/a/../b',
    '`/a/../b` matches no canonical path',
    'leave out dot segments, backslashes, spaces and control characters',
  ],
  ['/%61', '`/%61` is not canonical', 'did you mean `/a`?'],
  ['/a%2fb', '`/a%2fb` is not canonical', 'did you mean `/a%2Fb`?'],
  [
    '/a**',
    '`/a**` mixes ** with other characters in one segment',
    'write ** between slashes, or one * within a segment',
  ],
  [`/${'a'.repeat(512)}`, 'a path has at most 512 characters', undefined],
] as const)('refuses %s', ([glob, problem, hint]) => {
  expect(readPathGlob(glob)).toEqual(hint === undefined ? { problem } : { problem, hint })
})
