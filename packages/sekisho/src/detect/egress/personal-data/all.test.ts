import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileDetectors } from '../engine.ts'
import { PERSONAL_DATA } from './all.ts'
import { isIssued } from './card-issuers.ts'
import { myNumberCheckDigit, passesLuhn, passesMod97 } from './check-digits.ts'
import { japanese } from './context.ts'

const detectors = compileDetectors(PERSONAL_DATA)

/** What is found, as `detector: text`. */
function found(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8')
  return detectors
    .scanText(text)
    .map(({ detector, start, end }) => `${detector}: ${bytes.toString('utf8', start, end)}`)
}

test.for([
  [
    'an e-mail address',
    'write to taro.yamada@mail.sekisho.dev.',
    'pii.email: taro.yamada@mail.sekisho.dev',
  ],
  ['an address in JSON', '{"to":"t+x@a-b.co.jp"}', 'pii.email: t+x@a-b.co.jp'],
  ['an address in a query', '/u?mail=hanako@mail.jp&x=1', 'pii.email: hanako@mail.jp'],
  ['an address in mailto', '<a href="mailto:h_k@mail.jp">', 'pii.email: h_k@mail.jp'],
  ['a Visa card in groups', 'no. 4111 1111 1111 1111 exp', 'pii.card: 4111 1111 1111 1111'],
  ['a card after another number', '2024 4111 1111 1111 1111 123', 'pii.card: 4111 1111 1111 1111'],
  ['a card in a row of CSV', '42,4111111111111111,12/29', 'pii.card: 4111111111111111'],
  ['an American Express card', 'x 3782-822463-10005', 'pii.card: 3782-822463-10005'],
  ['a card of 13 digits, named', 'card 4222222222222', 'pii.card: 4222222222222'],
  ['a JCB card', '3530111333300000', 'pii.card: 3530111333300000'],
  ['an individual number, grouped', '1234 5678 9018', 'pii.my-number: 1234 5678 9018'],
  ['an individual number, named', 'マイナンバーは123456789018です', 'pii.my-number: 123456789018'],
  ['an individual number in JSON', '{"myNumber":"123456789018"}', 'pii.my-number: 123456789018'],
  ['an IBAN', 'IBAN: DE89370400440532013000.', 'pii.iban: DE89370400440532013000'],
  [
    'an IBAN on paper',
    'GB29 NWBK 6016 1331 9268 19, London',
    'pii.iban: GB29 NWBK 6016 1331 9268 19',
  ],
  [
    'an IBAN with letters',
    'FR14 2004 1010 0505 0001 3M02 606',
    'pii.iban: FR14 2004 1010 0505 0001 3M02 606',
  ],
  ['the shortest IBAN', 'NO9386011117947', 'pii.iban: NO9386011117947'],
  ['a social security number', 'is 123-45-6789.', 'pii.us-ssn: 123-45-6789'],
  ['one with spaces, named', 'SSN 123 45 6789', 'pii.us-ssn: 123 45 6789'],
  ['a national insurance number', 'NINO: AB 12 34 56 C', 'pii.uk-nino: AB 12 34 56 C'],
  ['a phone in E.164', '"+819012345678"', 'pii.phone: +819012345678'],
  ['a phone from abroad', 'call +1 (415) 555-2671 now', 'pii.phone: +1 (415) 555-2671'],
  ['a phone with a trunk zero', '+44 (0)20 7946 0958', 'pii.phone: +44 (0)20 7946 0958'],
  ['a mobile phone of Japan', '090-1234-5678', 'pii.phone: 090-1234-5678'],
  ['a phone that is named', '電話：03-1234-5678', 'pii.phone: 03-1234-5678'],
  ['a phone of a form', 'tel=0312345678&x', 'pii.phone: 0312345678'],
  ['a North American phone', '(415) 555-2671', 'pii.phone: (415) 555-2671'],
] as const)('finds %s', ([, text, want]) => {
  expect(found(text)).toEqual([want])
})

test.for([
  ['a scoped package', 'import x from "@types/node"; "lodash@4.17.21"'],
  ['a login at a forge', 'git@github.com:org/repo.git'],
  ['the user of a URL', 'https://user:pw@host.sekisho.dev/'],
  ['a picture of two sizes', 'icon@2x.png icon@home.png'],
  ['a unit of systemd', 'getty@tty1.service'],
  ['a name for examples', 'alice@example.com bob@mail.example'],
  ['a decorator', 'class A { @Input() x; @foo.bar y }'],
  ['a wrong Luhn digit', '4111 1111 1111 1112'],
  ['a decimal fraction', '0.4111111111111111 4111111111111111.5'],
  ['an id in hexadecimal', 'a4111111111111111 4111111111111111f'],
  ['an unnamed barcode', '4006381333931'],
  ['twelve digits, unnamed', '123456789018'],
  ['an individual number of zeros', '個人番号 0000 0000 0000'],
  ['a part of a longer number', '1234 5678 9018 1'],
  ['an IBAN of the wrong length', 'DE8937040044053201300'],
  ['an area that is never given', '666-45-6789 900-12-3456 000-12-3456'],
  ['the number on the wallet', '078-05-1120'],
  ['a NINO without a word', 'AB123456C'],
  ['a date and a time', '2024-01-01 2024-01-01T10:20:30.123456789Z +0900'],
  ['a version', '1.2.3 10.20.30.40 2001.12.31'],
  ['a line of a diff', '+1700000000\n+  20240101123456'],
  ['a time in ms and in ns', '1700000000000 1700000000000000000'],
  ['arithmetic', 'a+12345678 x = +1234567890123'],
] as const)('does not find %s', ([, text]) => {
  expect(found(text)).toEqual([])
})

const digits = (length: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9]{${length}}$`))

const luhnDigit = (body: string): string =>
  '0123456789'.split('').find((digit) => passesLuhn(body + digit)) ?? ''

const cardNumber = fc
  .tuple(fc.constantFrom('4', '51', '55', '2221', '2720', '3528', '6011', '62'), digits(15))
  .map(([prefix, rest]) => (prefix + rest).slice(0, 15))
  .map((body) => body + luhnDigit(body))

const changed = (text: string, at: number, by: number): string => {
  const index = text.split('').flatMap((c, i) => (/\d/.test(c) ? [i] : []))[at] ?? 0
  return text.slice(0, index) + ((Number(text[index]) + by) % 10) + text.slice(index + 1)
}
const change = (length: number): fc.Arbitrary<[number, number]> =>
  fc.tuple(fc.nat(length - 1), fc.integer({ min: 1, max: 9 }))
const grouped = (text: string): string => text.replace(/.{4}(?=.)/g, '$& ')

test('every card is found, and none with a digit changed', () => {
  fc.assert(
    fc.property(cardNumber, change(16), (number, [at, by]) => {
      expect(isIssued(number)).toBe(true)
      for (const text of [number, grouped(number)]) {
        expect(found(`a ${text}, b`)).toEqual([`pii.card: ${text}`])
        expect(found(`a ${changed(text, at, by)}, b`).filter((one) => /card/.test(one))).toEqual([])
      }
    }),
  )
})

test('every individual number is found; a changed digit only where the law’s sum cannot tell', () => {
  fc.assert(
    fc.property(digits(11), change(12), (body, [at, by]) => {
      fc.pre(/[1-9]/.test(body))
      const number = `${body}${myNumberCheckDigit(body)}`
      const wrong = changed(number, at, by)
      const isBlind = Number(wrong[11]) === myNumberCheckDigit(wrong.slice(0, 11))
      expect(found(`a ${grouped(number)}, b`)).toContain(`pii.my-number: ${grouped(number)}`)
      expect(found(`個人番号 ${number}、`)).toContain(`pii.my-number: ${number}`)
      const foundWrong = found(`個人番号 ${wrong}、`).filter((one) => /my-number/.test(one))
      expect(foundWrong).toHaveLength(isBlind ? 1 : 0)
      if (isBlind) expect([wrong[11], number[11]]).toEqual(['0', '0'])
    }),
  )
})

const COUNTRIES = [
  ['DE', 18],
  ['NO', 11],
  ['GB', 18],
  ['MT', 27],
  ['RU', 29],
] as const

test('every IBAN is found, and none with a digit changed', () => {
  const iban = fc
    .tuple(fc.constantFrom(...COUNTRIES), digits(29))
    .map(([[country, length], account]) => {
      const bban = account.slice(0, length)
      const check = Array.from({ length: 97 }, (_, i) => String(i + 2).padStart(2, '0'))
      return country + (check.find((two) => passesMod97(country + two + bban)) ?? '') + bban
    })
  fc.assert(
    fc.property(iban, change(13), (number, [at, by]) => {
      const isOurs = (one: string): boolean => one.startsWith('pii.iban')
      for (const text of [number, grouped(number)]) {
        expect(found(`a ${text}, b`).filter(isOurs)).toEqual([`pii.iban: ${text}`])
        expect(found(`a ${changed(text, at, by)}, b`).filter(isOurs)).toEqual([])
      }
    }),
  )
})

test('the words of Japanese encodings are those words', () => {
  const encodings = ['utf-8', 'shift_jis', 'euc-jp']
  const words: [string, string[]][] = [
    ['マイナンバー', ['837d834383698393836f815b', 'a5dea5a4a5caa5f3a5d0a1bc']],
    ['個人番号', ['8cc2906c94d48d86', 'b8c4bfcdc8d6b9e6']],
    ['電話', ['93649862', 'c5c5cfc3']],
    ['携帯', ['8c6791d1', 'b7c8c2d3']],
    ['連絡先', ['9841978d90e6', 'cfa2cdedc0e8']],
    ['カード', ['834a815b8368', 'a5aba1bca5c9']],
  ]
  for (const [word, hex] of words) {
    const read = japanese(word, ...hex)
      .split('|')
      .map((pattern, at) => {
        const bytes = Buffer.from(pattern.replaceAll('\\x', ''), 'hex')
        return new TextDecoder(encodings[at]).decode(bytes)
      })
    expect(read).toEqual([word, word, word])
  }
})
