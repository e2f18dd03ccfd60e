import type { Detector, Span } from '../detector.ts'
import { passesMod97 } from './check-digits.ts'
import { overlaps, places } from './context.ts'

/** Countries, and how long an IBAN is there. */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  [
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24',
    'DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27',
    'GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20',
    'LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24',
    'PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25',
    'SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30',
  ]
    .flatMap((line) => line.split(' '))
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)
const LONGEST_PRINTED = 33 + 8

/** In one piece, or in groups of four as on paper (ISO 13616-1 §7). */
const START = /(?<![0-9A-Za-z])[A-Z]{2}\d{2}(?=[A-Z0-9]|[ -][A-Z0-9])/g

/** International bank account numbers: a country, its length, two check digits. */
export const iban: Detector = {
  id: 'pii.iban',
  class: 'personal-data',
  source: 'ISO 13616-1:2020; SWIFT IBAN Registry, release 100',
  trigger: { kind: 'run', alphabet: 'digits', minBytes: 8 },
  window: { before: LONGEST_PRINTED, after: LONGEST_PRINTED },
  match(text, hit) {
    return [...places(START, text)]
      .flatMap(({ start }) => read(text, start))
      .filter((place) => overlaps(place, hit))
  },
}

function read(text: string, start: number): readonly Span[] {
  const length = LENGTHS.get(text.slice(start, start + 2)) ?? 0
  const separator = /[ -]/.exec(text.slice(start + 4, start + 5))?.[0] ?? ''
  const gaps = separator === '' ? 0 : Math.ceil(length / 4) - 1
  const end = start + length + gaps
  const printed = text.slice(start, end)
  const compact = printed.replaceAll(separator, '')
  const isWhole = /^[A-Z0-9]+$/.test(compact) && !/[0-9A-Za-z]/.test(text.slice(end, end + 1))
  if (!isWhole || compact.length !== length || !isGrouped(printed, separator)) return []
  return passesMod97(compact) ? [{ start, end }] : []
}

function isGrouped(printed: string, separator: string): boolean {
  if (separator === '') return true
  return printed
    .split(separator)
    .every((group, at, all) => group.length === 4 || at === all.length - 1)
}
