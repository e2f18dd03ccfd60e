import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PersonalTokens } from './personal-tokens.ts'

const KEY = Buffer.alloc(32, 7)

const tokens = (maxValues = 100): PersonalTokens => new PersonalTokens({ key: KEY, maxValues })

function coverText(of: PersonalTokens, text: string, format: 'json' | 'text' = 'text'): string {
  const covered = of.cover(Buffer.from(text), format)
  return covered.kind === 'covered' ? covered.bytes.toString() : covered.reason
}

const uncoverText = (of: PersonalTokens, text: string): string =>
  of.uncover(Buffer.from(text)).bytes.toString()

test.for([
  [
    'an address',
    'mail to hanako.yamada@example-corp.jp now',
    /^mail to person-[a-s]{12}@mail\.invalid now$/,
  ],
  ['a telephone number', 'call +81 90-1234-5678 today', /^call phone-[a-s]{12} today$/],
  ['a card', 'card 4111 1111 1111 1111, ok', /^card card-[a-s]{12}, ok$/],
  ['an IBAN', 'to DE89 3704 0044 0532 0130 00.', /^to iban-[a-s]{12}\.$/],
  ['an individual number', '番号は 1234-5678-9018 です', /^番号は my-number-[a-s]{12} です$/],
] as const)('covers %s, and puts it back', ([, text, covered]) => {
  const session = tokens()
  const out = coverText(session, text)
  expect(out).toMatch(covered)
  expect(uncoverText(session, out)).toBe(text)
})

test('only what is asked for has tokens', () => {
  const text = 'taro@example-corp.jp 4111 1111 1111 1111'
  const covered = tokens().cover(Buffer.from(text), 'text', (detector) => detector === 'pii.card')
  expect(covered).toMatchObject({ kind: 'covered', count: 1 })
  if (covered.kind !== 'covered') return
  expect(covered.bytes.toString()).toMatch(/^taro@example-corp\.jp card-[a-s]{12}$/)
})

test('the same value has the same token, another and another session have another', () => {
  const session = tokens()
  const first = coverText(session, 'taro@example-corp.jp')
  expect(coverText(session, 'taro@example-corp.jp taro@example-corp.jp')).toBe(`${first} ${first}`)
  expect(coverText(session, 'jiro@example-corp.jp')).not.toBe(first)
  const other = new PersonalTokens({ key: Buffer.alloc(32, 8), maxValues: 10 })
  expect(coverText(other, 'taro@example-corp.jp')).not.toBe(first)
  expect(uncoverText(other, first)).toBe(first)
  expect(coverText(tokens(), 'taro@example-corp.jp')).toBe(first)
})

test('JSON stays JSON: behind an escape, in JSON in a string, as a number', () => {
  const session = tokens()
  const value = {
    text: 'Hi\ntaro@example-corp.jp\t"hanako@example-corp.jp"',
    nested: JSON.stringify({ a: 'x\njiro@example-corp.jp', b: 'tel\n090-1234-5678' }),
    card: 4111111111111111,
    list: [4111111111111111, -1.5, 'C:\\temp'],
  }
  const body = Buffer.from(JSON.stringify(value))
  const covered = session.cover(body, 'json')
  expect(covered).toMatchObject({ kind: 'covered', count: 6 })
  if (covered.kind !== 'covered') return
  const text = covered.bytes.toString()
  const read: { nested: string; card: string; list: unknown[] } = JSON.parse(text)
  expect(text).not.toMatch(/example-corp|1234|4111/)
  expect(read.card).toMatch(/^card-[a-s]{12}-n$/)
  expect(read.list).toEqual([read.card, -1.5, 'C:\\temp'])
  expect(JSON.parse(read.nested)).toMatchObject({ a: expect.stringMatching(/^x\nperson-/) })
  expect(session.uncover(covered.bytes)).toEqual({ bytes: body, count: 6 })
})

test('a token that the model has written into a form is put back encoded', () => {
  const session = tokens()
  const token = coverText(session, 'taro+a@example-corp.jp')
  const form = `to=${encodeURIComponent(token)}&x=1`
  expect(uncoverText(session, form)).toBe('to=taro%2Ba%40example-corp.jp&x=1')
})

test('a token that stands in the text already is not given to another value', () => {
  const guess = coverText(tokens(), 'taro@example-corp.jp')
  const session = tokens()
  const text = `${guess} taro@example-corp.jp`
  const out = coverText(session, text)
  expect(out.startsWith(`${guess} person-`)).toBe(true)
  expect(uncoverText(session, out)).toBe(text)
})

test('more values than are kept are refused, known ones pass', () => {
  const session = tokens(2)
  expect(coverText(session, 'a1@example-corp.jp b2@example-corp.jp')).toMatch(
    /^person-\w+@mail\.invalid person-/,
  )
  expect(session.cover(Buffer.from('c3@example-corp.jp'), 'text')).toEqual({
    kind: 'refused',
    reason: 'too many values',
  })
  expect(session.cover(Buffer.from('a1@example-corp.jp'), 'text').kind).toBe('covered')
  expect(session.size).toBe(2)
})

test('more places than are listed are refused', () => {
  const many = Array.from({ length: 1100 }, (_, index) => `user${index}@example-corp.jp`).join('\n')
  expect(tokens(5000).cover(Buffer.from(many), 'text')).toEqual({
    kind: 'refused',
    reason: 'too many places',
  })
})

const piece = fc.constantFrom(
  'taro@example-corp.jp',
  'hanako.y@mail.example-corp.co.jp',
  '+81 90-1234-5678',
  '090-1234-5678',
  'tel 03-1234-5678',
  '4111 1111 1111 1111',
  '4111111111111111',
  'DE89370400440532013000',
  '1234-5678-9018',
  '\n',
  '\\',
  '"',
  ' ',
  ',',
  'a',
  '日本',
  '😀',
  '{',
  '}',
  '%40',
  '-n',
  '@mail.invalid',
)
const text = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''))

test('what was covered comes back, byte for byte, also when it was covered twice', () => {
  fc.assert(
    fc.property(text, (written) => {
      const session = tokens()
      const covered = coverText(session, written)
      expect(uncoverText(session, covered)).toBe(written)
      expect(uncoverText(session, coverText(session, covered))).toBe(written)
    }),
    { numRuns: 1000 },
  )
})

test('any JSON is JSON when it is covered, and the same when it comes back', () => {
  const leaf = fc.oneof(text, fc.constantFrom(4111111111111111, 1, -2.5e10, true, null))
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(text, tie('tree'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(tree, fc.constantFrom(0, 2), (value, indent) => {
      const session = tokens()
      const body = Buffer.from(JSON.stringify(value, null, indent))
      const covered = session.cover(body, 'json')
      if (covered.kind !== 'covered') throw new Error(covered.reason)
      JSON.parse(covered.bytes.toString())
      expect(session.uncover(covered.bytes).bytes.toString()).toBe(body.toString())
    }),
    { numRuns: 1000 },
  )
})
