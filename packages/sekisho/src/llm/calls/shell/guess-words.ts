import type { SeenWord } from '../../../detect/commands/seen-command.ts'
import { knownWord } from './word.ts'

export function unsure(word: SeenWord): SeenWord {
  return { ...word, isKnown: false }
}

/** As the shell takes unknown words apart, if the guess is right. Nothing behind one is sure. */
export function guessWords(words: readonly SeenWord[]): SeenWord[] {
  const first = words.findIndex(({ isKnown, splits }) => !isKnown && splits)
  if (first === -1) return [...words]
  return words.flatMap((word, i) => (i < first ? [word] : splitGuess(word).map(unsure)))
}

function splitGuess(word: SeenWord): SeenWord[] {
  if (word.isKnown || !word.splits) return [word]
  const texts = word.text.split(/\s+/).filter((text) => text !== '')
  if (texts.length === 0 && word.outputs.length > 0) return [word]
  return texts.map((text) => ({ ...word, text }))
}

/** One line of several words, as `eval` makes it. */
export function joinWords(words: readonly SeenWord[]): SeenWord {
  return {
    ...knownWord(words.map(({ text }) => text).join(' ')),
    isKnown: words.every(({ isKnown, isPattern }) => isKnown && !isPattern),
    outputs: words.flatMap(({ outputs }) => outputs),
  }
}
