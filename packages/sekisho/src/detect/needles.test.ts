import fc from 'fast-check'
import { expect, test } from 'vitest'
import { spellings } from './needles.ts'

const has = (text: string, spelling: string): boolean =>
  spellings(text).some((needle) => needle.toString('latin1') === spelling)

test.for([
  ['as it is', 'ghp_a+b/c', 'ghp_a+b/c'],
  ['lower hexadecimal', 'ghp_a+', '6768705f612b'],
  ['upper hexadecimal', 'ghp_a+', '6768705F612B'],
  ['percent-encoded', 'ghp_a+b/c', 'ghp_a%2Bb%2Fc'],
  ['percent-encoded in lower case', 'ghp_a+b/c', 'ghp_a%2bb%2fc'],
  ['with every byte percent-encoded', 'gh+', '%67%68%2B'],
  ['form-encoded', 'gh p+a', 'gh+p%2Ba'],
  ['JSON-escaped', 'gh"p\\a', 'gh\\"p\\\\a'],
  ['JSON with escaped slashes', 'ghp/a/b', 'ghp\\/a\\/b'],
  ['JSON in ASCII', 'ghpü', 'ghp\\u00fc'],
] as const)('finds a secret %s', ([, text, spelling]) => {
  expect(has(text, spelling)).toBe(true)
})

const secret = fc.string({ minLength: 8, maxLength: 60, unit: 'grapheme' })
const around = fc.string({ maxLength: 9, unit: 'binary' })

test('finds a secret in base64, whatever stands around it', () => {
  fc.assert(
    fc.property(secret, fc.tuple(around, around), fc.boolean(), (text, [before, after], isUrl) => {
      const encoded = Buffer.from(before + text + after).toString(isUrl ? 'base64url' : 'base64')
      expect(spellings(text).some((needle) => encoded.includes(needle.toString('latin1')))).toBe(
        true,
      )
    }),
  )
})

test('finds a secret in what JSON and URL encoders write', () => {
  fc.assert(
    fc.property(secret, around, (text, before) => {
      const written = [
        JSON.stringify(before + text),
        encodeURIComponent(before.toWellFormed()) + encodeURIComponent(text.toWellFormed()),
        new URLSearchParams({ a: text }).toString(),
      ].map((output) => Buffer.from(output))
      for (const output of written) {
        expect(spellings(text).some((needle) => output.includes(needle))).toBe(true)
      }
    }),
  )
})

test('a plain key has as many spellings as encoders write it in, each once', () => {
  const key = 'sk-made_up.7'
  const hex = Buffer.from(key).toString('hex')
  const every = hex.replace(/../g, '%$&')
  const coded = [0, 1, 2].map((at) => Buffer.from(`${'-'.repeat(at)}${key}---`).toString('base64'))
  expect(new Set(spellings(key).map(String))).toEqual(
    new Set([
      key,
      hex,
      hex.toUpperCase(),
      every,
      every.toUpperCase(),
      coded[0]?.slice(0, 16),
      coded[1]?.slice(2, 17),
      coded[2]?.slice(3, 18),
    ]),
  )
  expect(spellings(key)).toHaveLength(8)
})

test('no spelling is so short that it would match by chance', () => {
  expect(spellings('ab').map(String)).toEqual(['%61%62', 'ab'])
})

test('refuses to look for nothing', () => {
  expect(() => spellings('')).toThrow(RangeError)
})
