import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalPath, canonicalQuery } from './url-path.ts'

test.for([
  ['/', '/'],
  ['/a//b', '/a//b'],
  ['/%61%2D%7e', '/a-~'],
  ['/%c3%bc', '/%C3%BC'],
  ['/@scope%2fname', '/@scope%2Fname'],
  ['/a;v=1/b', '/a;v=1/b'],
  ['/.well-known/x', '/.well-known/x'],
  ['/...', '/...'],
  ['/a..b', '/a..b'],
  ['/a|b{c}', '/a%7Cb%7Bc%7D'],
  ["/!$&'()*+,;=:@", "/!$&'()*+,;=:@"],
  ['/100%25', '/100%25'],
  ['/%2561', '/%2561'],
  ['/%e9t%e9', '/%E9t%E9'],
  ['/%e6%97%a5%e2%80%a6', '/%E6%97%A5%E2%80%A6'],
  ['/%25252541', '/%25252541'],
] as const)('%s is spelled %s', ([raw, want]) => {
  expect(canonicalPath(raw)).toBe(want)
})

test.for([
  '',
  'a',
  '*',
  'http://a/b',
  '/.',
  '/..',
  '/a/../b',
  '/a/./b',
  '/a/%2e%2e/b',
  '/a/.%2E/b',
  '/a/..;/b',
  '/a/..;x=1/b',
  '/a/.;/b',
  '/a/%2e%2e%3b/b',
  '/a%2f..%2fb',
  '/a/..%2fb',
  '/a/..%5cb',
  '/a/%252e%252e/b',
  '/a%252f..%252fb',
  '/a/%25252e%25252e/b',
  '/a\\b',
  '/a%5Cb',
  '/a%00b',
  '/a%0d%0ab',
  '/a%7f',
  '/a%',
  '/a%2',
  '/a%zz',
  '/%%32%65',
  '/a b',
  '/a\tb',
  '/ü',
  '/a#b',
  '/a?b',
  '//',
  '//evil.example/a',
  '///a',
  '/a/%c0%ae%c0%ae/b',
  '/a/..%c0%af..%c0%afb',
  '/a%e0%80%afb',
  '/%f0%80%80%ae%f0%80%80%ae/b',
  '/%fc%80%80%80%80%ae/b',
  '/%25c0%25ae/b',
  '/a/%ef%bc%8e%ef%bc%8e/b',
  '/a%ef%bc%8f%ef%bc%8e%ef%bc%8e%ef%bc%8fb',
  '/a/%e2%80%a5/b',
  '/a/..%20/b',
  '/a/..%2509/b',
  `/%${'25'.repeat(5)}41`,
])('refuses %j', (raw) => {
  expect(canonicalPath(raw)).toBeUndefined()
})

const PIECES =
  '/ . .. %2e %2E %252e %2f %5c \\ ; ;a=1 a %61 %41 % %25 %00 %c3 // ~ | ? # @ :'.split(' ')
const piece = fc.constantFrom(' ', ...PIECES)
const hostilePath = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`)
const anyPath = fc.oneof(
  hostilePath,
  fc.webPath(),
  fc.string().map((text) => `/${text}`),
)

test('spelling a path twice changes nothing', () => {
  fc.assert(
    fc.property(anyPath, (raw) => {
      const once = canonicalPath(raw)
      return once === undefined || canonicalPath(once) === once
    }),
  )
})

test('no canonical path has a dot segment, however often it is decoded', () => {
  fc.assert(
    fc.property(anyPath, (raw) => {
      let reading = canonicalPath(raw)
      if (reading === undefined) return
      for (let round = 0; round < 8; round++) {
        const segments = reading.split(/[/\\]/).map((segment) => segment.split(';')[0]?.trim())
        expect(segments).not.toContain('..')
        expect(segments).not.toContain('.')
        reading = reading.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        )
      }
    }),
    { numRuns: 1000 },
  )
})

test('a URL parser leaves a canonical path alone', () => {
  fc.assert(
    fc.property(anyPath, (raw) => {
      const path = canonicalPath(raw)
      if (path === undefined) return
      expect(new URL(`http://host.example${path}`).pathname).toBe(path)
      expect(new URL(path, 'http://host.example').href).toBe(`http://host.example${path}`)
    }),
    { numRuns: 1000 },
  )
})

test.for([
  ['a=1&b=%zz', 'a=1&b=%zz'],
  ['', ''],
  ['a=b?c', 'a=b?c'],
  ['a#b', undefined],
  ['a b', undefined],
  ['ü', undefined],
] as const)('the query %j becomes %j', ([raw, want]) => {
  expect(canonicalQuery(raw)).toBe(want)
})
