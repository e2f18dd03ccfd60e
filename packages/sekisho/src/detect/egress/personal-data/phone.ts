import type { Detector, Span } from '../detector.ts'
import { digitsOf, hasContext, japanese, NUMBER_WINDOW, overlaps, places } from './context.ts'
import { PHONE_PLANS } from './phone-plans.ts'

/** `+`, a country code, and groups that may stand in brackets: ITU-T E.123 §2. */
const INTERNATIONAL = /(?<![\w+/=])\+[1-9]\d{0,14}(?:[ .-]?\(?\d{1,5}\)?){0,6}/g

/** No form has a number of fewer digits, or one with anything else in it. */
const MIN_DIGITS = 8
const OF_NUMBERS: ReadonlySet<number> = new Set(Buffer.from('0123456789 .-()+'))

/** Forms that hardly anything else has. */
const TELLING = [
  /(?<![\w.-])0[5789]0([ -])\d{4}\1\d{4}(?![\w-])/g, // Japan, mobile and IP
  /(?<![\w.])\(0\d{1,4}\) ?\d{1,4}-\d{4}(?![\w-])/g, // Japan, with the area in brackets
  /(?<![\w.])\([2-9]\d{2}\) ?[2-9]\d{2}[ .-]\d{4}(?![\w-])/g, // North America
]

/** Forms that other numbers have too: they count near a word that says what they are. */
const NAMED = [
  /(?<![\w.-])0\d{1,4}([ -])\d{1,4}\1\d{3,4}(?![\w-])/g, // Japan; most of Europe
  /(?<![\w.-])0[1-9]\d{8,9}(?!\w)/g,
  /(?<![\w.-])[2-9]\d{2}([ .-])[2-9]\d{2}\1\d{4}(?![\w-])/g, // North America
  /(?<![\w.-])[2-9]\d{2}[2-9]\d{6}(?!\w)/g,
  /(?<![\w.-])0\d{4} ?\d{3} ?\d{3}(?!\w)/g, // United Kingdom
  /(?<![\w.-])0\d(?:([ .-])\d{2}){4}(?!\w)/g, // France
]
const CONTEXT = new RegExp(
  [
    '\\b(?:tel|phone|mobile|cell|fax|call|sms|whatsapp|handy|telefon|portable)',
    'phone|telephone|t\\u00e9l',
    japanese('電話', '93649862', 'c5c5cfc3'),
    japanese('携帯', '8c6791d1', 'b7c8c2d3'),
    japanese('連絡先', '9841978d90e6', 'cfa2cdedc0e8'),
  ].join('|'),
  'i',
)

/**
 * Telephone numbers: with `+` and a country code, in the national forms that are telling by
 * themselves, in others near a word that names them.
 */
export const phone: Detector = {
  id: 'pii.phone',
  class: 'personal-data',
  source: 'ITU-T E.164 and E.123; 総務省 電気通信番号計画; NANPA numbering plan',
  trigger: { kind: 'run', alphabet: 'digits', minBytes: 7 },
  window: NUMBER_WINDOW,
  match(text, hit) {
    if (!hasDigits(text, hit)) return []
    const international = [...places(INTERNATIONAL, text)].flatMap(internationalNumber)
    const telling = TELLING.flatMap((pattern) => [...places(pattern, text)])
    const named = NAMED.flatMap((pattern) => [...places(pattern, text)]).filter((place) =>
      hasContext(CONTEXT, text, place),
    )
    return [...international, ...[...telling, ...named].filter(hasPlausibleLength)]
      .filter((place) => overlaps(place, hit))
      .map(({ start, end }): Span => ({ start, end }))
  },
}

/** Whether the stretch that a number could take up around a run has as many digits as one. */
function hasDigits(text: string, { start, end }: Span): boolean {
  let from = start
  while (from > 0 && OF_NUMBERS.has(text.charCodeAt(from - 1))) from--
  let digits = 0
  for (let at = from; at < end || OF_NUMBERS.has(text.charCodeAt(at)); at++) {
    if ((text.charCodeAt(at) ^ 0x30) < 10) digits++
  }
  return digits >= MIN_DIGITS
}

/** A national number, its leading 0 included, has nine to eleven digits where these forms are used. */
function hasPlausibleLength({ text }: { text: string }): boolean {
  const { length } = digitsOf(text)
  return length >= 9 && length <= 11
}

/** The longest beginning, in whole groups, that is a number of its country. */
function internationalNumber(place: Span & { text: string }): readonly Span[] {
  let { text } = place
  while (text.length > 7) {
    if (isNumber(text)) return [{ start: place.start, end: place.start + text.length }]
    text = text.replace(/[ .-]?\(?\d+\)?$/, '')
  }
  return []
}

function isNumber(text: string): boolean {
  const digits = digitsOf(text.replace('(0)', ''))
  if (digits.length < 8 || digits.length > 15) return false
  const known = [1, 2, 3]
    .map((length) => digits.slice(0, length))
    .find((code) => code in PHONE_PLANS)
  if (known !== undefined) return PHONE_PLANS[known]?.test(digits.slice(known.length)) ?? false
  return digits.length >= 10 && /[ .()-]/.test(text)
}
