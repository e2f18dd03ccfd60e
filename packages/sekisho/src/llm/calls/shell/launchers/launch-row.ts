import type { OptionGrammar } from '../options.ts'

/** What a word of a command is to the program that gets it. */
export type Holds =
  /** a shell line, or a command that is taken apart at blanks */
  | 'line'
  /** a shell line behind `!`; without one, nothing that runs */
  | 'escape'
  /** the first word of a command; the words behind it are the rest of it */
  | 'words'
  /** a shell line in all words from there on, joined by blanks */
  | 'rest'
  /** a program, which gets arguments that nobody here knows */
  | 'program'
  /** code, of which nobody here knows what it runs; a file of such code as well */
  | 'code'
  | 'awk'
  | 'sed'
  | 'sql'
  | 'python'

type Common = {
  /** names, by blanks; `*` at the end of one stands for a version */
  programs: string
  /** one of these, by blanks, stands somewhere before it; `a+b` is two words */
  after?: string
  holds: Holds
  why: string
}

/** What a program is told by an option. */
export type OptionRow = Common & {
  /** by blanks; of `--to-c|ommand` all that stands behind the stroke may be left out */
  options: string
  /** letters of options without a value, which may stand before one of a letter in one word */
  flags?: string
  /** behind its first operand, options are those of a script */
  isScripted?: boolean
}

/** What a program is told by a word of a form, wherever it stands. */
export type FormRow = Common & {
  /** the value is its first group; where that is missing, the next word */
  form: RegExp
  /** for tests: words, and what stands in front of the value */
  example: string
  /** only as the first word */
  first?: boolean
}

/** What stands behind a program's options. */
export type OperandRow = Common & {
  operands: OptionGrammar
  /** options that say it elsewhere, by blanks: then it is none */
  unless?: string
  /** where nothing stands there, it comes from standard input */
  else?: 'code'
  /** words in front of them, for tests */
  example?: string
}

/** One way in which a program runs what it is told to. */
export type LaunchRow = OptionRow | FormRow | OperandRow
