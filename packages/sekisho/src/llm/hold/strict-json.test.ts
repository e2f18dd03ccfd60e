import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readStrictJson } from './strict-json.ts'

const TWICE = { problem: 'a name that stands twice in one object' }
const DEEP = { problem: 'nested more than 64 deep' }

test.for<[string, string, unknown]>([
  ['a name twice', '{"a":1,"a":2}', TWICE],
  ['a name twice, once in escapes', '{"a":1,"\\u0061":2}', TWICE],
  ['a name twice, deep inside', '[{"b":{"a":1,"c":[],"a":1}}]', TWICE],
  ['__proto__ twice', '{"__proto__":1,"__proto__":2}', TWICE],
  ['__proto__ once', '{"__proto__":1}', { value: JSON.parse('{"__proto__":1}') }],
  [
    'colons and quotes in texts',
    '{"a:\\"":"b:\\\\\\":","c\\\\":":"}',
    { value: { 'a:"': 'b:\\":', 'c\\': ':' } },
  ],
  ['the same name in two objects', '[{"a":1},{"a":1}]', { value: [{ a: 1 }, { a: 1 }] }],
  ['names that are numbers', '{"2":1,"1":2,"02":3}', { value: { 2: 1, 1: 2, '02': 3 } }],
  ['no JSON', '{"a":1', { problem: 'no JSON' }],
  ['two values', '{}{}', { problem: 'no JSON' }],
  ['a value that is no object', '"a:b"', { value: 'a:b' }],
  ['64 levels', '['.repeat(64) + ']'.repeat(64), { value: nested(64) }],
  ['65 levels', '['.repeat(65) + ']'.repeat(65), DEEP],
  ['many levels', '{"a":'.repeat(5000) + '1' + '}'.repeat(5000), DEEP],
])('%s', ([, text, want]) => {
  expect(readStrictJson(text)).toEqual(want)
})

test('what JSON.stringify writes is read as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value)
      expect(readStrictJson(text)).toEqual({ value: JSON.parse(text) })
    }),
  )
})

test('a member that is put in twice is always found', () => {
  const names = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(names, fc.nat(), (all, pick) => {
      const twice = all[pick % all.length] ?? ''
      const members = [...all, twice].map((name) => `${JSON.stringify(name)}:[":"]`)
      expect(readStrictJson(`{${members.join(',')}}`)).toEqual(TWICE)
    }),
  )
})

function nested(levels: number): unknown {
  return levels === 1 ? [] : [nested(levels - 1)]
}

// what V8 reads of the second is the shape of the first: see core/parse-json.ts
test('a second name in escapes is seen, whatever shapes were read before', () => {
  for (let round = 0; round < 20; round++) {
    readStrictJson(String.raw`{"q":0,"name":"Read","\\u00":"x"}`)
    const call = readStrictJson(String.raw`{"q":0,"name":"Read","\u006eame":"Bash"}`)
    expect(call).toHaveProperty('problem')
  }
})
