import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HANDMADE } from '../../detect/egress/formats/testing/handmade-rows.ts'
import { DETECTORS } from '../../detect/egress/all.ts'
import { compileDetectors } from '../../detect/egress/engine.ts'
import { NEAR_WINDOW_BYTES } from '../../detect/egress/engine-plan.ts'
import type { Finding, Scan } from '../../detect/egress/finding.ts'
import { ViewedScan } from '../../detect/egress/views/viewed-scan.ts'
import { BodyMemory, type MakeScan } from './body-memory.ts'

const engine = compileDetectors(DETECTORS)
const viewed = (noteFar?: Parameters<MakeScan>[0]): Scan =>
  new ViewedScan('application/json', (_, note) => engine.scan(note), noteFar)

function found(scan: Scan, bytes: Buffer, pieceBytes: number): Finding[] {
  const all: Finding[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    all.push(...scan.push(bytes.subarray(at, at + pieceBytes)))
  }
  return [...all, ...scan.end()]
}

/** Where in a view something stands depends on where the view began. */
const order = (findings: readonly Finding[]): string[] =>
  findings
    .map(({ start, end, ...what }) =>
      JSON.stringify(what.view === undefined ? { start, end, ...what } : what),
    )
    .toSorted((a, b) => a.localeCompare(b))

/** Counts what a scan is shown. */
function counting(): { make: MakeScan; seen: () => number } {
  let seen = 0
  const make: MakeScan = (noteFar) => {
    const inner = viewed(noteFar)
    return {
      push: (piece) => {
        seen += piece.length
        return inner.push(piece)
      },
      end: () => inner.end(),
    }
  }
  return { make, seen: () => seen }
}

const filler = (bytes: number, word: string): string =>
  `${word} reads a file and `.repeat(bytes / 20)
/** Found, each by its detector. */
const ROWS = HANDMADE.filter(({ found: what }) => what.length > 0).map(({ text }) => text)
const key = (): string => ['AK', 'IA', 'IOSFODNN7EXAMPLQ'].join('')
const body = (...texts: readonly string[]): Buffer =>
  Buffer.from(JSON.stringify({ messages: texts.map((content) => ({ role: 'user', content })) }))

describe('a body that goes on', () => {
  const start = [filler(30_000, 'she'), filler(9_000, 'he')]

  test('is looked at from shortly before what is new', () => {
    const memory = new BodyMemory(0)
    const { make, seen } = counting()
    found(memory.scan(make), body(...start), 16_384)
    const before = seen()
    const next = body(...start, 'and one more')
    expect(found(memory.scan(make), next, 16_384)).toEqual([])
    expect(before).toBe(body(...start).length)
    expect(seen() - before).toBeLessThan(10_000)
  })

  test('is looked at around what is new also where instructions stand behind it', () => {
    const memory = new BodyMemory(0)
    const { make, seen } = counting()
    const rest = { system: [...Array.from({ length: 30 }, () => filler(1_000, 'we')), key()] }
    const said = (...messages: readonly string[]): Buffer =>
      Buffer.from(JSON.stringify({ messages: messages.map((text) => ({ text })), ...rest }))
    found(memory.scan(make), said('hello'), 16_384)
    const before = seen()
    const next = said('hello', 'and one more')
    expect(found(memory.scan(make), next, 16_384)).toEqual(found(viewed(), next, 16_384))
    expect(seen() - before).toBeLessThan(5_000)
  })

  test('is not looked at where it says the very same', () => {
    const memory = new BodyMemory(0)
    const { make, seen } = counting()
    const first = found(memory.scan(make), body(...start, key()), 16_384)
    const before = seen()
    expect(found(memory.scan(make), body(...start, key()), 5_000)).toEqual(first)
    expect(first).toHaveLength(1)
    expect(seen()).toBe(before)
  })

  test.for([
    ['at its end', [...start, key()]],
    ['escaped', [...start, `{"a":"${key().replace('AK', '\\u0041\\u004b')}"}`]],
    ['in base64', [...start, Buffer.from(`id=${key()} and more of it`).toString('base64')]],
    ['in what is said again', [filler(20_000, 'it'), key(), filler(20_000, 'we')]],
  ] as const)('is found in: a secret %s', ([, texts]) => {
    const memory = new BodyMemory(0)
    found(memory.scan(viewed), body(...texts.slice(0, -1)), 16_384)
    const next = body(...texts)
    const all = order(found(viewed(), next, 16_384))
    expect(all.length).toBeGreaterThan(0)
    expect(order(found(memory.scan(viewed), next, 16_384))).toEqual(all)
  })

  test('is looked at whole where something in it is compressed', () => {
    const memory = new BodyMemory(0)
    const { make, seen } = counting()
    const binary = Buffer.concat([body(...start), Buffer.from([0x1f, 0x8b, 8, 0])])
    found(memory.scan(make), binary, 16_384)
    found(memory.scan(make), Buffer.concat([binary, Buffer.from('more')]), 16_384)
    expect(seen()).toBe(2 * binary.length + 4)
  })
})

/** What says that it is a key stands far from what makes it one, and quotation marks between them. */
const noise = createHash('shake256', { outputLength: 1_000 }).update('a key').digest('base64url')
const FAR_APART = [
  { kty: 'RSA', n: noise, d: noise.slice(0, 340) },
  { d: noise.slice(0, 340), n: noise, kty: 'RSA' },
].map((jwk) => JSON.stringify(jwk))

test('a secret is found wherever the body before was cut off in it', () => {
  for (const row of [...ROWS, ...FAR_APART]) {
    const next = body(filler(12_000, 'it'), row, JSON.stringify({ one: row }))
    const from = next.lastIndexOf('it reads a file and')
    const all = order(found(viewed(), next, 16_384))
    for (let cut = from; cut < next.length; cut += 67) {
      const memory = new BodyMemory(0)
      found(memory.scan(viewed), next.subarray(0, cut), 16_384)
      const told = order(found(memory.scan(viewed), next, 16_384))
      if (told.join() !== all.join()) expect({ row, cut, told }).toEqual({ row, cut, told: all })
    }
  }
})

test('a key is found that was changed in the middle of it', () => {
  const of = (jwk: string, ...more: readonly string[]): Buffer =>
    body(filler(12_000, 'it'), jwk, filler(12_000, 'it'), ...more)
  for (const row of FAR_APART) {
    for (const member of ['"d"', '"kty"', '"n"']) {
      const memory = new BodyMemory(0)
      const other = row.replace(member, '"x"')
      for (const said of [of(other), of(other, 'more'), of(row, 'more')]) {
        const told = order(found(memory.scan(viewed), said, 16_384))
        expect(told).toEqual(order(found(viewed(), said, 16_384)))
      }
    }
  }
})

test('a word and what all but a few detectors see around it has room in what is looked at again', () => {
  const words = DETECTORS.flatMap(({ trigger }) =>
    trigger.kind === 'keyword' ? trigger.words : [],
  )
  const longest = Math.max(...words.map(({ length }) => length))
  expect(longest + 2 * NEAR_WINDOW_BYTES).toBeLessThan(1_024)
})

test('as much of a text is looked at again however it is escaped', () => {
  const { make, seen } = counting()
  const escaped = (text: string): string =>
    Array.from(text, (one) => `\\u00${one.charCodeAt(0).toString(16)}`).join('')
  const start = `{"a":"${`${escaped('it reads ')}\\"`.repeat(1_000)}`
  const memory = new BodyMemory(0)
  found(memory.scan(make), Buffer.from(start), 16_384)
  const before = seen()
  found(memory.scan(make), Buffer.from(`${start}and more`), 16_384)
  expect(seen() - before).toBeGreaterThan(4_096)
})

const escapedOver = (text: string, times: number): string => {
  const all = Array.from(text, (one) => `\\u00${one.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return times === 0 ? text : escapedOver(all.join(''), times - 1)
}

test.each([1, 2, 3])(
  'a key is found by the name before it when its last character comes later, escaped %i times',
  (times) => {
    const value = ['wJalrXUtnFEMIK7MD', 'ENGbPxRfiCYzKx8aQp2LmN4'].join('')
    const key = `aws_secret_access_key":"${escapedOver(value, times)}`
    const said = (text: string): Buffer =>
      Buffer.from(`{"a":"${filler(30_000, 'it')}","b":"${text}`)
    const memory = new BodyMemory(0)
    found(memory.scan(viewed), said(key.slice(0, -6)), 16_384)
    const told = found(memory.scan(viewed), said(`${key}"}`), 16_384)
    expect(told.map(({ detector }) => detector)).toContain('secret.aws-secret-key')
  },
)

test('what sees far sees as far when what it looks at is escaped', () => {
  const jwk = FAR_APART[0] ?? ''
  const escaped = Array.from(jwk, (one) => (one === '"' ? '\\"' : escapedOver(one, 2))).join('')
  const said = (text: string): Buffer => Buffer.from(`{"a":"${filler(30_000, 'it')}","b":"${text}`)
  const memory = new BodyMemory(0)
  found(memory.scan(viewed), said(escaped.slice(0, -800)), 16_384)
  const next = said(`${escaped}"}`)
  const fresh = new Set(found(viewed(), next, 16_384).map(({ detector }) => detector))
  const told = new Set(found(memory.scan(viewed), next, 16_384).map(({ detector }) => detector))
  expect(fresh).toContain('secret.private-jwk')
  expect(told).toEqual(fresh)
})

describe('a gzip in escapes, of text that stands as it is and a packed secret behind it', () => {
  const percent = (bytes: Buffer): string => bytes.toString('hex').replaceAll(/../g, '%$&')
  const text = 'she reads a file and he writes one, till it is late and they go to "'.repeat(200)
  const stored = Buffer.alloc(5)
  stored.writeUInt16LE(text.length, 1)
  stored.writeUInt16LE(text.length ^ 0xff_ff, 3)
  const mark = percent(Buffer.concat([Buffer.from('1f8b0800000000000003', 'hex'), stored]))
  const packed = percent(deflateRawSync(Buffer.from(`id=${key()} and more of it`)))
  const said = (one: string): Buffer => body(filler(30_000, 'it'), one)

  test.for([
    ['the secret comes later', mark + text],
    ['its header is put before what was said already', text + packed],
  ] as const)('is read from its beginning to its end where %s', ([, before]) => {
    const memory = new BodyMemory(0)
    expect(found(memory.scan(viewed), said(before), 16_384)).toEqual([])
    const all = found(memory.scan(viewed), said(mark + text + packed), 16_384)
    expect(all.map(({ detector, view }) => [detector, view])).toEqual([
      ['secret.generic-aws-key-id', 'escapes>gzip'],
    ])
  })
})

test('a secret behind more findings than are told is found once they are gone', () => {
  const memory = new BodyMemory(0)
  const fakes = Array.from({ length: 1_100 }, () => key()).join(' ')
  const said = (one: string): Buffer => body(filler(30_000, 'it'), one, filler(9_000, 'it'), key())
  found(memory.scan(viewed), said(fakes), 16_384)
  expect(order(found(memory.scan(viewed), said('none'), 16_384))).toEqual(
    order(found(viewed(), said('none'), 16_384)),
  )
})

test('the same is found as without a memory, whatever is said and however it is cut', () => {
  const row = fc.constantFrom(...ROWS, ...FAR_APART)
  const secret = fc.oneof(
    row,
    row.map((one) => Buffer.from(`so it is: ${one} and that is it`).toString('base64')),
    row.map((one) => Buffer.from(`so it is: ${one} and that is it`).toString('hex')),
    row.map((one) => one.replaceAll(/[a-e]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)),
    row.map((one) => JSON.stringify({ a: JSON.stringify({ b: one }) })),
  )
  const text = fc.oneof(
    { weight: 4, arbitrary: fc.nat({ max: 9_000 }).map((bytes) => filler(bytes, 'they')) },
    { weight: 1, arbitrary: secret },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.nat({ max: 6_000 }), secret).map(([n, s]) => filler(n, 'who') + s),
    },
  )
  const bodies = fc.array(
    fc.record({
      texts: fc.array(text, { minLength: 1, maxLength: 4 }),
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
      tail: fc.double({ min: 0, max: 1, noNaN: true }),
      pieceBytes: fc.integer({ min: 700, max: 40_000 }),
    }),
    { minLength: 2, maxLength: 5 },
  )
  fc.assert(
    fc.property(bodies, (steps) => {
      const memory = new BodyMemory(0)
      let said = Buffer.from('{"messages":[')
      for (const { texts, cut, tail, pieceBytes } of steps) {
        // what was said before, up to somewhere in the middle of it, and something else
        const kept = said.subarray(0, Math.max(13, Math.round(said.length * cut ** 0.2)))
        const rest = said.subarray(said.length - Math.round((said.length - kept.length) * tail))
        const more = Buffer.from(texts.map((one) => JSON.stringify(one)).join(','))
        said = Buffer.concat([kept, more, rest])
        expect(order(found(memory.scan(viewed), said, pieceBytes))).toEqual(
          order(found(viewed(), said, pieceBytes)),
        )
      }
    }),
    { numRuns: 60 },
  )
})
