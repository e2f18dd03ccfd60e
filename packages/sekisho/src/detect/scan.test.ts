import fc from 'fast-check'
import { expect, test } from 'vitest'
import { occurrences, StreamFinder, unfinishedLength } from './scan.ts'

const text = fc.stringMatching(/^[ab]{0,24}$/)
const needles = fc.array(fc.stringMatching(/^[ab]{1,6}$/), { minLength: 1, maxLength: 4 })
const bytes = (value: string): Buffer => Buffer.from(value)

test('every covered byte belongs to an occurrence and no other byte does', () => {
  fc.assert(
    fc.property(text, needles, (haystack, wanted) => {
      const covered = new Set<number>()
      for (const needle of wanted) {
        for (let at = 0; at < haystack.length; at++) {
          if (!haystack.startsWith(needle, at)) continue
          for (let offset = 0; offset < needle.length; offset++) covered.add(at + offset)
        }
      }
      const got = occurrences(bytes(haystack), wanted.map(bytes)).flatMap(({ start, end }) =>
        Array.from({ length: end - start }, (_, offset) => start + offset),
      )
      expect(got).toEqual([...covered].sort((a, b) => a - b))
    }),
  )
})

test('what must wait is the longest end that begins a needle', () => {
  fc.assert(
    fc.property(text, needles, (haystack, wanted) => {
      const ends = Array.from({ length: haystack.length }, (_, at) => haystack.slice(at))
      const longest = ends.find((end) =>
        wanted.some((needle) => needle.length > end.length && needle.startsWith(end)),
      )
      expect(unfinishedLength(bytes(haystack), wanted.map(bytes))).toBe(longest?.length ?? 0)
    }),
  )
})

test('a finder over pieces finds exactly what is in the whole', () => {
  fc.assert(
    fc.property(fc.array(text), needles, (pieces, wanted) => {
      const finder = new StreamFinder(wanted.map(bytes))
      const found = pieces.some((piece) => finder.push(bytes(piece)) !== undefined)
      expect(found).toBe(wanted.some((needle) => pieces.join('').includes(needle)))
    }),
  )
})
