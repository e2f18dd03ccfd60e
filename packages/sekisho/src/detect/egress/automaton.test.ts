import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileAutomaton, WordFinder } from './automaton.ts'

const word = fc.stringMatching(/^[abAB-]{1,5}$/)
const words = fc.uniqueArray(word, { minLength: 1, maxLength: 8, selector: (w) => w.toLowerCase() })
const pieces = fc.array(fc.stringMatching(/^[abAB\u0080\u00ff-]{0,20}$/))

test('exactly the words that stand in the stream are found, whatever its cuts', () => {
  fc.assert(
    fc.property(words, pieces, (looked, cut) => {
      expect(new Set(found(looked, cut))).toEqual(new Set(naive(looked, cut.join(''))))
      expect(found(looked, cut)).toHaveLength(naive(looked, cut.join('')).length)
    }),
  )
})

test('words that end inside others, overlap and differ in case are all found', () => {
  expect(found(['he', 'SHE', 'his', 'hers'], ['uS', 'hErs'])).toEqual(['1@4', '0@4', '3@6'])
})

test('any byte may stand in the stream', () => {
  const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  const ends: number[] = []
  new WordFinder(compileAutomaton(['yz{', '~'])).push(every, ends)
  expect(ends).toEqual([0, 0x7c, 1, 0x7f])
})

test.for([
  ['an empty word', ['']],
  ['a word beyond ASCII', ['鍵']],
  ['two words that differ only in case', ['Key', 'kEY']],
] as const)('%s is refused', ([, refused]) => {
  expect(() => compileAutomaton(refused)).toThrow(RangeError)
})

function found(looked: readonly string[], cut: readonly string[]): string[] {
  const finder = new WordFinder(compileAutomaton(looked))
  const seen: string[] = []
  let base = 0
  for (const piece of cut) {
    const ends: number[] = []
    const bytes = Buffer.from(piece, 'latin1')
    finder.push(bytes, ends)
    for (let at = 0; at < ends.length; at += 2)
      seen.push(`${ends[at]}@${base + (ends[at + 1] ?? 0)}`)
    base += bytes.length
  }
  return seen
}

function naive(looked: readonly string[], text: string): string[] {
  return looked.flatMap((one, index) =>
    Array.from({ length: text.length }, (_, at) => at)
      .filter((at) => text.slice(at, at + one.length).toLowerCase() === one.toLowerCase())
      .map((at) => `${index}@${at + one.length}`),
  )
}
