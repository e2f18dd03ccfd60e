import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startThreadClock } from '../../core/testing/thread-clock.ts'
import { compileTemplates, readTemplate } from './templates.ts'

const matches = (template: string, url: string): boolean =>
  compileTemplates([template]).match(url) !== undefined

test.for([
  ['https://a.example/items/{id:int}', 'https://a.example/items/42', true],
  ['https://a.example/items/{id:int}', 'https://a.example/items/', false],
  ['https://a.example/items/{id:int}', 'https://a.example/items/4x', false],
  ['https://a.example/items/{id:int}', 'https://a.example/items/42/', false],
  ['https://a.example/items/{id:int}', 'https://a.example/items/42?x', false],
  ['https://a.example/items/{id:int}', 'https://a.example/items/1234567890123', false],
  ['https://a.example/items/{id:int}', 'http://a.example/items/42', false],
  ['https://a.example/items/{id:int}', 'https://a.example:8443/items/42', false],
  ['https://a.example:8443/{a:slug}', 'https://a.example:8443/x-y', true],
  ['https://a.example/{a:slug}', 'https://a.example/X', false],
  ['https://a.example/{a}', 'https://a.example/some_Word1', true],
  ['https://a.example/{a}', 'https://a.example/b64+/=', false],
  [
    'https://a.example/{a:uuid}/x',
    'https://a.example/01234567-89ab-4cde-8f01-23456789abcd/x',
    true,
  ],
  ['https://a.example/{a:sha}', 'https://a.example/0123abc', true],
  ['https://a.example/{a:sha}', 'https://a.example/0123AB', false],
  ['https://a.example/p-{v:semver}.tgz', 'https://a.example/p-1.20.3-rc.1.tgz', true],
  ['https://a.example/p-{v:semver}.tgz', 'https://a.example/p-1.20.tgz', false],
  ['https://a.example/s?q={q:text<=64bits}&p={p:int}', 'https://a.example/s?q=a-b.c&p=2', true],
  [
    'https://a.example/s?q={q:text<=64bits}&p={p:int}',
    'https://a.example/s?q=123456789&p=2',
    false,
  ],
  ['https://a.example/s?q={q:text<=64bits}&p={p:int}', 'https://a.example/s?p=2&q=a', false],
  ['https://a.example/{l:[a-z]{2,2}}/{p:[a-z0-9-]{0,9}}.html', 'https://a.example/de/.html', true],
] as const)('%s and %s: %s', ([template, url, fits]) => {
  expect('problem' in readTemplate(template)).toBe(false)
  expect(matches(template, url)).toBe(fits)
})

test.for([
  ['https://{host}/x', 'does not begin with a scheme'],
  ['https://a.example', 'does not begin with a scheme'],
  ['ftp://a.example/{a}', 'does not begin with a scheme'],
  ['https://10.0.0.1/{a}', 'does not begin with a scheme'],
  ['https://a.example/{a}{b}', 'two variables stand side by side'],
  ['https://a.example/{a:slug}-{b:int}', 'a variable can have the `-` that stands after it'],
  ['https://a.example/{a:[a-z/]{1,9}}', '`[a-z/]` is no class of characters'],
  ['https://a.example/{a:[z-a]{1,9}}', '`[z-a]` is no class of characters'],
  ['https://a.example/{a:[a-z]{9,1}}', 'a variable has 1 to 256 characters, not 9 to 1'],
  ['https://a.example/{a:[a-z]{1,999}}', 'a variable has 1 to 256 characters, not 1 to 999'],
  ['https://a.example/{a:any}', '`any` is no kind of variable'],
  ['https://a.example/{a:text}', '`text` is no kind of variable'],
  ['https://a.example/{a:text<=9999bits}', 'text takes 8 to 1024 bits, not 9999'],
  ['https://a.example/%7e/{a}', 'its path is not canonical'],
  ['https://a.example/../{a}', 'its path is not canonical'],
  ['https://a.example/{a}#x', 'holds #, { or } outside of a variable'],
  ['https://a.example/{A}', 'holds #, { or } outside of a variable'],
  [`https://a.example/${'{a:int}/'.repeat(9)}`, 'has more than 8 variables'],
] as const)('%s is no template: %s', ([source, problem]) => {
  expect(readTemplate(source)).toEqual(
    expect.objectContaining({ problem: expect.stringContaining(problem) }),
  )
})

test.for([
  ['https://a.example/{a:uuid}', 128],
  ['https://a.example/{a:[01]{8,8}}', 8],
  ['https://a.example/{a:[01]{0,3}}', Math.log2(15)],
  ['https://a.example/{a:[a]{1,256}}', 8],
  ['https://a.example/{a:[01]{8,8}}/{b:[01]{8,8}}', 16],
] as const)('a URL of %s can say %s bits', ([source, bits]) => {
  const read = readTemplate(source)
  expect('value' in read ? read.value.bits : undefined).toBeCloseTo(bits, 2)
})

test('free text is as long as its bits allow and no longer', () => {
  const read = readTemplate('https://a.example/?q={q:text<=100bits}')
  expect('value' in read ? read.value.bits : 999).toBeLessThanOrEqual(100)
})

/** The same said as a regular expression, which may go back as it likes. */
const KINDS = { int: '[0-9]{1,12}', word: '[A-Za-z0-9_]{1,32}', '[ab]{1,3}': '[ab]{1,3}' } as const
const kind = fc.constantFrom('int', 'word', '[ab]{1,3}' as const)
const parts = fc.array(
  fc.oneof(
    kind.map((k) => ({ k })),
    fc.constantFrom('/', '-', '/x/', '.y'),
  ),
  { minLength: 1, maxLength: 5 },
)

test('a template takes what its regular expression takes', () => {
  const texts = fc.array(fc.constantFrom('/', '-', 'a', 'b', '1', '22', '_', '/x/', '.y', 'ab'), {
    maxLength: 8,
  })
  fc.assert(
    fc.property(parts, texts, (template, pieces) => {
      const source = `https://a.example/${template.map((p) => (typeof p === 'string' ? p : `{v:${p.k}}`)).join('')}`
      const pattern = template
        .map((p) => (typeof p === 'string' ? p.replaceAll('.', '\\.') : KINDS[p.k]))
        .join('')
      fc.pre('value' in readTemplate(source))
      const url = `https://a.example/${pieces.join('')}`
      expect([source, url, matches(source, url)]).toEqual([
        source,
        url,
        new RegExp(`^https://a\\.example/${pattern}$`).test(url),
      ])
    }),
    { numRuns: 3000 },
  )
})

test('the longest URL against many templates of its host is decided at once', () => {
  const sources = Array.from(
    { length: 256 },
    (_, i) => `https://a.example/{a:[a-z.-]{1,256}}/${i}/{b}`,
  )
  const templates = compileTemplates(sources)
  const url = `https://a.example/${'a'.repeat(8000)}`
  const tookMs = startThreadClock()
  expect(templates.match(url)).toBeUndefined()
  expect(templates.nearest(url)?.matched).toBe('/')
  expect(tookMs()).toBeLessThan(1000)
})
