import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { indexPrints } from '../secret-prints/print-index.ts'
import { makeSecretPrints } from '../secret-prints/make-secret-prints.ts'
import { PrintScan } from '../secret-prints/print-scan.ts'
import type { Finding } from '../finding.ts'
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
    { numRuns: 40 },
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
    { numRuns: 600 },
  )
})
