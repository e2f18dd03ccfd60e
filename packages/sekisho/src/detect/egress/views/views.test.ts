import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeViews } from './all.ts'
import { EscapesView, undoEscapes } from './escapes.ts'
import { InterleavedView } from './interleaved.ts'
import { MimeView } from './mime.ts'
import { BASE64, HEX } from './run-alphabets.ts'
import { RunsView } from './runs.ts'
import type { View } from './view.ts'

const show = (view: View, ...pieces: readonly Uint8Array[]): string =>
  Buffer.concat([...pieces.map((piece) => view.push(piece)), view.end()]).toString('utf8')
const escaped = (text: string, isForm = false): string =>
  show(new EscapesView(isForm), Buffer.from(text))

test.for([
  ['percent', 'a=%41%2f%e3%81%82', 'a=A/あ'],
  ['percent, of no digits', '100% %zz %4', ''],
  ['percent, of UTF-16', '%u0041%u3042', 'Aあ'],
  ['the strings of JSON', '"\\u0041\\n\\"\\/\\\\"', '"A\n"/\\"'],
  ['a pair of surrogates', '\\ud83d\\ude00', '😀'],
  ['a surrogate alone', '\\ud83d!', '\ufffd!'],
  ['the strings of programs', '\\x41\\u{1F600}\\101\\q', 'A😀A\\q'],
  ['references of HTML', '&#65;&#x42;&amp;&lt;&quot;&nope;&#;', 'AB&<"&nope;&#;'],
  ['full-width ASCII', '電話０３－１２３４', '電話03-1234'],
  ['all in one, once', '%5cu0041 \\u0025', '\\u0041 %'],
  ['nothing', 'plain text', ''],
] as const)('undoes %s', ([, text, want]) => {
  expect(escaped(text)).toBe(want)
})

test('a plus is a space in a form, and in nothing else', () => {
  expect(escaped('a+b=c%2B', true)).toBe('a b=c+')
  expect(escaped('a+b=c%2B')).toBe('a+b=c+')
})

test('shows what changed with the words around it, and nothing else', () => {
  const far = 'x '.repeat(300)
  const shown = escaped(`${far}one%41two ${far}three%42four ${far}`)
  const parts = shown.split('\0')
  expect(parts.map((part) => /\S*[AB]\S*/.exec(part)?.[0])).toEqual(['oneAtwo', 'threeBfour'])
  expect(parts.map((part) => part.length < 220)).toEqual([true, true])
})

test('a long word is shown whole, however far from its ends it is escaped', () => {
  const word = 'w'.repeat(1_500)
  expect(escaped(`a ${word}%2E${word} b`)).toContain(`${word}.${word}`)
})

test('says where in the input a place stood', () => {
  const text = Buffer.from(`${'x '.repeat(200)}{"a":"\\u0061bc\\u0064e"} ${'y '.repeat(200)}z%41z`)
  const view = new EscapesView(false)
  const shown = Buffer.concat([view.push(text), view.end()])
  const origin = (wanted: string): string | undefined => {
    const start = shown.indexOf(wanted)
    const place = view.origin({ start, end: start + wanted.length })
    return place === undefined ? undefined : text.toString('utf8', place.start, place.end)
  }
  expect(origin('abcde')).toBe('\\u0061bc\\u0064e')
  expect(origin('bc')).toBe('bc')
  expect(origin('{"a":"')).toBe('{"a":"')
  expect(origin('zAz')).toBe('z%41z')
  expect(view.origin({ start: shown.indexOf(0) - 1, end: shown.indexOf(0) + 2 })).toBeUndefined()
})

const runs = (text: string, alphabet = BASE64): string =>
  show(new RunsView(alphabet), Buffer.from(text))
const base64 = (text: string): string => Buffer.from(text).toString('base64')

test.for([
  ['a run', `x "${base64('hello, hidden world')}" y`, 'hello, hidden world'],
  ['a run behind a path', `/api/v1/${base64('hello, hidden world')}`, 'hello, hidden world'],
  [
    'a run in the URL’s alphabet',
    Buffer.from('??>>hello, hidden>>').toString('base64url'),
    '??>>hello, hidden>>',
  ],
  [
    'lines of a run',
    base64('hello, hidden world '.repeat(9)).replace(/.{76}/g, '$&\r\n'),
    'hello, hidden world '.repeat(9),
  ],
  [
    'lines that are indented',
    base64('hello, hidden world '.repeat(9)).replace(/.{60}/g, '$&\n    '),
    'hello, hidden world '.repeat(9),
  ],
  ['a run of Japanese', base64('個人番号は 123456789018 です'), '個人番号は 123456789018 です'],
] as const)('undoes %s of base64', ([, text, want]) => {
  expect(runs(text)).toContain(want)
})

test('undoes hexadecimal of either case and either place', () => {
  const hex = Buffer.from('hello, hidden world').toString('hex')
  for (const text of [hex, hex.toUpperCase(), `a${hex}`, `0x${hex},`]) {
    expect(runs(text, HEX)).toContain('hello, hidden world')
  }
})

test('a bomb is not inflated beyond the bound, and the view says that it is not complete', () => {
  const view = new RunsView(BASE64)
  const bomb = gzipSync(Buffer.alloc(100_000_000)).toString('base64')
  expect(show(view, Buffer.from(bomb)).length).toBeLessThan(1_000_000)
  expect(view.isIncomplete).toBe(true)
})

test('shows next to nothing of noise', () => {
  let state = 1
  const noise = Buffer.from(
    Array.from({ length: 60_000 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state >>> 24
    }),
  )
  expect(runs(noise.toString('base64')).length).toBeLessThan(noise.length / 10)
  expect(runs(noise.toString('hex'), HEX).length).toBeLessThan(noise.length / 10)
})

const ascii = fc.stringMatching(/^[ -~]{11,60}$/)
const filler = fc.uint8Array({ maxLength: 20_000 }).map((bytes) => Buffer.from(bytes))

test('text in a long run is shown whole, wherever the blocks are cut and whatever is around', () => {
  const prefix = fc.stringMatching(/^[A-Za-z/]{0,7}$/)
  fc.assert(
    fc.property(fc.tuple(filler, filler), ascii, prefix, ([before, after], text, lead) => {
      const inside = Buffer.concat([before, Buffer.from(text), after])
      expect(runs(`${lead}${inside.toString('base64')}`)).toContain(text)
      expect(runs(inside.toString('hex'), HEX)).toContain(text)
    }),
    { numRuns: 30 },
  )
})

test('a long text over many blocks is shown whole', () => {
  const text = Array.from({ length: 9_000 }, (_, at) => `line ${at}`).join('\n')
  expect(runs(base64(text))).toBe(text)
  expect(runs(`/${base64(text)}`)).toContain(text)
})

test('texts that take turns in two lanes do not cut each other', () => {
  const hidden = 'the-secret-that-is-hidden-across-a-block'
  // every few characters of the other lane make text of their own
  const noise = base64('another text of some length')
  for (let shift = 12_200; shift < 12_330; shift += 1) {
    const lead = Buffer.concat([Buffer.alloc(Math.floor((shift * 3) / 4) - 27, 0x80)]).toString(
      'base64',
    )
    const run = `${noise}${lead.replaceAll('=', '')}`.slice(0, shift - (shift % 4)) + base64(hidden)
    expect(runs(run)).toContain(hidden)
  }
})

test.for([
  ['little', Buffer.from('a hidden text', 'utf16le')],
  ['big', Buffer.from('a hidden text', 'utf16le').swap16()],
] as const)('takes %s-endian UTF-16 apart', ([, bytes]) => {
  expect(show(new InterleavedView(), Buffer.from('x'), bytes, Buffer.from('yz'))).toMatch(
    /a hidden text/,
  )
})

test('fields of a binary format are no UTF-16', () => {
  expect(show(new InterleavedView(), Buffer.from('a\0b\0\0\0\0c\0\x01\0d\0e\0f\0\xff'))).toBe('')
})

const MESSAGE = [
  'preamble',
  '--b1',
  'Content-Disposition: form-data; name="file"',
  'Content-Transfer-Encoding: BASE64',
  '',
  'aGVsbG8s IGhp!!',
  'ZGRlbg==',
  '--b1',
  'content-transfer-encoding: quoted-printable',
  '',
  'a=3Db =',
  'joined=',
  '--b1',
  'Content-Type: multipart/mixed; boundary="b2"',
  '',
  '--b2',
  'Content-Transfer-Encoding: base64',
  '',
  'aW5uZXI=',
  '--b2--',
  '--b1',
  '',
  'as it is',
  '--b1--',
].join('\r\n')

test('undoes what the parts of a message are encoded with', () => {
  const view = new MimeView('multipart/form-data; boundary=b1')
  expect(
    show(view, Buffer.from(MESSAGE))
      .split('\0')
      .filter((part) => part !== ''),
  ).toEqual(['hello, hidden', 'a=b joined', 'inner'])
})

test('only a body with parts is read as one', () => {
  const names = (type?: string): string[] => makeViews(type).map(({ name }) => name)
  expect(names('multipart/form-data; boundary=b1')).toContain('mime')
  expect(names('application/json')).toEqual(names())
})

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((raw) => Buffer.from(raw)),
  fc
    .constantFrom('%41', '%', '\\u00', '41', '\\', '&#x4', '1;', '\r\n', '--b1', '\0', 'a\0', '=')
    .map((text) => Buffer.from(text)),
  fc.string({ minLength: 12, maxLength: 90 }).map((text) => Buffer.from(base64(text))),
  fc
    .string({ minLength: 9, maxLength: 50 })
    .map((text) => Buffer.from(Buffer.from(text).toString('hex'))),
  fc.string({ minLength: 9, maxLength: 50 }).map((text) => Buffer.from(text, 'utf16le')),
  fc.constant(Buffer.from(MESSAGE)),
)

test.for(makeViews('multipart/form-data; boundary=b1').map(({ name }) => name))(
  'what the view of %s shows does not depend on the cuts',
  (name) => {
    const make = (): View => {
      const made = makeViews('multipart/form-data; boundary=b1').find((one) => one.name === name)
      if (made === undefined) throw new Error(name)
      return made.view
    }
    fc.assert(
      fc.property(
        fc.array(bytes, { maxLength: 12 }),
        fc.array(fc.nat(4_000), { maxLength: 12 }),
        (parts, cuts) => {
          const text = Buffer.concat(parts)
          const places = [0, ...cuts.map((at) => at % (text.length + 1)), text.length].sort(
            (a, b) => a - b,
          )
          const pieces = places.slice(1).map((end, at) => text.subarray(places[at], end))
          expect(show(make(), ...pieces)).toBe(show(make(), text))
          const single = Array.from(text, (_, at) => text.subarray(at, at + 1))
          expect(show(make(), ...single)).toBe(show(make(), text))
        },
      ),
      { numRuns: 80 },
    )
  },
)

test('undoing the escapes of a whole text is what the view shows of it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', '%41', '\\n', '\\u00e9', '&lt;', '%'), { maxLength: 40 }),
      (parts) => {
        const text = parts.join('')
        const undone = Buffer.from(undoEscapes(Buffer.from(text))).toString()
        expect(escaped(text)).toBe(undone === text ? '' : undone)
      },
    ),
  )
})
