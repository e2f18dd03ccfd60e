import { domainToUnicode } from 'node:url'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeALabel } from './punycode.ts'

/** RFC 3492 §7.1, those that are names */
test.for([
  ['xn--egbpdaj6bu4bxfgehfvwxn', 'ليهمابتكلموشعربي؟'],
  ['xn--ihqwcrb4cv8a8dqg056pqjye', '他们为什么不说中文'],
  ['xn--n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa', 'なぜみんな日本語を話してくれないのか'],
  ['xn--b1abfaaepdrnnbgefbadotcwatmq2g4l', 'почемужеонинеговорятпорусски'],
  ['xn--porqunopuedensimplementehablarenespaol-fmd56a', 'porquénopuedensimplementehablarenespañol'],
  ['xn--3b-ww4c5e180e575a65lsy2b', '3年b組金八先生'],
  ['xn--ls8h', '💩'],
] as const)('%s stands for %s', ([label, text]) => {
  expect(decodeALabel(label)).toBe(text)
})

test.for([
  ['nothing', 'xn--'],
  ['a plain label', 'xn--api-'],
  ['a number that is cut short', 'xn--zzzzzzzzz'],
  ['a character above Unicode', 'xn--999999999'],
  ['a number without an end', `xn--${'9'.repeat(59)}`],
] as const)('%s is no name', ([, label]) => {
  expect(decodeALabel(label)).toBeUndefined()
})

const digit = fc.constantFrom(...Array.from('abcdefghijklmnopqrstuvwxyz0123456789-'))

test('what Node decodes is decoded the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: digit, minLength: 1, maxLength: 20 }), (text) => {
      const label = `xn--${text}`
      const theirs = domainToUnicode(`${label}.example`).replace(/\.example$/, '')
      if (theirs !== label && theirs !== '') expect(decodeALabel(label)).toBe(theirs)
    }),
    { numRuns: 5000 },
  )
})
