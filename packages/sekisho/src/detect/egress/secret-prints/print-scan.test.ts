import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SecretPrintSet } from '../../../wire/secret-prints.ts'
import { spellings } from '../../needles.ts'
import type { Finding } from '../finding.ts'
import { keyedHash } from './keyed-hash.ts'
import { makeSecretPrints } from './make-secret-prints.ts'
import { indexPrints, type PrintIndex } from './print-index.ts'
import { PrintScan } from './print-scan.ts'

const KEY = Buffer.from('the key of a gate in this test..')

function indexOf(values: Readonly<Record<string, string>>): PrintIndex {
  const secrets = Object.entries(values).map(([name, value]) => {
    const made = makeSecretPrints(name, value, KEY)
    if (made.kind === 'refused') throw new Error(made.reason)
    return made.prints
  })
  return indexPrints(SecretPrintSet.parse({ key: KEY.toString('base64'), secrets }))
}

function scan(index: PrintIndex, pieces: readonly Buffer[]): Finding[] {
  const scanning = new PrintScan(index)
  return [...pieces.flatMap((piece) => scanning.push(piece)), ...scanning.end()]
}

const cutAt = (text: Buffer, cuts: readonly number[]): Buffer[] => {
  const places = [0, ...cuts.map((at) => at % (text.length + 1)), text.length].sort((a, b) => a - b)
  return places.slice(1).map((end, index) => text.subarray(places[index], end))
}

const secret = fc.string({ minLength: 8, maxLength: 70, unit: 'grapheme' }).filter((value) => {
  const bytes = Buffer.byteLength(value.trim())
  return bytes >= 8 && value === value.trim() && value.isWellFormed()
})
const around = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
const cuts = fc.array(fc.nat(2_000), { maxLength: 8 })

test('finds every spelling of a secret where it stands, across any cuts', () => {
  fc.assert(
    fc.property(secret, fc.tuple(around, around), cuts, (value, [before, after], at) => {
      const index = indexOf({ token: value })
      for (const spelling of spellings(value).filter(({ length }) => length >= 8)) {
        const found = scan(index, cutAt(Buffer.concat([before, spelling, after]), at))
        expect(found).toContainEqual({
          detector: 'platform.token',
          class: 'platform-secret',
          start: before.length,
          end: before.length + spelling.length,
        })
      }
    }),
    { numRuns: 60 },
  )
})

test('finds nothing in a text that has no spelling of the secret', () => {
  fc.assert(
    fc.property(secret, fc.uint8Array({ maxLength: 4_000 }), cuts, (value, bytes, at) => {
      const text = Buffer.from(bytes)
      fc.pre(!spellings(value).some((spelling) => text.includes(spelling)))
      expect(scan(indexOf({ token: value }), cutAt(text, at))).toEqual([])
    }),
  )
})

test('does not find a secret with one byte changed', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9]{12,40}$/), fc.nat(39), (value, at) => {
      const place = at % value.length
      const wrong = `${value.slice(0, place)}!${value.slice(place + 1)}`
      expect(scan(indexOf({ token: value }), [Buffer.from(wrong)])).toEqual([])
    }),
  )
})

test('tells secrets apart, and finds each of them', () => {
  const index = indexOf({ one: 'sk-ant-one-0123456789', two: 'sk-ant-two-0123456789' })
  const found = scan(index, [Buffer.from('a sk-ant-two-0123456789 b sk-ant-one-0123456789')])
  expect(found.map(({ detector, start }) => [detector, start])).toEqual([
    ['platform.two', 2],
    ['platform.one', 26],
  ])
})

test('white space around a value does not hide it', () => {
  const found = scan(indexOf({ key: '  the value of a file\n' }), [
    Buffer.from('the value of a file'),
  ])
  expect(found).toHaveLength(1)
})

test.for([
  ['short', '1234567', 'short is shorter than 8 bytes'],
  ['blank', '      1234567      ', 'blank is shorter than 8 bytes'],
  ['long', 'x'.repeat(16_385), 'long is longer than 16384 bytes'],
] as const)('refuses a value that is too %s, and says so', ([name, value, reason]) => {
  expect(makeSecretPrints(name, value, KEY)).toEqual({ kind: 'refused', reason })
})

test('prints hold no part of the value and depend on the key', () => {
  const value = 'correct-horse-battery'
  const made = [KEY, Buffer.alloc(32)].map((key) => makeSecretPrints('token', value, key))
  const texts = made.map((one) => JSON.stringify(one))
  for (const spelling of spellings(value)) {
    expect(texts[0]).not.toContain(spelling.toString('latin1').slice(0, 6))
  }
  const windows = (text = ''): string[] => text.match(/"(?:window|tag)":"?[0-9a-f]+/g) ?? []
  const second = new Set(windows(texts[1]))
  expect(windows(texts[0]).filter((one) => second.has(one))).toEqual([])
})

test('a key of the wrong length is refused', () => {
  expect(() => keyedHash(Buffer.alloc(16))).toThrow(RangeError)
})

/** Counts how often the work of a MAC is done. */
function counting(index: PrintIndex): { index: PrintIndex; macs: () => number } {
  let macs = 0
  const tag = (bytes: Uint8Array): string => {
    macs += 1
    return index.hash.tag(bytes)
  }
  return { index: { ...index, hash: { ...index.hash, tag } }, macs: () => macs }
}

test('a flood of the middle of a secret ends in findings, not in work', () => {
  const value = 'public-prefix-Xy7Qz91kW-public-ending'
  const { index, macs } = counting(indexOf({ token: value }))
  const part = value.slice(8, 30)
  const flood = Buffer.from(part.repeat(40_000))
  const found = scan(index, cutAt(flood, [100_000, 100_001, 500_000]))
  expect(found.length).toBeGreaterThan(500)
  expect(found.length).toBeLessThanOrEqual(1_000)
  expect(macs()).toBeLessThan(1_000 + flood.length / 1_024 + 1)
  expect(found).toEqual(scan(index, [flood]))
})

test('a flood of its well-known prefix costs no work at all', () => {
  const { index, macs } = counting(indexOf({ token: 'sk-ant-api03-Xy7Qz91kWuu2Lm4Pz' }))
  expect(scan(index, [Buffer.from('sk-ant-api03-'.repeat(50_000))])).toEqual([])
  expect(macs()).toBe(0)
})

test('a wire message with an unknown field or a window outside its spelling is refused', () => {
  const made = makeSecretPrints('token', 'a value of some length', KEY)
  if (made.kind === 'refused') throw new Error(made.reason)
  const set = { key: KEY.toString('base64'), secrets: [made.prints] }
  expect(SecretPrintSet.safeParse({ ...set, value: 'x' }).success).toBe(false)
  const [first] = made.prints.prints
  if (first === undefined) throw new Error('no print')
  const outside = { ...made.prints, prints: [{ ...first, windowAt: first.bytes - 7 }] }
  expect(() => indexPrints({ ...set, secrets: [outside] })).toThrow(RangeError)
})
