import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { indexPrints } from '../secret-prints/print-index.ts'
import { makeSecretPrints } from '../secret-prints/make-secret-prints.ts'
import { PrintScan } from '../secret-prints/print-scan.ts'
import type { Finding, Scan } from '../finding.ts'
import { compileDetectors } from '../engine.ts'
import { PERSONAL_DATA } from '../personal-data/all.ts'
import { ViewedScan } from './viewed-scan.ts'

const KEY = Buffer.alloc(32, 7)

function scanFor(secret: string, pieces: readonly Buffer[], contentType?: string): Finding[] {
  const made = makeSecretPrints('token', secret, KEY)
  if (made.kind === 'refused') throw new Error(made.reason)
  const index = indexPrints({ key: KEY.toString('base64'), secrets: [made.prints] })
  const scan = new ViewedScan(contentType, () => new PrintScan(index))
  return [...pieces.flatMap((piece) => scan.push(piece)), ...scan.end()]
}

function cut(text: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...cuts.map((at) => at % (text.length + 1)), 0, text.length].sort((a, b) => a - b)
  return places.slice(1).map((end, index) => text.subarray(places[index], end))
}

type Spelling = (bytes: Buffer) => Buffer
const wrapped = (text: string, width: number): string =>
  text.replace(new RegExp(`.{${width}}(?=.)`, 'g'), '$&\r\n')
const SPELLINGS: Readonly<Record<string, Spelling>> = {
  plain: (bytes) => bytes,
  base64: (bytes) => Buffer.from(bytes.toString('base64')),
  base64url: (bytes) => Buffer.from(bytes.toString('base64url')),
  'wrapped base64': (bytes) => Buffer.from(wrapped(bytes.toString('base64'), 76)),
  hex: (bytes) => Buffer.from(bytes.toString('hex')),
  'upper hex': (bytes) => Buffer.from(bytes.toString('hex').toUpperCase()),
  percent: (bytes) =>
    Buffer.from(encodeURIComponent(bytes.toString('latin1').replace(/[^\0-\x7f]/g, '?'))),
  'percent of all': (bytes) => Buffer.from(bytes.toString('hex').replace(/../g, '%$&')),
  json: (bytes) =>
    Buffer.from(JSON.stringify(bytes.toString('latin1').replace(/[^\0-\x7f]/g, '?'))),
  'json of units': (bytes) =>
    Buffer.from(
      bytes
        .toString('latin1')
        .replace(/[^]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
    ),
  octal: (bytes) =>
    Buffer.from(
      bytes
        .toString('latin1')
        .replace(/[^]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`),
    ),
  html: (bytes) =>
    Buffer.from(
      bytes.toString('latin1').replace(/[^]/g, (c) => `&#x${c.charCodeAt(0).toString(16)};`),
    ),
  utf16le: (bytes) => Buffer.from(bytes.toString('latin1'), 'utf16le'),
  utf16be: (bytes) => Buffer.from(bytes.toString('latin1'), 'utf16le').swap16(),
  'gzip in base64': (bytes) => Buffer.from(gzipSync(bytes).toString('base64')),
  'zlib in base64': (bytes) => Buffer.from(deflateSync(bytes).toString('base64')),
  'gzip in hex': (bytes) => Buffer.from(gzipSync(bytes).toString('hex')),
}
const names = Object.keys(SPELLINGS)
const spell = (name: string, bytes: Buffer): Buffer => SPELLINGS[name]?.(bytes) ?? bytes

const secret = fc.stringMatching(/^[A-Za-z0-9_\-/+=.]{16,60}$/)
const around = fc.stringMatching(/^[ -~\n]{0,200}$/)
const cuts = fc.array(fc.nat(20_000), { maxLength: 6 })

test.for(names)('finds a secret in %s, whatever stands around it', (name) => {
  fc.assert(
    fc.property(secret, fc.tuple(around, around), cuts, (value, [before, after], at) => {
      const text = Buffer.from(
        `${before} ${spell(name, Buffer.from(value)).toString('latin1')} ${after}`,
        'latin1',
      )
      expect(scanFor(value, cut(text, at)).map(({ detector }) => detector)).toContain(
        'platform.token',
      )
    }),
    { numRuns: 20 },
  )
})

test('finds a secret spelled twice over, with text around it at every step', () => {
  fc.assert(
    fc.property(
      secret,
      fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)),
      fc.tuple(around, around, cuts),
      (value, [inner, outer], [before, after, at]) => {
        const inside = Buffer.concat([
          Buffer.from(`${before} `),
          spell(inner, Buffer.from(value)),
          Buffer.from(` ${after}`),
        ])
        const text = Buffer.concat([
          Buffer.from(`${after} `),
          spell(outer, inside),
          Buffer.from(` ${before}`),
        ])
        const found = scanFor(value, cut(text, at))
        expect(found.map(({ detector }) => detector)).toContain('platform.token')
      },
    ),
    { numRuns: 150 },
  )
})

const detectors = compileDetectors(PERSONAL_DATA)

/** What is found, as `detector view: text`, where its place can be told, `detector view` elsewhere. */
function personal(text: string, contentType?: string): string[] {
  const scan = new ViewedScan(contentType, () => detectors.scan())
  const bytes = Buffer.from(text)
  return [...scan.push(bytes), ...scan.end()].map(({ detector, view, start, end }) =>
    view === undefined
      ? `${detector}: ${bytes.toString('utf8', start, end)}`
      : `${detector} in ${view}`,
  )
}

test.for([
  [
    'a word that is escaped',
    '{"n":"\\u500b\\u4eba\\u756a\\u53f7 123456789018"}',
    ['pii.my-number: 123456789018'],
  ],
  [
    'a number that is escaped',
    '"4111\\u0020111\\x31 1111 1111"',
    ['pii.card: 4111\\u0020111\\x31 1111 1111'],
  ],
  ['full-width digits', '電話：０３－１２３４－５６７８', ['pii.phone: ０３－１２３４－５６７８']],
  [
    'what is not escaped, but for its neighbours',
    '"a\\n\\"4111 1111 1111 1111\\"\\n"',
    ['pii.card: 4111 1111 1111 1111'],
  ],
  ['what is escaped twice', 'x %2534111 1111 1111 1111', ['pii.card: %2534111 1111 1111 1111']],
  ['base64', Buffer.from('no. 4111 1111 1111 1111').toString('base64'), ['pii.card in base64']],
  [
    'hex of base64',
    Buffer.from(Buffer.from('no. 4111 1111 1111 1111').toString('base64')).toString('hex'),
    ['pii.card in hex>base64'],
  ],
  [
    'four encodings, which is too deep,',
    Buffer.from(
      Buffer.from(Buffer.from('no. 4111 1111 1111 1111', 'utf16le').toString('base64')).toString(
        'hex',
      ),
    ).toString('base64'),
    [],
  ],
] as const)('finds in %s what a body says, and where', ([, text, want]) => {
  expect(personal(text)).toEqual(want)
})

test('a plus in a form is a space', () => {
  const type = 'application/x-www-form-urlencoded; charset=utf-8'
  expect(personal('n=4111+1111+1111+1111&x=1', type)).toEqual(['pii.card: 4111+1111+1111+1111'])
  expect(personal('n=4111+1111+1111+1111&x=1')).toEqual([])
})

test('undoes three encodings, one in another', () => {
  const inside = Buffer.from('card 4111 1111 1111 1111 of taro').toString('base64')
  const text = Buffer.from(Buffer.from(inside).toString('hex')).toString('base64')
  expect(personal(text)).toEqual(['pii.card in base64>hex>base64'])
})

const hidden = (text: Buffer): string[] =>
  scanFor('a-secret-of-this-session', [text]).map(({ detector }) => detector)

test('a bomb in a run is not looked into, and that counts as a finding', () => {
  const bomb = gzipSync(Buffer.alloc(100_000_000)).toString('base64')
  expect(hidden(Buffer.from(`{"a":"${bomb}"}`))).toEqual(['scan.hidden'])
})

test('a run that grows without measure is not shown to any scan', () => {
  const grown = gzipSync(Buffer.alloc(6_000_000, 'text ')).toString('base64')
  let scanned = 0
  const counting = (): Scan => ({
    push: (piece) => {
      scanned += piece.length
      return []
    },
    end: () => [],
  })
  const scan = new ViewedScan(undefined, counting)
  const found = [...scan.push(Buffer.from(grown)), ...scan.end()]
  expect(found.map(({ detector }) => detector)).toEqual(['scan.hidden'])
  expect(scanned).toBeLessThan(2_000_000)
})

test('a stream of small bombs, and of what looks like them, ends at a bound', () => {
  const small = `${gzipSync(Buffer.alloc(1_000_000)).toString('base64')}.`
  expect(hidden(Buffer.from(small.repeat(100)))).toEqual(['scan.hidden'])
  expect(hidden(Buffer.from('H4sIAAAAAAAAAwEBAQEBAQEBAQEBAQEB.'.repeat(10_000)))).toEqual([
    'scan.hidden',
  ])
})

test('a run with more compressed than is kept counts as a finding', () => {
  let state = 1
  const noise = Uint8Array.from({ length: 1_200_000 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 24
  })
  expect(hidden(Buffer.from(gzipSync(noise).toString('base64')))).toEqual(['scan.hidden'])
})

test('a compressed text whose check sum is wrong, or that is cut off, is read all the same', () => {
  const value = 'a-secret-of-this-session'
  const packed = gzipSync(Buffer.from(`${value} `.repeat(40)))
  packed.fill(0, packed.length - 8)
  for (const bytes of [
    packed,
    packed.subarray(0, packed.length - 12),
    Buffer.concat([packed, packed]),
  ]) {
    expect(hidden(Buffer.from(bytes.toString('base64')))).toContain('platform.token')
  }
})

test('honest text of any size shows little and hides nothing', () => {
  const line = '{"path":"/usr/lib/node_modules/npm/lib/index.js","text":"a\\n\\"b\\" 100%"},\n'
  expect(hidden(Buffer.from(line.repeat(30_000)))).toEqual([])
})

test('a secret that looks escaped itself is found where it is shown undone', () => {
  const value = 'pass%2Fword\\nwith&amp;all'
  const text = Buffer.from(Buffer.from(`x ${JSON.stringify(value)} y`).toString('base64'))
  expect(scanFor(value, [text]).map(({ detector }) => detector)).toContain('platform.token')
  const undone = Buffer.from('{"a":"pass%2Fword\\nwith&amp;all"}')
  expect(scanFor(value, [undone]).map(({ detector }) => detector)).toContain('platform.token')
})
