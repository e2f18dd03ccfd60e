import type { SeenWord } from '../../../detect/commands/seen-command.ts'

/** Options of a program that runs what stands behind them. */
export type OptionGrammar = {
  /** letters of options without a value */
  flags?: string
  /** letters of options with a value, in the same word or in the next */
  values?: string
  /** letters of options whose value can only be in the same word */
  optional?: string
  /** long options without a value, by blanks */
  names?: string
  /** words between the options and the command */
  before?: number
  /** `NAME=value` may stand before the command */
  assigns?: boolean
}

type Skipped = {
  rest: readonly SeenWord[]
  /** every option was one of the grammar */
  isSure: boolean
}

/** What stands behind the options. An unknown option is taken for one without a value, not surely. */
export function skipOptions(words: readonly SeenWord[], grammar: OptionGrammar): Skipped {
  const { at, isSure } = endOfOptions(words, grammar)
  const behind = words.slice(at)
  const assigned =
    grammar.assigns === true ? behind.findIndex(({ text }) => !/^\w+=/.test(text)) : 0
  const from = assigned === -1 ? behind.length : assigned
  return { rest: behind.slice(from + (grammar.before ?? 0)), isSure }
}

function endOfOptions(
  words: readonly SeenWord[],
  grammar: OptionGrammar,
): { at: number; isSure: boolean } {
  let at = 0
  let isSure = true
  for (;;) {
    const text = words[at]?.text
    if (text === undefined || !isOption(text)) return { at, isSure }
    at += 1
    if (text === '--') return { at, isSure }
    const read = text.startsWith('--') ? readName(text, grammar) : readLetters(text, grammar)
    isSure &&= read !== 'unknown'
    if (read === 'takes next') at += 1
  }
}

function isOption(text: string): boolean {
  return text.length > 1 && (text.startsWith('-') || text.startsWith('+'))
}

type OptionReading = 'alone' | 'takes next' | 'unknown'

function readName(text: string, { names }: OptionGrammar): OptionReading {
  const isKnown = text.includes('=') || (names ?? '').split(' ').includes(text.slice(2))
  return isKnown ? 'alone' : 'unknown'
}

function readLetters(text: string, { flags, values, optional }: OptionGrammar): OptionReading {
  for (let i = 1; i < text.length; i++) {
    const letter = text.charAt(i)
    if (optional?.includes(letter)) return 'alone'
    if (values?.includes(letter)) return i === text.length - 1 ? 'takes next' : 'alone'
    if (!flags?.includes(letter)) return 'unknown'
  }
  return 'alone'
}
