import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DETECTORS } from '../../egress/all.ts'
import { compileDetectors } from '../../egress/engine.ts'
import { MAX_HELD_CHARACTERS, REDACTED, secretsFilter } from './secrets-filter.ts'
import { filterChain, MAX_TEXT_STREAMS, perStream } from './text-filter.ts'

const detectors = compileDetectors(DETECTORS.filter((one) => one.class === 'secret-format'))

/** Made up; put together here so that no scanner takes the file for a leak. */
const TOKEN = ['gh', 'p_', 'R7vQ2mXk9LpT4wYs8NbZ1cHd6JfA3e0Gm7Kx'].join('')
const GITLAB = ['glp', 'at-', 'x7Kq9Zp2Lm4Vt8Rw3Ns6'].join('')
const KEY = [
  `-----BEGIN ${'RSA PRIVATE'} KEY-----`,
  ...Array.from({ length: 12 }, (_, line) =>
    createHash('sha512').update(`made up ${line}`).digest('base64').slice(0, 64),
  ),
  `-----END ${'RSA PRIVATE'} KEY-----`,
].join('\n')

function filtered(
  text: string,
  pieces: readonly string[] = [text],
): { out: string; found: string[] } {
  const found: string[] = []
  const filter = secretsFilter({
    detectors,
    treat: ({ detector }) => {
      found.push(detector)
      return detector.startsWith('secret.generic-') ? 'record' : 'redact'
    },
  })
  const out = pieces.map((piece) => filter.push('0', piece)).join('') + filter.end('0')
  return { out, found }
}

test.for([
  ['a token among words', `the token ${GITLAB} is yours`, `the token ${REDACTED} is yours`],
  ['two tokens', `${GITLAB} and ${GITLAB}`, `${REDACTED} and ${REDACTED}`],
  ['a token in JSON', `{"token":"${GITLAB}"}`, `{"token":"${REDACTED}"}`],
  ['a token in Japanese', `鍵は${GITLAB}です。`, `鍵は${REDACTED}です。`],
  ['a token at the end', GITLAB, REDACTED],
  [
    'a token behind a long run',
    `${'ab/'.repeat(MAX_HELD_CHARACTERS)} ${GITLAB}`,
    `${'ab/'.repeat(MAX_HELD_CHARACTERS)} ${REDACTED}`,
  ],
])('%s is replaced', ([, text = '', out]) => {
  expect(filtered(text).out).toBe(out)
})

test('a private key of many lines is replaced', () => {
  const { out, found } = filtered(`Here:\n${KEY}\nDone.`)
  expect(found).toEqual(['secret.private-key-rsa'])
  expect(out).toBe(`Here:\n${REDACTED}-----END ${'RSA PRIVATE'} KEY-----\nDone.`)
})

test.for([
  'Plain words pass, and 1234567890 too.',
  'a certificate\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  '-----BEGIN',
  '----- BEGIN -----BEGIN of the story',
  `import { a } from './node_modules/some/long/path/index.js'`,
])('%s passes unchanged', (text) => {
  expect(filtered(text)).toEqual({ out: text, found: [] })
})

test('a word passes when it has ended', () => {
  const filter = secretsFilter({ detectors, treat: () => 'redact' })
  expect(filter.push('0', 'Hello wor')).toBe('Hello ')
  expect(filter.push('0', 'ld, this')).toBe('world, ')
  expect(filter.end('0')).toBe('this')
})

test('what passes as one text is what passes a character at a time', () => {
  const words = [
    GITLAB,
    'so',
    ' implements\n',
    ' a1b2c3d4 ',
    'longwords-----BEGIN ',
    KEY,
    '日本',
    ': ',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 12 }), (some) => {
      const text = some.join('')
      expect(filtered(text)).toEqual(filtered(text, text.split('')))
    }),
    { numRuns: 200 },
  )
})

test('any cutting gives the same text and findings, and no piece of a secret passes', () => {
  const token = fc.constantFrom(
    GITLAB,
    TOKEN,
    KEY,
    ' ',
    '\n',
    'word',
    '日本',
    '"',
    ':',
    '-----BEGIN',
    '-----',
    '😀',
    'x'.repeat(5000),
    ' implements ',
    ' a1b2c3d4 ',
    'internationalisation\t',
    'key=',
  )
  fc.assert(
    fc.property(fc.array(token, { maxLength: 14 }), fc.array(fc.nat(9000)), (tokens, cuts) => {
      const text = tokens.join('')
      const pieces: string[] = []
      let from = 0
      for (const cut of cuts.sort((a, b) => a - b)) {
        pieces.push(text.slice(from, cut))
        from = Math.max(from, cut)
      }
      pieces.push(text.slice(from))
      expect(filtered(text, pieces)).toEqual(filtered(text))
    }),
    { numRuns: 300 },
  )
})

test('filters of a chain see what those before let pass, to the end', () => {
  const upper = perStream(() => ({ push: (text) => text.toUpperCase(), end: () => 'end' }))
  const quoted = perStream(() => ({
    push: (text) => (text === '' ? '' : `<${text}>`),
    end: () => '.',
  }))
  const chain = filterChain([upper, quoted])
  expect(chain.push('0', 'ab')).toBe('<AB>')
  expect(chain.end('0')).toBe('<end>.')
})

test('a reply of more texts than any has is refused', () => {
  const filter = perStream(() => ({ push: (text) => text, end: () => '' }))
  for (let index = 0; index < MAX_TEXT_STREAMS; index++) filter.push(String(index), 'a')
  expect(() => filter.push('more', 'a')).toThrow(RangeError)
  expect(filter.push('7', 'b')).toBe('b')
})
