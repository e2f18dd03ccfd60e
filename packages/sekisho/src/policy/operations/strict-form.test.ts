import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readStrictForm } from './strict-form.ts'

test.for([
  ['a semicolon as it stands', 'a=1;b=2'],
  ['a field without =', 'a'],
  ['a field without a name', '=1'],
  ['an empty field', 'a=1&&b=2'],
  ['an ampersand at the end', 'a=1&'],
  ['half an escape', 'a=%4'],
  ['an escape that is none', 'a=%zz'],
  ['bytes that are no UTF-8', 'a=%ff'],
  ['a byte outside ASCII', 'a=\u00e9'],
  ['a NUL', 'a=%00'],
  ['a space', 'a=1 2'],
  ['very many fields', `${'a=1&'.repeat(4096)}a=1`],
] as const)('%s is refused', ([, text]) => {
  expect(readStrictForm(text)).toHaveProperty('problem')
})

test('names keep every value in its order', () => {
  const read = readStrictForm('to=a%40x&subject=a+b&to=c=d')
  expect(read).toEqual({
    value: new Map([
      ['to', ['a@x', 'c=d']],
      ['subject', ['a b']],
    ]),
  })
})

test('whatever the platform writes as a form is read as it was', () => {
  const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((each) => !each.includes('\0'))
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 8 }), (pairs) => {
      fc.pre(pairs.flat().every((each) => each.isWellFormed()))
      const read = readStrictForm(new URLSearchParams(pairs).toString())
      const wanted = new Map<string, string[]>()
      for (const [name, value] of pairs) wanted.set(name, [...(wanted.get(name) ?? []), value])
      expect(read).toEqual({ value: wanted })
    }),
  )
})
