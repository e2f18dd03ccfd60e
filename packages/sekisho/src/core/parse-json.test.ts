import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson } from './parse-json.ts'

/** A text, and what it means. Objects are maps, for nobody else is to read them. */
type Said = { text: string; value: unknown }

const escapeOf = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
/** Written with or without escapes. */
const string = (characters: readonly (readonly [string, boolean])[]): Said => ({
  value: characters.map(([character]) => character).join(''),
  text: `"${characters
    .map(([character, isEscaped]) =>
      isEscaped || /["\\\p{Cc}]/u.test(character) ? escapeOf(character) : character,
    )
    .join('')}"`,
})

const character = fc.constantFrom('a', 'm', 'u', '0', '6', '\\', '"', '\n', '\0', '~', ':', 'é')
const strings = fc
  .array(fc.tuple(character, fc.boolean()), { maxLength: 4 })
  .map((characters) => string(characters))
/** Few, so that objects have shapes that others had before. */
const names = fc.constantFrom<Said>(
  ...['', '\\', 'a', '\\u006', 'model', '~0', '\0'].flatMap((name) =>
    [false, true].map((isEscaped) =>
      string(name.split('').map((each, at) => [each, isEscaped && at === 0])),
    ),
  ),
)
const space = fc.constantFrom('', ' ', '\n\t')
const { said } = fc.letrec<{ said: Said }>((tie) => ({
  said: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom<Said>({ text: '0', value: 0 }, { text: 'true', value: true }),
    strings,
    fc.array(tie('said'), { maxLength: 3 }).map((items) => ({
      text: `[${items.map(({ text }) => text).join(',')}]`,
      value: items.map(({ value }) => value),
    })),
    fc
      .uniqueArray(fc.tuple(names, tie('said'), space), {
        maxLength: 4,
        selector: ([name]) => name.value,
      })
      .map((members) => ({
        text: `{${members.map(([name, of, gap]) => `${name.text}${gap}:${of.text}`).join(',')}}`,
        value: new Map(members.map(([name, of]) => [name.value, of.value])),
      })),
  ),
}))

function asMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asMaps)
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([name, of]) => [name, asMaps(of)]))
}

// red within some hundred runs with `JSON.parse` in its place
test('a text means what it says, whatever was read before it', () => {
  fc.assert(
    fc.property(said, ({ text, value }) => {
      expect(asMaps(parseJson(text))).toEqual(value)
    }),
    { numRuns: 2_000 },
  )
})

test('a shape that was seen before does not lend its names', () => {
  for (let round = 0; round < 100; round++) {
    expect(parseJson('{"b":0,"\\\\u006":1}')).toEqual({ b: 0, '\\u006': 1 })
    expect(parseJson('{"b":0,"\\u006dodel":1}')).toEqual({ b: 0, model: 1 })
  }
})

test('`__proto__` is a name like any other', () => {
  const value = parseJson('{"\\u005f_proto__":{"a":1}}')
  expect(Object.entries(Object(value))).toEqual([['__proto__', { a: 1 }]])
})

test.each([
  ['a name twice', '{"\\u0061":1,"a":2}'],
  ['no JSON', '{"\\u0061":1'],
  ['an escape that there is not', '{"\\x61":1}'],
  ['half an escape', '{"\\u00":1}'],
  ['a name that is not closed', '{"\\u0061'],
  ['too deep', `${'{"\\u0061":'.repeat(1_100)}1${'}'.repeat(1_100)}`],
])('%s is no JSON', (_, text) => {
  expect(() => parseJson(text)).toThrow(SyntaxError)
})

test('a text of nothing but tildes takes no longer than any other', () => {
  const tildes = '~'.repeat(2_000_000)
  expect(parseJson(`{"\\u0061":"${tildes}"}`)).toEqual({ a: tildes })
})
