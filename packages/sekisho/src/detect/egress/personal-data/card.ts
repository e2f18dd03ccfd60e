import type { Detector, Span } from '../detector.ts'
import { isIssued } from './card-issuers.ts'
import { passesLuhn } from './check-digits.ts'
import { digitsOf, hasContext, japanese, NUMBER_WINDOW, overlaps, places } from './context.ts'

/** Not a part of a word, of a decimal fraction or of a longer group of digits. */
const BEFORE = '(?<![0-9A-Za-z_])(?<![0-9]\\.)'
const AFTER = '(?![0-9A-Za-z_])(?!\\.[0-9])'
const shape = (inner: string): RegExp => new RegExp(`${BEFORE}(?:${inner})${AFTER}`, 'g')

const GROUPED = [
  shape('\\d{4}([ .-])\\d{4}\\1\\d{4}\\1\\d{4}'),
  shape('\\d{4}([ .-])\\d{4}\\1\\d{4}\\1\\d{4}\\1\\d{3}'),
  shape('\\d{4}([ .-])\\d{6}\\1\\d{4,5}'), // Diners Club, American Express
  shape('\\d{6}([ .-])\\d{13}'), // UnionPay
]
const UNGROUPED = shape('\\d{13,19}')

/** Ungrouped numbers of other lengths are as often barcodes, times and ids as cards. */
const TELLING_LENGTHS = [15, 16]
const CONTEXT = new RegExp(
  `card|visa|amex|master|maestro|diners|discover|jcb|union ?pay|\\bpan\\b|\\bcc\\b|${japanese('カード', '834a815b8368', 'a5aba1bca5c9')}`,
  'i',
)

/** Payment card numbers: an issuer's range, its lengths, the Luhn digit. */
export const card: Detector = {
  id: 'pii.card',
  class: 'personal-data',
  source: 'ISO/IEC 7812-1:2017, with the ranges of card-issuers.ts',
  trigger: { kind: 'run', alphabet: 'digits', minBytes: 13 },
  window: NUMBER_WINDOW,
  match(text, hit) {
    const grouped = GROUPED.flatMap((pattern) => [...places(pattern, text)])
    const ungrouped = [...places(UNGROUPED, text)].filter(
      (place) => TELLING_LENGTHS.includes(place.text.length) || hasContext(CONTEXT, text, place),
    )
    return [...grouped, ...ungrouped]
      .filter((place) => overlaps(place, hit) && isCard(digitsOf(place.text)))
      .map(({ start, end }): Span => ({ start, end }))
  },
}

function isCard(digits: string): boolean {
  return isIssued(digits) && passesLuhn(digits)
}
