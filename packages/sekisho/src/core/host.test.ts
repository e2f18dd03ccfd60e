import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalHost, canonicalHostPattern, matchesHost } from './host.ts'

test.for([
  ['Example.COM', 'example.com'],
  ['example.com.', 'example.com'],
  ['localhost', 'localhost'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
  ['xn--fa-hia.de', 'xn--fa-hia.de'],
  ['xn--ls8h.example', 'xn--ls8h.example'],
  ['xn--wgv71a119e.xn--wgv71a', 'xn--wgv71a119e.xn--wgv71a'],
  ['xn--jbe.example', 'xn--jbe.example'],
  ['r3---sn-abc.example', 'r3---sn-abc.example'],
  ['1.2.3.4.example', '1.2.3.4.example'],
  ['3com.com', '3com.com'],
  [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
] as const)('%s is spelled %s', ([text, want]) => {
  expect(canonicalHost(text)).toBe(want)
})

test.for([
  '',
  '.',
  'a..b',
  '.a',
  'a.b..',
  '-a.example',
  'a-.example',
  'a_b.example',
  'bücher.example',
  'a.example\0',
  'a example',
  'a.example:80',
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x',
  'a.0x7f',
  'a.1',
  '[::1]',
  '\u212aelvin.example',
  'a%2eexample',
  'xn--.example',
  'xn--api-.example',
  'xn--google-.example',
  'xn--a.example',
  'xn--999999999.example',
  'xn--zzzzzzzzz.example',
  'xn--bcher-kva.xn--0',
  'xn--50b.example',
  `${'a'.repeat(64)}.example`,
  `${'a.'.repeat(127)}aa`,
])('refuses %j', (text) => {
  expect(canonicalHost(text)).toBeUndefined()
})

const anyHost = fc.oneof(fc.string(), fc.domain(), fc.stringMatching(/^[a-zA-Z0-9.-]{1,40}$/))

test('spelling a name twice changes nothing', () => {
  fc.assert(
    fc.property(anyHost, (text) => {
      const once = canonicalHost(text)
      return once === undefined || canonicalHost(once) === once
    }),
  )
})

test('a canonical name means the same to a URL parser', () => {
  fc.assert(
    fc.property(anyHost, (text) => {
      const host = canonicalHost(text)
      if (host === undefined) return
      expect(new URL(`http://${host}/`).hostname).toBe(host)
    }),
  )
})

const label = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...Array.from('abz019-')),
    fc.integer({ min: 0xa1, max: 0x1ff }).map((code) => String.fromCodePoint(code)),
    fc.constantFrom(...Array.from('日本語中文한국어русскийελληνικάעבריתไทย💩ß')),
  ),
  minLength: 1,
  maxLength: 12,
})

test('every name that a browser makes of Unicode is taken', () => {
  fc.assert(
    fc.property(label, (text) => {
      const name = URL.parse(`http://${text}.example/`)?.hostname
      if (name === undefined || !/^xn--[a-z0-9-]+\.example$/.test(name)) return
      expect(canonicalHost(name)).toBe(name)
    }),
    { numRuns: 2000 },
  )
})

test.for([
  ['*.Example.com', '*.example.com'],
  ['example.com', 'example.com'],
  ['*', undefined],
  ['*.*.example.com', undefined],
  ['a.*.example.com', undefined],
] as const)('the pattern %s is spelled %s', ([text, want]) => {
  expect(canonicalHostPattern(text)).toBe(want)
})

test.for([
  { pattern: '*.example.com', host: 'api.example.com', want: true },
  { pattern: '*.example.com', host: 'a.b.example.com', want: true },
  { pattern: '*.example.com', host: 'example.com', want: false },
  { pattern: '*.example.com', host: 'evilexample.com', want: false },
  { pattern: 'example.com', host: 'example.com', want: true },
  { pattern: 'example.com', host: 'api.example.com', want: false },
])('$pattern on $host: $want', ({ pattern, host, want }) => {
  expect(matchesHost(pattern, host)).toBe(want)
})
