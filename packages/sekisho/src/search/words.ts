import type { LogLeaf } from './leaf-fields.ts'

/** A word is a run of letters, digits and `_`; of a longer one the first characters count. */
const MAX_WORD_LENGTH = 64
/** Different words that one leaf is found by. */
const MAX_WORDS = 4096
const MAX_DEPTH = 16

/** Signatures and certificates: nobody looks for a piece of one, and each is new. */
const NOT_TEXT: ReadonlySet<string> = new Set([
  'at',
  'certificate',
  'claim',
  'issuing',
  'log',
  'root',
  'sig',
  'signature',
  'state',
])

/** The words of all text in a leaf, in lower case; not of its time, signatures and certificates. */
export function wordsOf(leaf: LogLeaf): ReadonlySet<string> {
  const words = new Set<string>()
  collect(leaf, words, 0)
  return words
}

/** A word as it is looked for; `isPrefix` where it was written with a `*` at its end. */
export type SearchedWord = { word: string; isPrefix: boolean }

/** Every run of letters and digits in what somebody looks for: all of them are to be there. */
export function searchedWords(text: string): readonly SearchedWord[] {
  const found = text.toLowerCase().matchAll(/([\p{L}\p{N}_]+)(\*?)/gu)
  return [...found].map(([, word = '', star]) => ({
    word: word.slice(0, MAX_WORD_LENGTH),
    isPrefix: star === '*' && word.length <= MAX_WORD_LENGTH,
  }))
}

function collect(value: unknown, words: Set<string>, depth: number): void {
  if (typeof value === 'string') return addWords(value, words)
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return
  if (Array.isArray(value)) {
    for (const item of value) collect(item, words, depth + 1)
    return
  }
  for (const [key, item] of Object.entries(value)) {
    if (!NOT_TEXT.has(key)) collect(item, words, depth + 1)
  }
}

function addWords(text: string, words: Set<string>): void {
  const found = text.toLowerCase().match(/[\p{L}\p{N}_]+/gu)
  if (found === null) return
  for (const word of found) {
    if (words.size >= MAX_WORDS) return
    words.add(word.slice(0, MAX_WORD_LENGTH))
  }
}
