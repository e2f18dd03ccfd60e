import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Alphabet, Span } from './detector.ts'
import { MAX_RUN_BYTES, RUN_OVERLAP_BYTES, RunFinder } from './runs.ts'

const PATTERNS: Record<Alphabet, RegExp> = {
  digits: /\d(?:[ .-]?\d)*/g,
  base64: /[A-Za-z0-9+/=_-]+/g,
  hex: /[0-9a-fA-F]+/g,
}

test.for(['digits', 'base64', 'hex'] as const)(
  'the runs of %s are those of the pattern, whatever the cuts',
  (alphabet) => {
    const pieces = fc.array(fc.stringMatching(/^[09 .\-aGz+!]{0,12}$/))
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 9 }), (cut, minBytes) => {
        const wanted = [...cut.join('').matchAll(PATTERNS[alphabet])]
          .map((run) => ({ start: run.index, end: run.index + run[0].length }))
          .filter(({ start, end }) => end - start >= minBytes)
        expect(runs({ alphabet, minBytes }, cut)).toEqual(wanted)
      }),
    )
  },
)

test.for([1, 7, 100_000])('a long run is told in overlapping pieces, cut at %i', (size) => {
  const length = 3 * MAX_RUN_BYTES
  const text = `!${'a1'.repeat(length / 2)}!`
  const cut = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
    text.slice(i * size, (i + 1) * size),
  )
  const step = MAX_RUN_BYTES - RUN_OVERLAP_BYTES
  expect(runs({ alphabet: 'hex', minBytes: 20 }, cut)).toEqual(
    [0, 1, 2, 3].map((piece) => ({
      start: 1 + piece * step,
      end: 1 + Math.min(piece * step + MAX_RUN_BYTES, length),
    })),
  )
})

test('a run that ends with a full piece is not told again', () => {
  expect(runs({ alphabet: 'hex', minBytes: 20 }, ['a'.repeat(MAX_RUN_BYTES), '!'])).toEqual([
    { start: 0, end: MAX_RUN_BYTES },
  ])
})

test.for([0, RUN_OVERLAP_BYTES + 1, Number.NaN])('runs of %d bytes are not looked for', (bytes) => {
  expect(() => new RunFinder('hex', bytes)).toThrow(RangeError)
})

function runs(
  { alphabet, minBytes }: { alphabet: Alphabet; minBytes: number },
  cut: readonly string[],
): Span[] {
  const finder = new RunFinder(alphabet, minBytes)
  const told: Span[] = []
  const bytes = Buffer.from(cut.join(''), 'latin1')
  let until = 0
  for (const piece of cut) {
    until += piece.length
    // no more than a finder may ask for
    const base = Math.max(0, until - piece.length - MAX_RUN_BYTES - 1)
    finder.advance({ bytes: bytes.subarray(base, until), base, until, last: false }, (run) =>
      told.push(run),
    )
  }
  const base = Math.max(0, until - MAX_RUN_BYTES - 1)
  finder.advance({ bytes: bytes.subarray(base), base, until, last: true }, (run) => told.push(run))
  return told
}
