import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonLine } from './json-line.ts'

test('what drives a terminal or turns a line is escaped, and nothing else', () => {
  expect(jsonLine({ a: '\u202ex\u009b2J\u007f', 'b\u2028': 'é漢 ok\u{e0001}' })).toBe(
    String.raw`{"a":"\u202ex\u009b2J\u007f","b\u2028":"é漢 ok\udb40\udc01"}`,
  )
})

test('a program reads back what was there', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const line = jsonLine(value)
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
