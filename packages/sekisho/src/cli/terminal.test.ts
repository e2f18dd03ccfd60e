import fc from 'fast-check'
import { expect, test } from 'vitest'
import { printable, table } from './terminal.ts'

test.for([
  ['plain text', 'GET /häuser/東京?q=1', 'GET /häuser/東京?q=1'],
  ['an escape sequence', '\u001b[2Jgone', '\\u001b[2Jgone'],
  ['a line end', 'one\nsekisho: sound', 'one\\u000asekisho: sound'],
  ['a carriage return', 'bad\rgood', 'bad\\u000dgood'],
  ['a backspace', 'evil\b\b\b\b', 'evil\\u0008\\u0008\\u0008\\u0008'],
  ['an escape of eight bits', '\u009b31m', '\\u009b31m'],
  ['a turn of direction', 'exe.\u202etxt', 'exe.\\u202etxt'],
  ['an isolate', '\u2066x\u2069', '\\u2066x\\u2069'],
  ['what takes no room', 'a\u200bb\ufeff', 'a\\u200bb\\ufeff'],
  ['an Arabic mark', 'a\u061cb', 'a\\u061cb'],
  ['another line end', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
  ['a hidden letter of a tag', 'a\u{e0041}', 'a\\u{e0041}'],
] as const)('%s cannot drive the terminal', ([, text, shown]) => {
  expect(printable(text)).toBe(shown)
})

test('whatever the text, no control character is left, and only such are changed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = printable(text)
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Bidi_Control}\u2028\u2029]/u)
      expect(printable(shown)).toBe(shown)
      expect(shown.replaceAll(/\\u(?:[0-9a-f]{4}|\{[0-9a-f]+\})/g, '').length).toBeLessThanOrEqual(
        text.length,
      )
    }),
  )
})

test('columns are as wide as their widest cell, and nothing trails', () => {
  expect(
    table([
      ['ID', 'STATE', 'COMMAND'],
      ['s-1', '', 'make test'],
      ['s-100', 'running', ''],
    ]),
  ).toEqual(['ID     STATE    COMMAND', 's-1             make test', 's-100  running'])
  expect(table([])).toEqual([])
})
