import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type JsonScalar, JsonScan } from './json-scan.ts'

type Told = [string, JsonScalar['kind'], string]

/** Every scalar of a document, by its path. */
function scan(
  pieces: readonly Uint8Array[],
  skip: (path: readonly string[]) => boolean,
): Told[] | 'broken' {
  const told: Told[] = []
  const scanner = new JsonScan({
    wants: (path) => (skip(path) ? 'skip' : 'enter'),
    take: (path, { kind, text }) => told.push([path.join(' '), kind, text]),
  })
  const taking = new JsonScan({
    wants: (path) => (skip(path) ? 'skip' : 'take'),
    take: (path, { kind, text }) => told.push([path.join(' '), kind, text]),
  })
  for (const piece of pieces) {
    scanner.push(piece)
    taking.push(piece)
  }
  scanner.end()
  taking.end()
  return scanner.isBroken || taking.isBroken ? 'broken' : told
}

/** Cuts a text's bytes at the given places. */
function cut(text: string, places: readonly number[]): Uint8Array[] {
  const bytes = Buffer.from(text)
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted(
    (a, b) => a - b,
  )
  return [...ends, bytes.length].map((end, index) =>
    bytes.subarray(index === 0 ? 0 : ends[index - 1], end),
  )
}

/** Objects two deep, with texts and literals at their ends, and anything below what is skipped. */
const documents = fc.dictionary(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  ),
  { noNullPrototype: true },
)
const places = fc.array(fc.nat({ max: 2000 }), { maxLength: 8 })

test('what is taken is what JSON.parse has, however the document is cut', () => {
  fc.assert(
    fc.property(documents, fc.anything({ maxDepth: 3 }), places, (flat, other, at) => {
      const text = JSON.stringify({ ...flat, skipped: other ?? null }, null, at.length % 2)
      const want = Object.entries(flat)
        .filter(([key]) => key !== 'skipped')
        .map(
          ([key, value]): Told => [
            key,
            typeof value === 'string' ? 'text' : 'literal',
            typeof value === 'string' ? value : JSON.stringify(value),
          ],
        )
      expect(scan(cut(text, at), ([top]) => top === 'skipped')).toEqual(want)
    }),
  )
})

test('a document that breaks off is broken', () => {
  fc.assert(
    fc.property(documents, fc.nat({ max: 1000 }), (flat, at) => {
      const bytes = Buffer.from(JSON.stringify({ a: flat }))
      const end = at % bytes.length
      expect(scan([bytes.subarray(0, end)], () => false)).toBe('broken')
    }),
  )
})

test('bytes of any kind break it at most', () => {
  const soup = fc.array(
    fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', '1', 'a', ' ', 'true', '\u0001'),
    {
      maxLength: 30,
    },
  )
  fc.assert(
    fc.property(soup, fc.uint8Array({ maxLength: 20 }), places, (parts, bytes, at) => {
      const pieces = [...cut(parts.join(''), at), bytes]
      expect(() => scan(pieces, () => false)).not.toThrow()
    }),
    { numRuns: 5000 },
  )
})

test('what JSON.parse accepts is accepted, and what it refuses is refused where it is entered', () => {
  const soup = fc.array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"a"',
      '"b\\n"',
      ':',
      ',',
      '1',
      '-0.5e3',
      '01',
      'null',
      ' ',
    ),
    { maxLength: 12 },
  )
  const whole = fc.oneof(
    soup.map((parts) => `{${parts.join('')}}`),
    soup.map((parts) => `[${parts.join('')}]`),
  )
  fc.assert(
    fc.property(whole, (text) => {
      const scanner = new JsonScan({ wants: () => 'enter', take: () => undefined })
      scanner.push(Buffer.from(text))
      scanner.end()
      expect(scanner.isBroken).toBe(!parses(text))
    }),
    { numRuns: 10_000 },
  )
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('duplicate keys are all told', () => {
  expect(scan([Buffer.from('{"a":1,"\\u0061":2}')], () => false)).toEqual([
    ['a', 'literal', '1'],
    ['a', 'literal', '2'],
  ])
})

test.for([
  [
    'a key',
    `{"${'k'.repeat(5000)}":1,"b":2}`,
    [
      ['\u0000', 'literal', '1'],
      ['b', 'literal', '2'],
    ],
  ],
  ['a text', `{"a":"${'t'.repeat(5000)}"}`, [['a', 'text', 't'.repeat(1024)]]],
] as const)('of %s that is too long no more is kept than fits', ([, text, want]) => {
  expect(scan(cut(text, [7, 600, 3000]), () => false)).toEqual(want)
})

test('depth without end breaks it', () => {
  const deep = Buffer.from(`{"a":${'['.repeat(100_000)}`)
  expect(scan([deep], () => false)).toBe('broken')
})
