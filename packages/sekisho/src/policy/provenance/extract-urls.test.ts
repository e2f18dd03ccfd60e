import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startThreadClock } from '../../core/testing/thread-clock.ts'
import { extractUrls, UrlExtractor } from './extract-urls.ts'

const PAGE = 'https://docs.example/guide/index.html'
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

function linksOf(text: string, page = PAGE): string[] {
  const extractor = new UrlExtractor(page)
  return [...extractor.push(bytesOf(text)), ...extractor.end()]
}

test.for<[string, string, string[]]>([
  ['a link in quotes', '<a href="a.html">', ['https://docs.example/guide/a.html']],
  ['in single quotes', "<a class=x href='../a'>", ['https://docs.example/a']],
  ['without quotes', '<a href=/a?b=c>', ['https://docs.example/a?b=c']],
  ['an image', '<img alt="x" src="//cdn.example/i.png">', ['https://cdn.example/i.png']],
  [
    'an image in several sizes',
    '<img srcset="a.png 1x, /b.png 2x">',
    ['https://docs.example/guide/a.png', 'https://docs.example/b.png'],
  ],
  ['entities', '<a href="a?b=1&amp;c=2">', ['https://docs.example/guide/a?b=1&c=2']],
  ['a fragment of the page', '<a href="#top">', []],
  ['a fragment of another', '<a href="a#top">', ['https://docs.example/guide/a']],
  [
    'the base of the page',
    '<base href="/v2/"><a href="a"><base href="/v3/"><a href="b">',
    ['https://docs.example/v2/a', 'https://docs.example/v3/', 'https://docs.example/v2/b'],
  ],
  ['JSON', '{"u":"https:\\/\\/a.example\\/x?a=1\\u0026b=2"}', ['https://a.example/x?a=1&b=2']],
  ['a string in a string', '"{\\"u\\":\\"https://a.example/x\\"}"', ['https://a.example/x']],
  [
    'XML',
    '<loc>https://a.example/x?a=1&amp;b=2</loc>',
    ['https://a.example/x?a=1&amp;b=2', 'https://a.example/x?a=1&b=2'],
  ],
  [
    'Markdown',
    '[a](b.md "t") and [c](https://c.example/x_(y))',
    ['https://docs.example/guide/b.md', 'https://c.example/x_(y)'],
  ],
  [
    'a link whose text is one',
    '[https://a.example/x](https://a.example/y)',
    ['https://a.example/x', 'https://a.example/y'],
  ],
  ['links side by side', '[a](/a)[b](/b)', ['https://docs.example/a', 'https://docs.example/b']],
  [
    'a reference',
    'x\n[a]: https://a.example/r "t"\n[b]: ./b',
    ['https://a.example/r', 'https://docs.example/guide/b'],
  ],
  ['an autolink', '<https://a.example/>', ['https://a.example/']],
  ['CSS', 'a { background: url("../x.png") }', ['https://docs.example/x.png']],
  [
    'the end of a sentence',
    'see https://a.example/x.',
    ['https://a.example/x.', 'https://a.example/x'],
  ],
  [
    'another scheme',
    '<a href="javascript:x"><a href="mailto:a@b.example"><a href="ftp://a.example">',
    [],
  ],
  ['credentials', '<a href="https://u:p@a.example/">', []],
  ['an address', '<a href="http://10.0.0.1/">', []],
  ['dot segments in disguise', '<a href="https://a.example/%2e%2e%2fx">', []],
  [
    'a link that is never closed',
    `<a href="x ${'y'.repeat(3000)} https://a.example/z `,
    ['https://a.example/z'],
  ],
])('finds %s', ([, text, urls]) => {
  expect(linksOf(text).filter((url) => !url.includes('yyyy'))).toEqual(urls)
})

test('a task is words, in which only whole URLs are links', () => {
  expect(
    extractUrls('Compare https://a.example/x with (http://b.example:8080/y?z), not /etc/passwd'),
  ).toEqual(['https://a.example/x', 'http://b.example:8080/y?z),', 'http://b.example:8080/y?z'])
})

const piece = fc.constantFrom(
  '<a href="a.html">',
  "<img src='../b.png'>",
  ' https://c.example/x_(y)). ',
  '[d](d.md)',
  '\n[e]: /e\n',
  '"https:\\/\\/f.example\\/g"',
  '<base href="/h/">',
  'é€😀',
  '"',
  ' href="',
  'https://',
  '](',
  'x'.repeat(3000),
  ' '.repeat(500),
)

test('what is found does not depend on how the bytes were cut', () => {
  const documents = fc.array(piece, { maxLength: 60 }).map((p) => bytesOf(p.join('').repeat(2)))
  fc.assert(
    fc.property(documents, fc.array(fc.nat(100_000), { maxLength: 40 }), (bytes, cuts) => {
      const whole = new UrlExtractor(PAGE)
      const wanted = [...whole.push(bytes), ...whole.end()]
      const parts = new UrlExtractor(PAGE, 1)
      const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
        (a, b) => a - b,
      )
      const found = bounds.flatMap((from, i) => [
        ...parts.push(bytes.subarray(from, bounds[i + 1] ?? from)),
      ])
      expect([...found, ...parts.end()]).toEqual(wanted)
    }),
    { numRuns: 150 },
  )
})

test.for([
  ['quotes that never close', ' href="'],
  ['both kinds of them', ` href="a href='b`],
  ['brackets', ']('],
  ['references', '\n[a'],
  ['beginnings of URLs', 'https://'],
  ['a base in front of everything', '<base '],
  ['open brackets in a URL', '('],
] as const)('a megabyte of %s takes time in proportion', ([, text]) => {
  const bytes = bytesOf(text.repeat(Math.ceil(1_000_000 / text.length)))
  const extractor = new UrlExtractor(PAGE)
  const tookMs = startThreadClock()
  extractor.push(bytes)
  extractor.end()
  expect(tookMs()).toBeLessThan(3000)
})

test('of a reply that is all links no more than 20,000 are learned', () => {
  const text = Array.from({ length: 30_000 }, (_, i) => `<a href="/${i}">`).join('')
  expect(linksOf(text)).toHaveLength(20_000)
})

test('nor if they come one by one', () => {
  const text = `\n[e]: /e\n<base class="x" href="/h/"><a href="a">[d](d.md) "https:\\/\\/f.example\\/g"${' '.repeat(4000)}`
  const bytes = bytesOf(text)
  const extractor = new UrlExtractor(PAGE, 1)
  const found = [...bytes].flatMap((byte) => [...extractor.push(Uint8Array.of(byte))])
  expect([...found, ...extractor.end()]).toEqual([
    'https://docs.example/e',
    'https://docs.example/h/a',
    'https://docs.example/h/d.md',
    'https://f.example/g',
  ])
})
