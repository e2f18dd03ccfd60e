import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitPath } from './path-glob.ts'
import { loosenPath, readPath } from './path-reading.ts'

test.for([
  ['/a/b', '/a/b'],
  ['/@scope%2Fname', '/@scope/name'],
  ['/admin;jsessionid=1/users', '/admin/users'],
  ['//admin///users', '/admin/users'],
  ['/a%3Bb/c', '/a/c'],
  ['/%C3%A9', '/%C3%A9'],
] as const)('a loose server reads %s as %s', ([path, loose]) => {
  expect(readPath(path)).toEqual({ exact: splitPath(path), loose: splitPath(loose) })
})

test.for([
  '/a/../b',
  '/a/..',
  '/./a',
  '/a/..%2Fb',
  '/a/%2E%2E/b',
  '/a/%2e%2e/b',
  '/a/..;x/b',
  '/a/%252E%252E%252Fb',
  '/a\\..\\b',
  '/a%5C..%5Cb',
])('%s may climb, so it has no reading', (path) => {
  expect(readPath(path)).toBeUndefined()
})

test.for(['/.well-known/x', '/a/...', '/a/..b', '/.git/config'])('%s does not climb', (path) => {
  expect(readPath(path)).toEqual({ exact: splitPath(path), loose: splitPath(path) })
})

test('loosening again changes nothing where nothing is encoded twice', () => {
  const paths = fc.stringMatching(/^\/[a-z/;.\\]{0,20}$/)
  fc.assert(fc.property(paths, (path) => loosenPath(loosenPath(path)) === loosenPath(path)))
})
