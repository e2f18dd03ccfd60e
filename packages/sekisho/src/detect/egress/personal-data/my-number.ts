import type { Detector, Span } from '../detector.ts'
import { myNumberCheckDigit } from './check-digits.ts'
import { digitsOf, hasContext, japanese, NUMBER_WINDOW, overlaps, places } from './context.ts'

/** No group of a longer number, such as a card's: digits on no side of it, near or one step away. */
const ALONE_BEFORE = '(?<![0-9A-Za-z_])(?<![0-9][ .-])'
const ALONE_AFTER = '(?![0-9A-Za-z_])(?![ .-][0-9])'
const GROUPED = new RegExp(`${ALONE_BEFORE}\\d{4}([ -])\\d{4}\\1\\d{4}${ALONE_AFTER}`, 'g')
const UNGROUPED = /(?<![0-9A-Za-z_])\d{12}(?![0-9A-Za-z_])/g

const CONTEXT = new RegExp(
  [
    'my ?_?-?number',
    'individual ?_?-?number',
    'kojin ?_?-?bango',
    japanese('マイナンバー', '837d834383698393836f815b', 'a5dea5a4a5caa5f3a5d0a1bc'),
    japanese('個人番号', '8cc2906c94d48d86', 'b8c4bfcdc8d6b9e6'),
  ].join('|'),
  'i',
)

/**
 * The Japanese individual number (マイナンバー). One in eleven numbers of twelve digits has the right
 * check digit by chance, so twelve digits in a row count only near a word that says what they are.
 * In the grouping of the card, four and four and four, they count by themselves.
 */
export const myNumber: Detector = {
  id: 'pii.my-number',
  class: 'personal-data',
  source:
    '行政手続における特定の個人を識別するための番号の利用等に関する法律施行令第8条, 平成26年総務省令第85号第5条',
  trigger: { kind: 'run', alphabet: 'digits', minBytes: 12 },
  window: NUMBER_WINDOW,
  match(text, hit) {
    const named = [...places(UNGROUPED, text)].filter((place) => hasContext(CONTEXT, text, place))
    return [...places(GROUPED, text), ...named]
      .filter((place) => overlaps(place, hit) && isMyNumber(digitsOf(place.text)))
      .map(({ start, end }): Span => ({ start, end }))
  },
}

function isMyNumber(digits: string): boolean {
  // 000000000000 has its check digit and is nobody's
  return Number(digits[11]) === myNumberCheckDigit(digits.slice(0, 11)) && /[1-9]/.test(digits)
}
