import { expect, test } from 'vitest'
import { linkFilter, type LinkFinding, MAX_LINK_CHARACTERS } from './link-filter.ts'

const GONE = 'https://link-removed.invalid/'

/** The session reaches ok.test and what is below. */
function filtered(
  text: string,
  pieces: readonly string[] = [text],
): { out: string; findings: LinkFinding[] } {
  const findings: LinkFinding[] = []
  const filter = linkFilter({
    reaches: ({ hostname }) => hostname === 'ok.test' || hostname.endsWith('.ok.test'),
    treat: (finding) => {
      findings.push(finding)
      return 'redact'
    },
  })
  const out = pieces.map((piece) => filter.push('0', piece)).join('') + filter.end('0')
  return { out, findings }
}

const image = (host: string, why: LinkFinding['why'] = 'host'): LinkFinding => ({
  id: 'exfiltration.image',
  why,
  host,
})
const link = (host: string, why: LinkFinding['why'] = 'host'): LinkFinding => ({
  id: 'exfiltration.link',
  why,
  host,
})

test.for([
  [
    'an image of Markdown',
    'See ![logo](https://evil.test/a.png) here',
    `See ![logo](${GONE}) here`,
    image('evil.test'),
  ],
  [
    'an image with a title',
    '![x](https://evil.test/a "t")',
    `![x](${GONE} "t")`,
    image('evil.test'),
  ],
  [
    'an image in angle brackets',
    '![x](<https://evil.test/a b>)',
    `![x](<${GONE}>)`,
    image('evil.test'),
  ],
  [
    'an image whose address is on the next line',
    '![x](\n  https://evil.test/a)',
    `![x](\n  ${GONE})`,
    image('evil.test'),
  ],
  [
    'an image in a link',
    '[![x](https://evil.test/a)](https://ok.test/)',
    `[![x](${GONE})](https://ok.test/)`,
    image('evil.test'),
  ],
  [
    'an image with brackets in its text',
    '![a [b] c](//evil.test/)',
    `![a [b] c](${GONE})`,
    image('evil.test'),
  ],
  ['an image without a scheme', '![x](//evil.test/a)', `![x](${GONE})`, image('evil.test')],
  [
    'an image with backslashes',
    '![x](https:\\\\evil.test\\a)',
    `![x](${GONE})`,
    image('evil.test'),
  ],
  ['an image with escapes', '![x](https\\://evil&#46;test/a)', `![x](${GONE})`, image('evil.test')],
  [
    'an image with an entity for the colon',
    '![x](https&colon;//evil.test/a)',
    `![x](${GONE})`,
    image('evil.test'),
  ],
  [
    'an image with a user that looks like the host',
    '![x](https://ok.test@evil.test/)',
    `![x](${GONE})`,
    image('evil.test'),
  ],
  [
    'an image at an address that is a number',
    '![x](http://2130706433/a)',
    `![x](${GONE})`,
    image('127.0.0.1'),
  ],
  [
    'a definition of a reference',
    '![x][r]\n\n[r]: https://evil.test/a\nend',
    `![x][r]\n\n[r]: ${GONE}\nend`,
    image('evil.test'),
  ],
  ['a link', '[click](https://evil.test/a)', `[click](${GONE})`, link('evil.test')],
  ['a bare address', 'go to https://evil.test/a now', `go to ${GONE} now`, link('evil.test')],
  ['a bare address in brackets', '(https://evil.test/a)', `(${GONE})`, link('evil.test')],
  [
    'an address as the text of a link',
    '[https://evil.test/a](https://ok.test/)',
    `[${GONE}](https://ok.test/)`,
    link('evil.test'),
  ],
  ['an address in angle brackets', '<https://evil.test/a>', `<${GONE}>`, link('evil.test')],
  [
    'an address in Japanese',
    '「https://evil.test/a」を見て',
    `「${GONE}」を見て`,
    link('evil.test'),
  ],
  [
    'a name that renderers link',
    'see www.evil.test/a ok',
    'see www.link-removed.invalid/ ok',
    link('www.evil.test'),
  ],
  [
    'an img',
    '<img alt="a" src="https://evil.test/a">',
    `<img alt="a" src="${GONE}">`,
    image('evil.test'),
  ],
  ['an img without quotes', '<IMG SRC=//evil.test/a >', `<IMG SRC=${GONE} >`, image('evil.test')],
  [
    'an img with a line break in the address',
    "<img src='ht\ntps://evil.test/a'>",
    `<img src='${GONE}'>`,
    image('evil.test'),
  ],
  [
    'an img with a set',
    '<img srcset="https://ok.test/a 1x, //evil.test/b 2x">',
    `<img srcset="${GONE}">`,
    image('evil.test'),
  ],
  [
    'an iframe',
    '<iframe src = "https://evil.test/">',
    `<iframe src = "${GONE}">`,
    image('evil.test'),
  ],
  ['an a', '<a href="https://evil.test/">x</a>', `<a href="${GONE}">x</a>`, link('evil.test')],
  [
    'a sheet',
    `<link ${'x'.repeat(80)} href="//evil.test/">`,
    `<link ${'x'.repeat(80)} href="${GONE}">`,
    image('evil.test'),
  ],
  [
    'a style',
    '<p style="background:url(//evil.test/a)">',
    `<p style="${GONE}">`,
    image('evil.test'),
  ],
  [
    'a rule of a sheet',
    'p { background: url("//evil.test/a") }',
    `p { background: url("${GONE}") }`,
    image('evil.test'),
  ],
  [
    'a refresh',
    '<meta content="0; url=//evil.test/">',
    `<meta content="${GONE}">`,
    image('evil.test'),
  ],
  [
    'an address that readers disagree about',
    '![x](https://evil.test:99999/)',
    `![x](${GONE})`,
    image('', 'unclear'),
  ],
] as const)('finds %s', ([, text, out, finding]) => {
  const result = filtered(text)
  expect(result.findings).toEqual([finding])
  expect(result.out).toBe(out)
})

test.for([
  [
    'an image that carries a key',
    `![x](https://ok.test/p?d=${'aB3dE6gH9j'.repeat(5)})`,
    image('ok.test', 'data'),
  ],
  [
    'an image that carries text in base64',
    `![x](https://ok.test/${btoa('user said: my password is swordfish')})`,
    image('ok.test', 'data'),
  ],
  [
    'an image that carries words',
    `![x](https://ok.test/${'the/key/is/hidden/under/'.repeat(6)})`,
    image('ok.test', 'data'),
  ],
  [
    'a name that carries data through DNS',
    `![x](https://${'a1b2c3d4e5'.repeat(6)}.ok.test/)`,
    image(`${'a1b2c3d4e5'.repeat(6)}.ok.test`, 'data'),
  ],
  [
    'a link that carries data',
    `https://ok.test/?q=${'deadbeef01'.repeat(8)}`,
    link('ok.test', 'data'),
  ],
  ['a letter with a body', `[mail](mailto:a@ok.test?body=${'x7Kq9'.repeat(10)})`, link('', 'data')],
  [
    'an address without an end',
    `![x](https://ok.test/${'a'.repeat(MAX_LINK_CHARACTERS * 2)} z)`,
    image('', 'data'),
  ],
] as const)('finds %s', ([, text, finding]) => {
  const { out, findings } = filtered(text)
  expect(findings).toEqual([finding])
  expect(out.length).toBeLessThan(80)
})

test.for([
  'Plain text. 1 < 2, a[0], f(x): y = "z".',
  'const a: Record<string, string[]> = { b: c[0] }',
  '![logo](https://ok.test/logo.png) and [docs](https://docs.ok.test/en/guide/getting-started?lang=en#top)',
  '![local](./images/a.png) [section](#usage) ![inline](data:image/png;base64,iVBORw0KGgo=)',
  'https://ok.test/commit/0123456789abcdef0123456789abcdef01234567',
  '[1]: note\n[^2]: Another note.',
  'curl https://$HOST:$PORT/ and http://{host}/ and https://...',
  '<div class="a" id=b>text</div>',
])('%s passes', (text) => {
  expect(filtered(text)).toEqual({ out: text, findings: [] })
})

test('a treatment of record changes nothing', () => {
  const text = `a ![x](https://evil.test/${'b'.repeat(MAX_LINK_CHARACTERS + 9)}) https://evil.test/ c`
  const filter = linkFilter({ reaches: () => false, treat: () => 'record' })
  expect(filter.push('0', text) + filter.end('0')).toBe(text)
})

test('texts of a reply are apart', () => {
  const filter = linkFilter({ reaches: () => false, treat: () => 'redact' })
  expect(filter.push('a', '![x](https://ev')).toBe('![x](')
  expect(filter.push('b', 'il.test/)')).toBe('il.test/)')
  expect(filter.end('a')).toBe(GONE)
  expect(filter.end('b')).toBe('')
})

const EVIL = '//evil.test/a'

test.for([
  ['after many spaces behind the name', `<img src${' '.repeat(60)}="${EVIL}">`],
  ['after many lines behind the name', `<img src${'\n'.repeat(60)}=${EVIL}>`],
  ['behind a bracket in code', `![\`]\`](${EVIL})`],
  ['behind an escaped bracket that closes', `![\\]](${EVIL})`],
  ['behind an escaped bracket that opens', `![a [b] \\[ c](${EVIL})`],
  ['behind an escaped bracket and a parenthesis', `![a\\](b](${EVIL})`],
  ['behind a bracket in a tag', `![a <b x="["> c](${EVIL})`],
  ['behind a link in its words', `![a \\[ [b](x)](${EVIL})`],
  ['behind a link of a line of its own in its words', `![a \\[ [b](\nx\n)](${EVIL})`],
] as const)('an image is known %s', ([, text]) => {
  const { out, findings } = filtered(text)
  expect(out).not.toContain('evil.test')
  expect(findings).toEqual([image('evil.test')])
  expect(filtered(text, text.split(''))).toEqual({ out, findings })
})

test.for([
  ['behind an image', `![a](https://ok.test/a) and [b](${EVIL})`],
  ['in the paragraph behind one with code', `![a](https://ok.test/a) \`x\`\n \n[b](${EVIL})`],
  ['in the paragraph behind a macro', `vec![\`x\`, "\\n"]\n\nSee [b](${EVIL})`],
] as const)('a link is no image %s', ([, text]) => {
  expect(filtered(text).findings).toEqual([link('evil.test')])
})
