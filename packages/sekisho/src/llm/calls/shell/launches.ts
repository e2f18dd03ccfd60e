import type { SeenCommand, SeenWord } from '../../../detect/commands/seen-command.ts'
import { isInterpreter, readsProgram } from '../../../detect/commands/programs.ts'
import { skipOptions } from './options.ts'
import { launchRowsOf } from './launchers/all.ts'
import type { FormRow, Holds, LaunchRow, OperandRow, OptionRow } from './launchers/launch-row.ts'
import type { CodeLanguage } from './code/read-code.ts'
import { programOfWord } from './program-word.ts'

/** What a command runs because its options or operands say so. */
export type Launch =
  | { kind: 'words'; words: readonly SeenWord[]; isSure: boolean }
  | { kind: 'script'; words: readonly SeenWord[]; isSure: boolean }
  | { kind: 'code'; language: CodeLanguage; word: SeenWord; isSure: boolean }
  /** nobody can say what */
  | { kind: 'unknown' }

/** By one row, in one command; what is beyond is not known. */
const MAX_LAUNCHES = 64

const UNKNOWN: Launch = { kind: 'unknown' }
const MORE: SeenWord = { text: '', isKnown: false, isPattern: false, splits: true, outputs: [] }

/** What else the command in these words runs. `words` is not empty. */
export function launchesOf(words: readonly SeenWord[]): Launch[] {
  return launchRowsOf(programOfWord(words[0])).flatMap((row) => open(row, words))
}

function open(row: LaunchRow, words: readonly SeenWord[]): Launch[] {
  const from = row.after === undefined ? 1 : placeBehind(row.after, words)
  if (from === undefined) return []
  if ('options' in row) return openOptions(row, words, from)
  if ('form' in row) return openForms(row, words, from)
  return openOperands(row, words, from)
}

/** @returns of the first word behind one of these */
function placeBehind(after: string, words: readonly SeenWord[]): number | undefined {
  const places = after.split(' ').flatMap((each) => {
    const parts = each.split('+')
    const at = words.findIndex(
      (_, i) => i > 0 && parts.every((part, k) => words[i + k]?.text === part),
    )
    return at === -1 ? [] : [at + parts.length]
  })
  return places.length === 0 ? undefined : Math.min(...places)
}

function openOptions(row: OptionRow, words: readonly SeenWord[], from: number): Launch[] {
  const options = row.options.split(' ')
  const end = row.isScripted === true ? scriptIn(words, from, row.flags) : words.length
  return openEach(row, words, (text, i) => {
    if (i < from || i >= end) return undefined
    return options
      .map((option) => valueIn(text, option, row.flags))
      .find((value) => value !== undefined)
  })
}

/** @param valueOf what a word says: null where the next one says it, undefined where it is another */
function openEach(
  { holds }: LaunchRow,
  words: readonly SeenWord[],
  valueOf: (text: string, i: number) => string | null | undefined,
): Launch[] {
  const found: Launch[] = []
  for (const [i, word] of words.entries()) {
    const value = valueOf(word.text, i)
    if (value === undefined) continue
    if (found.length >= MAX_LAUNCHES) return [...found, UNKNOWN]
    const behind = words.slice(i + 1)
    const all = value === null ? behind : [{ ...word, text: value }, ...behind]
    found.push(...launch(holds, all, isFixed(words, value === null ? i + 1 : i)))
  }
  return found
}

/** @returns the place of the first word that is no option, and surely no value of one */
function scriptIn(words: readonly SeenWord[], from: number, flags = ''): number {
  const isOption = ({ text }: SeenWord): boolean => /^[-+]./.test(text)
  const place = words.findIndex((word, i) => {
    if (i < from || isOption(word) || !word.isKnown) return false
    const before = words[i - 1]
    if (i === from || before === undefined || !isOption(before)) return true
    const letters = Array.from(before.text.slice(1))
    return letters.every((letter) => flags.includes(letter)) || before.text.includes('=')
  })
  return place === -1 ? words.length : place
}

/**
 * What a word says as the value of an option.
 *
 * @returns null where the next word says it; undefined where it is not that option
 */
function valueIn(text: string, option: string, flags = ''): string | null | undefined {
  if (option.startsWith('--')) return valueOfName(text, option)
  if (/^-\w$/.test(option)) return valueOfLetter(text, option.charAt(1), flags)
  if (text === option) return null
  return text.startsWith(`${option}=`) ? text.slice(option.length + 1) : undefined
}

function valueOfName(text: string, option: string): string | null | undefined {
  const [least = '', rest = ''] = option.split('|')
  const [name = '', value] = text.split(/=(.*)/s)
  const isIt = name.length >= least.length && `${least}${rest}`.startsWith(name)
  return isIt ? (value ?? null) : undefined
}

function valueOfLetter(text: string, letter: string, flags: string): string | null | undefined {
  if (!/^-\w/.test(text)) return undefined
  for (let i = 1; i < text.length; i++) {
    if (text.charAt(i) === letter) return i === text.length - 1 ? null : text.slice(i + 1)
    if (!flags.includes(text.charAt(i))) return undefined
  }
  return undefined
}

function openForms(row: FormRow, words: readonly SeenWord[], from: number): Launch[] {
  return openEach(row, words, (text, i) => {
    if (i < from || (row.first === true && i !== 1)) return undefined
    const found = row.form.exec(text)
    return found === null ? undefined : (found[1] ?? null)
  })
}

function openOperands(row: OperandRow, words: readonly SeenWord[], from: number): Launch[] {
  const { unless } = row
  if (unless !== undefined) {
    const options = unless.split(' ')
    const isSaid = words.some(({ text }) =>
      options.some((option) => valueIn(text, option, row.operands.flags) !== undefined),
    )
    if (isSaid) return []
  }
  const { rest, isSure } = skipOptions(words.slice(from), row.operands)
  if (rest.length === 0) return row.else === undefined ? [] : [UNKNOWN]
  return launch(row.holds, rest, isSure && isFixed(words, words.length - rest.length))
}

/** No word before this place turns out to be none, or several, or names of files. */
function isFixed(words: readonly SeenWord[], place: number): boolean {
  return words.slice(0, place).every(({ isKnown, isPattern }) => isKnown && !isPattern)
}

/** @param words the value, and what stands behind it */
function launch(holds: Holds, words: readonly SeenWord[], isSure: boolean): Launch[] {
  const [value] = words
  if (holds === 'code') return [UNKNOWN]
  if (value === undefined) return []
  if (holds === 'escape') return escape(value, isSure)
  if (isLanguage(holds)) return [{ kind: 'code', language: holds, word: value, isSure }]
  const isAll = holds === 'words' || holds === 'rest'
  return [command(holds, isAll ? words : [value], isSure)]
}

function command(
  holds: 'words' | 'rest' | 'line' | 'program',
  words: readonly SeenWord[],
  isSure: boolean,
): Launch {
  // a command in one word is taken apart by whoever runs it
  const isInOne = words.length === 1 && words.some(({ text }) => /\s/.test(text))
  if (holds === 'line' || holds === 'rest' || isInOne) return { kind: 'script', words, isSure }
  return { kind: 'words', words: holds === 'program' ? [...words, MORE] : words, isSure }
}

function isLanguage(holds: Holds): holds is Extract<Holds, CodeLanguage> {
  return holds === 'awk' || holds === 'sed' || holds === 'python' || holds === 'sql'
}

function escape(value: SeenWord, isSure: boolean): Launch[] {
  if (!value.isKnown) return [UNKNOWN]
  const [, line] = /^\s*[!|](.*)$/s.exec(value.text) ?? []
  return line === undefined ? [] : [{ kind: 'script', words: [{ ...value, text: line }], isSure }]
}

/** Programs, beside interpreters, that take commands of their own from standard input. */
const COMMANDED =
  /^(?:ed|red|ex|gdb|lldb|dc|m4|s?ftp|lftp|gnuplot|octave|mongo|mongosh|debugfs|crash)$/
const DATABASES = /^(?:psql|mysql|mariadb|sqlite3?|duckdb)$/

/** Code that a command reads from its standard input. */
export function readsCode(command: SeenCommand): Launch[] {
  const program = programOfWord(command.words[0])
  const isReader = COMMANDED.test(program) || DATABASES.test(program)
  if (!isReader && !(isInterpreter(program) && readsProgram(command))) return []
  const { input, pipedFrom, redirects } = command
  if (input !== null)
    return [{ kind: 'code', language: languageOf(program), word: input, isSure: true }]
  const isFed = pipedFrom.length > 0 || redirects.some(({ operator }) => operator.startsWith('<'))
  return isFed ? [UNKNOWN] : []
}

function languageOf(program: string): CodeLanguage {
  if (/^(?:python|pypy)[\d.]*$/.test(program)) return 'python'
  return DATABASES.test(program) ? 'sql' : 'other'
}
