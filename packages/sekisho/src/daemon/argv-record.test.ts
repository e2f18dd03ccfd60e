import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from '../core/canonical-json.ts'
import { MAX_ARGV_BYTES, recordArgv } from './argv-record.ts'

test('a command that fits is recorded whole, without a digest', () => {
  expect(recordArgv(['claude', '-p', 'é\n'])).toEqual({
    argv: ['claude', '-p', 'é\n'],
    argvOmitted: 0,
    argvDigest: null,
  })
})

test('of twenty arguments of 5,000 characters three are recorded, and a digest over all', () => {
  const argv = Array.from({ length: 20 }, (_, n) => String(n % 10).repeat(5000))
  expect(recordArgv(argv)).toEqual({
    argv: argv.slice(0, 3),
    argvOmitted: 17,
    // RFC 8785 of an array of plain ASCII strings is what JSON.stringify says
    argvDigest: `sha256:${createHash('sha256').update(JSON.stringify(argv)).digest('hex')}`,
  })
})

test('an argument counts as long as it is when it is escaped', () => {
  const quiet = recordArgv(['x'.repeat(10_000)])
  const loud = recordArgv(['\u0001'.repeat(10_000)])
  expect([quiet.argvOmitted, loud.argvOmitted]).toEqual([0, 1])
})

test('what is recorded is a prefix of the command, bounded, and says what it leaves out', () => {
  const argument = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 50 }),
    fc.nat({ max: 9000 }).map((length) => '"'.repeat(length)),
  )
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 20 }), (argv) => {
      const recorded = recordArgv(argv)
      expect(recorded.argv).toEqual(argv.slice(0, argv.length - recorded.argvOmitted))
      expect(Buffer.byteLength(canonicalJson(recorded.argv))).toBeLessThanOrEqual(MAX_ARGV_BYTES)
      expect(recorded.argvDigest === null).toBe(recorded.argvOmitted === 0)
    }),
  )
})
