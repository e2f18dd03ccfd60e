import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalForm, parseCanonical } from './canonical.ts'
import { parseJson } from './parse-json.ts'

test.for([
  ['a space', '{"a": 1}'],
  ['keys out of order', '{"b":1,"a":1}'],
  ['a key twice', '{"a":1,"a":1}'],
  ['a long number', '{"a":1.0}'],
  ['an escape that is not needed', '{"a":"\\u0041"}'],
  ['a lone surrogate', '{"a":"\\ud800"}'],
  ['an array', '[1]'],
  ['a string', '"a"'],
  ['half an object', '{"a":1'],
  ['nothing', ''],
] as const)('does not take %s', ([, text]) => {
  expect(parseCanonical(Buffer.from(text))).toBeUndefined()
})

test('does not take invalid UTF-8', () => {
  expect(parseCanonical(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeUndefined()
})

test('takes the canonical form of every object, and gives it back', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const text = canonicalForm(value)
      const parsed = parseCanonical(Buffer.from(text))
      expect(parsed).toEqual(parseJson(text))
    }),
  )
})

test('what is nested so deep that reading it would end the program is not read', () => {
  const nested = (depth: number): Buffer =>
    Buffer.from(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)
  expect(parseCanonical(nested(128))).toBeDefined()
  for (const depth of [257, 30_000]) expect(parseCanonical(nested(depth))).toBeUndefined()
})
