import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findHiddenUnicode, HIDDEN_UNICODE_IDS, HiddenUnicodeScan } from './hidden-unicode.ts'

const tags = (text: string): string =>
  Array.from(text, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('')

test.for([
  ['tags that spell a sentence', `hi${tags('do it')}`, { tags: 5 }],
  [
    'tags behind a flag that spell more than a region',
    `\u{1f3f4}${tags('ignore all')}\u{e007f}`,
    { tags: 11 },
  ],
  ['tags behind a flag without an end', `\u{1f3f4}${tags('gbeng')} x`, { tags: 5 }],
  [
    'an override of direction in code (CVE-2021-42574)',
    'if (level != "user\u202e \u2066// admin\u2069 \u2066") {',
    { bidi: 4 },
  ],
  ['isolates in a line without letters from the right', 'a \u2067b\u2069 c', { bidi: 2 }],
  ['an embedding that its line does not end', 'שלום \u202b a', { bidi: 1 }],
  ['a closing control alone', 'a\u202c', { bidi: 1 }],
  ['a zero-width space in a word', 'ig\u200bnore', { 'zero-width': 1 }],
  ['a joiner in a Latin word', 'ig\u200dnore', { 'zero-width': 1 }],
  ['bits of zero width', `a ${'\u200b\u200c'.repeat(8)} b`, { 'zero-width': 16 }],
  ['Hangul fillers in an identifier', 'user\u3164name', { 'zero-width': 1 }],
  ['a byte order mark in a word', 'pass\ufeffword', { 'zero-width': 1 }],
  [
    'bytes as selectors behind an emoji',
    `😊${'\ufe01\u{e0104}\u{e0155}'}`,
    { 'variation-selectors': 3 },
  ],
  ['a selector behind a letter', 'a\ufe03b', { 'variation-selectors': 1 }],
  ['an ideographic selector behind a digit', '1\u{e0101}', { 'variation-selectors': 1 }],
  ['a run of private use', `x${'\ue101'.repeat(5)}`, { 'private-use': 5 }],
  ['a run of private use in plane 16', '\u{100041}'.repeat(4), { 'private-use': 4 }],
] as const)('finds %s', ([, text, counts]) => {
  const wanted = HIDDEN_UNICODE_IDS.flatMap((id) => {
    const count = Object.entries(counts).find(([kind]) => id === `hidden-unicode.${kind}`)?.[1]
    return count === undefined ? [] : [{ id, count }]
  })
  expect(findHiddenUnicode(text)).toEqual(wanted)
})

test.for([
  ['ASCII', 'const a = 1\n'],
  ['Japanese', '日本語の文章です。「はい」'],
  ['a family', '👨‍👩‍👧‍👦'],
  ['a heart on fire', '❤️‍🔥'],
  ['a technologist with a skin tone', '👩🏽‍💻'],
  ['the flag of Scotland', '🏴󠁧󠁢󠁳󠁣󠁴󠁿'],
  ['a flag of two letters', '🇯🇵'],
  ['a keycap', '1️⃣'],
  ['a sign as a picture', '⚠️ warning ✔️'],
  ['a form of an ideograph', '葛\u{e0100}城市'],
  ['Persian with a non-joiner', 'می‌خواهم'],
  ['Hindi with a joiner', 'क्‍ष'],
  ['Malayalam with a joiner', 'ന്‍'],
  ['Thai with a space of zero width', 'สวัสดี\u200bครับ'],
  ['a place to break a line', 'path/\u200bto/\u200bfile'],
  ['a byte order mark at the beginning', '\ufeff{"a":1}'],
  ['a soft hyphen', 'Donau\u00addampf'],
  ['Hebrew with an isolate', 'שלום \u2066abc\u2069 עולם'],
  ['an insertion of a program', 'Hello, \u2068Anna\u2069!'],
  ['marks of direction', 'a\u200e (\u05d0\u200f)'],
  ['an icon of a font', '\ue0b0 main \uf126'],
])('%s hides nothing', ([, text = '']) => {
  expect(findHiddenUnicode(text)).toEqual([])
})

test('what is found does not depend on how the text was cut', () => {
  const character = fc.constantFrom(
    ...Array.from('ab \n😊🏴葛مש'),
    '\u200b',
    '\u200d',
    '\ufe0f',
    '\u{e0067}',
    '\u{e007f}',
    '\u{e0101}',
    '\u202e',
    '\u2066',
    '\u2069',
    '\ue100',
  )
  fc.assert(
    fc.property(
      fc.array(character, { maxLength: 40 }),
      fc.array(fc.nat(60)),
      (characters, cuts) => {
        const text = characters.join('')
        const scan = new HiddenUnicodeScan()
        let from = 0
        for (const cut of cuts.sort((a, b) => a - b)) {
          scan.push(text.slice(from, cut))
          from = Math.max(from, cut)
        }
        scan.push(text.slice(from))
        expect(scan.end()).toEqual(findHiddenUnicode(text))
      },
    ),
    { numRuns: 2000 },
  )
})
