import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalAround, canonicalJson } from './canonical-json.ts'
import { parseJson } from './parse-json.ts'
import { Secret } from './secret.ts'

test.for([
  {
    name: 'RFC 8785 §3.2.2: the sample object',
    input:
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    want: '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  },
  {
    name: 'RFC 8785 §3.2.3: keys sort by UTF-16 code units',
    input:
      '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}',
    want: '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  },
  {
    name: 'the structures of the reference test data',
    input: '{"1":{"f":{"f":"hi","F":5},"\\n":56.0},"10":{},"":"empty","a":{},"111":[{}],"A":{}}',
    want: '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],"A":{},"a":{}}',
  },
  { name: 'a key named __proto__ is a member', input: '{"__proto__":1}', want: '{"__proto__":1}' },
])('$name', ({ input, want }) => {
  expect(canonicalJson(JSON.parse(input))).toBe(want)
})

/** RFC 8785 appendix B: IEEE 754 bits and their text. */
test.for([
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
] as const)('the number of bits %s is %s', ([bits, want]) => {
  expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE(0))).toBe(want)
})

test.for([
  ['NaN', Number.NaN, '$: NaN is not JSON'],
  ['infinity', { a: [Infinity] }, '$.a[0]: Infinity is not JSON'],
  ['undefined', { a: undefined }, '$.a: undefined is not JSON'],
  ['a hole in an array', Array(1), '$[0]: undefined is not JSON'],
  ['a bigint', 1n, '$: bigint is not JSON'],
  ['a function', () => 1, '$: function is not JSON'],
  ['a lone high surrogate', { a: '\ud800' }, '$.a: a lone surrogate'],
  ['a lone low surrogate', '\udc00x', '$: a lone surrogate'],
  ['a lone surrogate in a key', { '\ud800': 1 }, '$.\ud800: a lone surrogate'],
  ['a date', new Date(0), '$: not a plain object'],
  ['a secret', { s: new Secret('a', 'b') }, '$.s: not a plain object'],
] as const)('refuses %s', ([, value, message]) => {
  expect(() => canonicalJson(value)).toThrow(new TypeError(message))
})

test('a cycle is refused, not followed', () => {
  const a: Record<string, unknown> = {}
  a['b'] = a
  expect(() => canonicalJson(a)).toThrow(/nested deeper than 128/)
})

test('parsing gives the value back, and writing it again gives the same text', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = canonicalJson(value)
      expect(canonicalJson(parseJson(text))).toBe(text)
      expect(parseJson(text)).toEqual(parseJson(JSON.stringify(value)))
    }),
  )
})

test('the order in which keys were set does not matter', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.integer()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse())
      expect(digest(reversed)).toBe(digest(value))
    }),
  )
})

test('the members around a name, put together, are the object without it', () => {
  const names = fc.oneof(fc.constantFrom('sig', 'si', 'sih', 'sig\u0000'), fc.string())
  fc.assert(
    fc.property(fc.dictionary(names, fc.jsonValue()), (value) => {
      const { before, after } = canonicalAround(value, 'sig')
      const { sig: _, ...rest } = value
      const joined = [before, after].filter((half) => half !== '').join(',')
      expect(`{${joined}}`).toBe(canonicalJson(rest))
      const keys = (half: string): string[] => Object.keys(Object(parseJson(`{${half}}`)))
      expect(keys(before).every((key) => key < 'sig')).toBe(true)
      expect(keys(after).every((key) => key > 'sig')).toBe(true)
    }),
  )
  expect(() => canonicalAround({ a: [Number.NaN] }, 'sig')).toThrow(
    new TypeError('$.a[0]: NaN is not JSON'),
  )
})

function digest(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}
