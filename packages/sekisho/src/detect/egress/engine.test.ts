import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Detector, Span } from './detector.ts'
import { compileDetectors } from './engine.ts'
import { WORK_LIMIT } from './engine-scan.ts'
import type { Finding } from './finding.ts'
import { MAX_FINDING_BYTES } from './finding-merger.ts'
import { MAX_RUN_BYTES } from './runs.ts'

/** Finds `key` with the letters around it, up to three before and five after. */
const around = detectorOf('around', {
  trigger: { kind: 'keyword', words: ['key', 'KE'] },
  window: { before: 3, after: 5 },
  match: (text, hit) => {
    const before = /[a-c]*$/.exec(text.slice(0, hit.start))?.[0].length ?? 0
    const after = /^[a-c]*/.exec(text.slice(hit.end))?.[0].length ?? 0
    return [{ start: hit.start - before, end: hit.end + after }]
  },
})
const digits = detectorOf('digits', {
  trigger: { kind: 'run', alphabet: 'digits', minBytes: 4 },
  window: { before: 1, after: 0 },
  match: (_, hit) => [hit],
})
const hex = detectorOf('hex', {
  trigger: { kind: 'run', alphabet: 'hex', minBytes: 6 },
  window: { before: 0, after: 7 },
  match: (text, hit) => (text.endsWith('!') ? [] : [hit]),
})

test('what is found does not depend on how the stream was cut', () => {
  const compiled = compileDetectors([around, digits, hex])
  const piece = fc.stringMatching(/^[a-ckey0-9 .!-]{0,30}$/)
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const whole = scanned(compiled, [pieces.join('')])
      expect(scanned(compiled, pieces)).toEqual(whole)
      expect(scanned(compiled, Array.from(pieces.join('')))).toEqual(whole)
    }),
  )
})

test('a text of more than one step is the same in one piece and in bytes', () => {
  const compiled = compileDetectors([around, digits, hex])
  const text = `${'abkeyc 1-2-3-4 deadbeef12 '.repeat(3_000)}${'ab12'.repeat(5_000)}`
  expect(scanned(compiled, Array.from(text))).toEqual(scanned(compiled, [text]))
})

test('a detector sees its window and no more, as far as there is a stream', () => {
  const seen: [string, Span][] = []
  const watcher = detectorOf('watcher', {
    trigger: { kind: 'keyword', words: ['key'] },
    window: { before: 2, after: 3 },
    match: (text, hit) => {
      seen.push([text, hit])
      return []
    },
  })
  compileDetectors([watcher]).scanText('key-1234-KeY5')
  expect(seen).toEqual([
    ['key-12', { start: 0, end: 3 }],
    ['4-KeY5', { start: 2, end: 5 }],
  ])
})

test('what overlaps of one detector is one finding, of two detectors two', () => {
  const compiled = compileDetectors([around, { ...around, id: 'around-2' }])
  expect(compiled.scanText('  key akeyaakeyb')).toEqual(
    [
      { start: 2, end: 5 },
      { start: 6, end: 16 },
    ].flatMap((place) => [found('around', place), found('around-2', place)]),
  )
})

test('offsets are bytes of the text as UTF-8', () => {
  expect(compileDetectors([around]).scanText('関所 key')).toEqual([
    found('around', { start: 7, end: 10 }),
  ])
})

test('a finding is final as soon as nothing can overlap it any more', () => {
  const scan = compileDetectors([around]).scan()
  expect(scan.push(Buffer.from('keya..........'))).toEqual([])
  expect(scan.push(Buffer.from('...'))).toEqual([found('around', { start: 0, end: 4 })])
  expect(scan.end()).toEqual([])
})

test('nothing covers a byte that the lag has passed', () => {
  const compiled = compileDetectors([around, hex])
  const scan = compiled.scan()
  let pushed = 0
  for (let piece = 0; piece < 60; piece++) {
    const bytes = Buffer.from('ab0123456789'.repeat(256))
    const before = pushed
    pushed += bytes.length
    for (const { start } of scan.push(bytes)) expect(before - start).toBeLessThan(compiled.lagBytes)
  }
})

test('a finding that would be longer than the bound is several', () => {
  const text = `!${'a1'.repeat(3 * MAX_FINDING_BYTES)}!`
  const all = compileDetectors([{ ...hex, match: (_, hit) => [hit] }]).scanText(text)
  expect(Math.max(...all.map(({ start, end }) => end - start))).toBeLessThanOrEqual(
    MAX_FINDING_BYTES,
  )
  const covered = new Set(all.flatMap(({ start, end }) => [start, end]))
  expect([Math.min(...covered), Math.max(...covered)]).toEqual([1, text.length - 1])
})

test('a flood of one detector hides no other', () => {
  const text = `${'key.......... '.repeat(3_000)} 12345678 `
  const scan = compileDetectors([around, digits]).scan()
  const all = [...scan.push(Buffer.from(text)), ...scan.end()]
  expect(all.filter(({ detector }) => detector === 'around')).toHaveLength(1_000)
  expect(all.filter(({ detector }) => detector === 'digits')).toHaveLength(1)
  expect(scan.unlisted).toBe(2_000)
})

test('a stream that asks for too much work is a finding, and costs nothing from there on', () => {
  let looks = 0
  const costly = detectorOf('costly', {
    trigger: { kind: 'keyword', words: ['kk'] },
    window: { before: 4_096, after: 4_096 },
    match: () => {
      looks++
      return []
    },
  })
  const text = 'k'.repeat(1_048_576)
  const compiled = compileDetectors([costly])
  const all = compiled.scanText(text)
  expect(all).toEqual([expect.objectContaining(WORK_LIMIT)])
  expect(looks).toBeLessThan(2_000)
  expect(scanned(compiled, [text.slice(0, 77_777), text.slice(77_777)])).toEqual(all)
})

test('nothing may be pushed after the end', () => {
  const scan = compileDetectors([around]).scan()
  scan.end()
  expect(() => scan.push(Buffer.from('key'))).toThrow('after the end')
  expect(() => scan.end()).toThrow('ends once')
})

test.for([
  ['two detectors of one id', [around, around]],
  ['a window beyond the bound', [{ ...around, window: { before: 0, after: 4_097 } }]],
  ['no word', [{ ...around, trigger: { kind: 'keyword' as const, words: [] } }]],
  ['a word of one letter', [{ ...around, trigger: { kind: 'keyword' as const, words: ['k'] } }]],
  [
    'runs of next to nothing',
    [{ ...hex, trigger: { kind: 'run' as const, alphabet: 'hex' as const, minBytes: 3 } }],
  ],
] as const)('%s is refused', ([, detectors]) => {
  expect(() => compileDetectors(detectors)).toThrow(RangeError)
})

test('no detectors find nothing', () => {
  expect(compileDetectors([]).scanText('key')).toEqual([])
})

test('a run is kept as long as its pieces are', () => {
  const compiled = compileDetectors([{ ...hex, match: (_, hit) => [hit] }])
  const text = `!${'f'.repeat(2 * MAX_RUN_BYTES)}!`
  expect(scanned(compiled, Array.from(text))).toEqual([
    found('hex', { start: 1, end: text.length - 1 }),
  ])
})

function scanned(
  compiled: ReturnType<typeof compileDetectors>,
  pieces: readonly string[],
): Finding[] {
  const scan = compiled.scan()
  return [...pieces.flatMap((piece) => scan.push(Buffer.from(piece, 'latin1'))), ...scan.end()]
}

function found(detector: string, place: Span): Finding {
  return { detector, class: 'secret-format', ...place }
}

function detectorOf(id: string, rest: Pick<Detector, 'trigger' | 'window' | 'match'>): Detector {
  return { id, class: 'secret-format', source: 'test', ...rest }
}
