import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readStrictJson } from './strict-json.ts'

const read = (text: string): unknown => {
  const result = readStrictJson(Buffer.from(text))
  return 'value' in result ? result.value : undefined
}

test.for([
  ['a name that stands twice', '{"to":"a","to":"b"}'],
  ['the same name in another spelling', String.raw`{"to":"a","\u0074o":"b"}`],
  ['a name that stands twice further in', '{"a":{"x":1,"x":1}}'],
  ['NaN', '{"a":NaN}'],
  ['Infinity', '[Infinity]'],
  ['an exponent', '{"a":1e3}'],
  ['a number that is not exact', '{"a":9007199254740993}'],
  ['more digits than are exact', '{"a":0.12345}'],
  ['a leading zero', '[01]'],
  ['a plus', '[+1]'],
  ['a comment', '{"a":1}//x'],
  ['a comma at the end', '[1,]'],
  ['single quotes', "{'a':1}"],
  ['a name without quotes', '{a:1}'],
  ['a second value', '{}{}'],
  ['bytes behind the value', '{}\u0000'],
  ['a BOM', '\uFEFF{}'],
  ['a control in a text', '"a\nb"'],
  ['half a surrogate', String.raw`"\ud800"`],
  ['an escape that is none', String.raw`"\x41"`],
  ['a text that does not end', '"abc'],
  ['an escape at the end', '"abc\\'],
  ['nothing', ''],
  ['33 lists inside each other', `${'['.repeat(34)}${']'.repeat(34)}`],
  ['very many values', `[${'0,'.repeat(70_000)}0]`],
] as const)('%s is refused', ([, text]) => {
  expect(read(text)).toBeUndefined()
})

test('bytes that are no UTF-8 are refused', () => {
  expect(readStrictJson(Buffer.from([0x22, 0xff, 0x22]))).toEqual({
    problem: 'bytes that are no UTF-8',
  })
})

test('names that mean something to JavaScript are names', () => {
  const value = read('{"__proto__":{"x":1},"constructor":1}')
  expect(JSON.stringify(value)).toBe('{"__proto__":{"x":1},"constructor":1}')
  expect(({} as { x?: number }).x).toBeUndefined()
})

test('a C1 control and an escaped one are text', () => {
  expect(read(String.raw`"a\u0000b"`)).toBe('a\0b')
  expect(read('"\u0085"')).toBe('\u0085')
})

test('minus nought is nought', () => {
  expect(Object.is(read('-0'), 0)).toBe(true)
})

const plain = fc.jsonValue({ depthSize: 'medium', maxDepth: 6 }).map((value) =>
  // oxlint-disable-next-line typescript/no-unsafe-return -- of JSON, JSON comes
  JSON.parse(JSON.stringify(value), (_, each: unknown) =>
    typeof each === 'number' ? Math.trunc(each % 1_000_000) + 0 : each,
  ),
)

test('what is written plainly is read as everybody reads it', () => {
  fc.assert(
    fc.property(plain, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      const text = JSON.stringify(value, null, space)
      fc.pre(text.isWellFormed())
      expect(read(text)).toEqual(JSON.parse(text))
    }),
  )
})

test('whatever is read, JSON.parse reads the same', () => {
  const text = fc
    .array(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        '"',
        ':',
        ',',
        'a',
        '1',
        '0',
        '.',
        '-',
        '\\',
        ' ',
        'true',
        '"a"',
      ),
      {
        maxLength: 14,
      },
    )
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, (source) => {
      const value = read(source)
      if (value !== undefined)
        expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(source)))
    }),
    { numRuns: 3000 },
  )
})
