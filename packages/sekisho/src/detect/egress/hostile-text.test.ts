import { expect, test } from 'vitest'
import { DETECTORS } from './all.ts'
import type { Detector } from './detector.ts'
import { compileDetectors } from './engine.ts'
import { WORK_AT_START, WORK_LIMIT, WORK_PER_BYTE } from './engine-scan.ts'

const MIB = 1_048_576
/** For each detector alone; all of them together get a whole MiB. */
const EACH_BYTES = MIB / 8
const IN_RUNS = { digits: '12-34 5', hex: 'a1b2', base64: 'aZ0+' } as const

test.for(DETECTORS)('$id: text made to trigger it costs no more than the bound', (detector) => {
  const text = hostileText(detector).slice(0, EACH_BYTES)
  expect(workOf([detector], text).bytes).toBeLessThanOrEqual(bound(text.length))
})

test('text made to trigger everything costs no more than the bound of one', () => {
  const text = DETECTORS.map((detector) => hostileText(detector).slice(0, 4_096)).join('')
  const whole = text.repeat(Math.ceil(MIB / text.length)).slice(0, MIB)
  expect(workOf(DETECTORS, whole).bytes).toBeLessThanOrEqual(bound(whole.length))
})

test('the bound is met by hostile text, and then nothing is looked at any more', () => {
  const wide: Detector = {
    id: 'wide',
    class: 'secret-format',
    source: 'test',
    trigger: { kind: 'keyword', words: ['aa'] },
    window: { before: 0, after: 4_096 },
    match: () => [],
  }
  const { bytes, found } = workOf([wide], 'a'.repeat(MIB))
  expect(found).toEqual([WORK_LIMIT.detector])
  expect(bytes).toBeLessThanOrEqual(bound(MIB))
})

test.for([
  ['an object', '{"name":"a","password":"${PW}","url":"https://example.com/","id":12345678}\n'],
  ['short addresses', 'https://t.co/aZ9k2\n'],
  ['cursors of pages', '{"node":{"id":"eyJpZCI6NDcxMX0="},"cursor":"eyJpZCI6NDcxMX0="},'],
  ['time zones', '"Asia/Tokyo","Europe/Berlin",'],
  ['a table of numbers', '1994-11-06 08:49:37 | 12.50 | 0.3750 | 4711\n'],
] as const)('%s, over and over, come nowhere near the bound', ([, text]) => {
  const whole = text.repeat(Math.ceil(MIB / text.length))
  expect(workOf(DETECTORS, whole).bytes).toBeLessThan(bound(whole.length) * 0.9)
})

test('one byte all along is nothing to be suspicious of', () => {
  const compiled = compileDetectors(DETECTORS)
  const bytes = Array.from({ length: 256 }, (_, byte) => byte)
  const suspicious = bytes.filter((byte) => {
    const scan = compiled.scan()
    return [...scan.push(Buffer.alloc(EACH_BYTES, byte)), ...scan.end()].length > 0
  })
  expect(suspicious).toEqual([])
})

test('no word that announces something is one character all along', () => {
  const words = DETECTORS.flatMap(({ trigger }) =>
    trigger.kind === 'keyword' ? trigger.words : [],
  )
  expect(words.filter((word) => /^(.)\1*$/i.test(word))).toEqual([])
})

function bound(length: number): number {
  return WORK_AT_START + WORK_PER_BYTE * length
}

/** How many bytes of windows detectors were given to look at. */
function workOf(
  detectors: readonly Detector[],
  text: string,
): { bytes: number; found: readonly string[] } {
  let bytes = 0
  const counted = detectors.map((detector) => ({
    ...detector,
    match: (window: string, hit: { start: number; end: number }) => {
      bytes += window.length
      return detector.match(window, hit)
    },
  }))
  const found = compileDetectors(counted).scanText(text)
  return { bytes, found: found.map(({ detector }) => detector) }
}

/** What triggers a detector, as often as it can stand, and beginnings of what it looks for. */
function hostileText({ trigger }: Detector): string {
  const word = trigger.kind === 'keyword' ? (trigger.words[0] ?? '') : IN_RUNS[trigger.alphabet]
  const units = [word, `${word}\n`, `${word}="${'a1Z_-'.repeat(60)}`, `${word}${'0f'.repeat(500)}`]
  const share = Math.ceil(EACH_BYTES / units.length)
  return units.map((unit) => unit.repeat(Math.ceil(share / unit.length)).slice(0, share)).join('')
}
