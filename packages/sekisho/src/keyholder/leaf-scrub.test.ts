import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LeafScrubber } from './leaf-scrub.ts'

const VALUE = ['sk', 'live', 'abcdefgh01234'].join('-')
const stars = (text: string): string => '*'.repeat(text.length)
const base64 = Buffer.from(VALUE).toString('base64')

test.for<{ name: string; leaf: unknown; want: unknown }>([
  {
    name: 'an argument of a program',
    leaf: { type: 'process.exec', argv: ['curl', '-H', `authorization: Bearer ${VALUE}`] },
    want: { type: 'process.exec', argv: ['curl', '-H', `authorization: Bearer ${stars(VALUE)}`] },
  },
  {
    name: 'a path, as it is escaped there',
    leaf: { action: { path: `/x/${encodeURIComponent(VALUE)}/y` } },
    want: { action: { path: `/x/${stars(VALUE)}/y` } },
  },
  {
    name: 'its base64',
    leaf: { reason: `said ${base64}` },
    want: { reason: `said ${stars(base64)}` },
  },
  { name: 'a name of a field', leaf: { [VALUE]: 1 }, want: { [stars(VALUE)]: 1 } },
  {
    name: 'two in one text',
    leaf: [`${VALUE} and ${VALUE}`],
    want: [`${stars(VALUE)} and ${stars(VALUE)}`],
  },
])('takes it out of $name', ({ leaf, want }) => {
  expect(new LeafScrubber([VALUE]).scrub(leaf)).toEqual(want)
})

test('what has no secret in it is the very same value, so that its signature stays true', () => {
  const leaf = { type: 'x', list: [1, 'a', { b: null }], flag: true }
  expect(new LeafScrubber([VALUE]).scrub(leaf)).toBe(leaf)
  expect(new LeafScrubber([]).scrub(leaf)).toBe(leaf)
})

test('of a value that begins another, the whole one goes', () => {
  const scrubber = new LeafScrubber([VALUE, `${VALUE}-more`])
  expect(scrubber.scrub(`x ${VALUE}-more y`)).toBe(`x ${stars(`${VALUE}-more`)} y`)
})

test('a value that is too short to be told from chance stays', () => {
  expect(new LeafScrubber(['abc']).scrub('abc')).toBe('abc')
})

test('wherever it stands in a leaf, it is not there afterwards', () => {
  const secret = fc.string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' })
  fc.assert(
    fc.property(secret, fc.jsonValue(), fc.string(), (value, json, text) => {
      const leaf = { json, said: `${text}${value}${text}`, deep: [{ [`k${value}`]: [value] }] }
      const done = new LeafScrubber([value]).scrub(leaf)
      expect(stringsOf(done).filter((one) => one.includes(value))).toEqual([])
    }),
  )
})

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return [...Object.keys(value), ...Object.values(value).flatMap(stringsOf)]
}
