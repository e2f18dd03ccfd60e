import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linkFilter, type LinkFinding } from './link-filter.ts'

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

const token = fc.constantFrom(
  '![',
  '[',
  ']',
  '](',
  '](<',
  ')',
  '(',
  '<',
  '>',
  '"',
  "'",
  '=',
  ':',
  ' ',
  '\n',
  '.',
  '/',
  '\\',
  '`',
  '\n\n',
  ' '.repeat(50),
  '!',

  'https://',
  'http',
  '://',
  'evil.test',
  'ok.test',
  'www.',
  '/a',
  '?q=',
  'url(',
  ']: ',
  '//evil.test/',

  '<img src=',
  '<a href="',
  '<link ',
  'srcset=',
  'content=',
  'word',
  '日本',
  '。',
  '&#46;',
  '😀',
  'aB3dE6gH9jK2'.repeat(5),
)

test('any cutting gives the same text and the same findings', () => {
  fc.assert(
    fc.property(fc.array(token, { maxLength: 30 }), fc.array(fc.nat(400)), (tokens, cuts) => {
      const text = tokens.join('')
      const pieces: string[] = []
      let from = 0
      for (const cut of cuts.sort((a, b) => a - b)) {
        pieces.push(text.slice(from, cut))
        from = Math.max(from, cut)
      }
      pieces.push(text.slice(from))
      const whole = filtered(text)
      expect(filtered(text, pieces)).toEqual(whole)
      expect(filtered(text, text.split(''))).toEqual(whole)
    }),
    { numRuns: 2000 },
  )
})

test('text without links passes at once, character by character', () => {
  const plain = fc.constantFrom(...Array.from('abc XYZ 012 \n\t.,;!?-_(){}"\'<>&#%日本語😀'))
  fc.assert(
    fc.property(fc.array(plain), (characters) => {
      const filter = linkFilter({ reaches: () => false, treat: () => 'redact' })
      for (const character of characters) expect(filter.push('0', character)).toBe(character)
      expect(filter.end('0')).toBe('')
    }),
  )
})

test('an address of another host never passes whole, however it is written and cut', () => {
  const around = fc.constantFrom(
    '![x](%)',
    '[x](%)',
    '![x](<%>)',
    '<img src="%">',
    '<img src=%>',
    '%',
    '[r]: %\n',
    '(%)',
    '"%"',
    'url(%)',
  )
  fc.assert(
    fc.property(around, fc.stringMatching(/^[a-z]{1,8}$/), fc.nat(60), (form, path, cut) => {
      const text = `before ${form.replace('%', `https://evil.test/${path}`)} after`
      const { out } = filtered(text, [text.slice(0, cut), text.slice(cut)])
      expect(out).not.toContain('evil')
      expect(out).toContain('link-removed.invalid')
    }),
  )
})
