import type { Word, WordPart } from 'unbash'
import type { SeenWord } from '../../../detect/commands/seen-command.ts'
import { expandBraces } from './braces.ts'

/** What a word may ask of whoever reads the line around it. */
export type WordScope = {
  /** places of the commands that a substitution runs */
  runInside: (part: WordPart) => number[]
  /** what a variable was last set to by this line; undefined where it was not */
  variable: (name: string) => { text: string; outputs: readonly number[] } | undefined
}

type Piece = {
  /** alternatives only for a brace expansion */
  texts: readonly string[]
  isKnown: boolean
  isPattern: boolean
  splits: boolean
  outputs: readonly number[]
}

/** Product of brace expansions in one word; above it the word counts as unknown. */
const MAX_ALTERNATIVES = 64
/** Characters of a brace expansion; reading one takes their square. */
const MAX_BRACES = 1024
/** Quotes and expansions within braces, and numbers that are padded. */
const UNPLAIN = /[\\"'$`]|[{.]-?0\d/

/** The words that one word of the source becomes: several for a brace expansion. */
export function readWord(word: Word, scope: WordScope): SeenWord[] {
  const { parts } = word
  if (parts === undefined) return [knownWord(word.value)]
  const pieces = parts.map((part) => readPart(part, scope))
  const joined = joinTexts(pieces)
  return joined.texts.map((text) => ({
    text,
    isKnown: joined.isWhole && pieces.every(({ isKnown }) => isKnown),
    isPattern: pieces.some(({ isPattern }) => isPattern),
    splits: !joined.isWhole || pieces.some(({ splits }) => splits),
    outputs: pieces.flatMap(({ outputs }) => outputs),
  }))
}

export function knownWord(text: string): SeenWord {
  return { text, isKnown: true, isPattern: false, splits: false, outputs: [] }
}

/** The texts of parts joined to one word that is neither split nor expanded, as in a here-document. */
export function readText(parts: readonly WordPart[], scope: WordScope): SeenWord {
  const pieces = parts.map((part) => readPart(part, scope))
  return {
    text: pieces.map(({ texts }) => texts[0] ?? '').join(''),
    isKnown: pieces.every(({ isKnown }) => isKnown),
    isPattern: false,
    splits: false,
    outputs: pieces.flatMap(({ outputs }) => outputs),
  }
}

function joinTexts(pieces: readonly Piece[]): { texts: string[]; isWhole: boolean } {
  const count = pieces.reduce((product, { texts }) => product * texts.length, 1)
  if (count > MAX_ALTERNATIVES || count === 0) {
    return { texts: [pieces.map(({ texts }) => texts[0] ?? '').join('')], isWhole: false }
  }
  return {
    texts: pieces.reduce<string[]>(
      (heads, { texts }) => heads.flatMap((head) => texts.map((text) => head + text)),
      [''],
    ),
    isWhole: true,
  }
}

function literal(text: string, isPattern = false): Piece {
  return { texts: [text], isKnown: true, isPattern, splits: false, outputs: [] }
}

function readPart(part: WordPart, scope: WordScope): Piece {
  if (isLiteral(part)) return literal(part.value)
  if (part.type === 'DoubleQuoted' || part.type === 'LocaleString') return readQuoted(part, scope)
  if (part.type === 'BraceExpansion') return readBraces(part, scope)
  if (part.type === 'SimpleExpansion') {
    return readVariable(part.text.replace(/^\$\{?|\}$/g, ''), [], scope)
  }
  const outputs = scope.runInside(part)
  if (part.type === 'ParameterExpansion') return readVariable(part.parameter, outputs, scope)
  const isPattern = part.type === 'Glob' || part.type === 'ExtendedGlob'
  return isPattern ? { ...literal(part.text, true), outputs } : unknown('', outputs)
}

function isLiteral(
  part: WordPart,
): part is Extract<WordPart, { type: 'Literal' | 'SingleQuoted' | 'AnsiCQuoted' }> {
  return part.type === 'Literal' || part.type === 'SingleQuoted' || part.type === 'AnsiCQuoted'
}

/** In quotes nothing splits, but for `"$@"` and its relatives. */
function readQuoted(
  part: Extract<WordPart, { type: 'DoubleQuoted' | 'LocaleString' }>,
  scope: WordScope,
): Piece {
  const { text, isKnown, outputs } = readText(part.parts, scope)
  return {
    texts: [text],
    // a text in the reader's own language
    isKnown: isKnown && part.type === 'DoubleQuoted',
    isPattern: false,
    splits: part.parts.some((inner) => 'text' in inner && /^\$\{?[^}]*[@*]/.test(inner.text)),
    outputs,
  }
}

function readBraces(part: Extract<WordPart, { type: 'BraceExpansion' }>, scope: WordScope): Piece {
  const outputs = scope.runInside(part)
  const texts = part.text.length > MAX_BRACES ? [part.text] : expandBraces(part.text)
  const isPlain =
    part.text.length <= MAX_BRACES && !UNPLAIN.test(part.text) && texts.length <= MAX_ALTERNATIVES
  const guess = texts.map((text) => text.replace(/[\\"']/g, ''))
  return {
    texts: guess.slice(0, MAX_ALTERNATIVES),
    isKnown: isPlain,
    isPattern: /[*?[]/.test(part.text),
    splits: !isPlain,
    outputs,
  }
}

/** Variables that are worth a guess though no line sets them. */
const USUAL: ReadonlyMap<string, string> = new Map(Object.entries<string>({ HOME: '~', IFS: ' ' }))

function readVariable(name: string, outputs: readonly number[], scope: WordScope): Piece {
  const set = scope.variable(name)
  return unknown(set?.text ?? USUAL.get(name) ?? '', [...outputs, ...(set?.outputs ?? [])])
}

function unknown(guess: string, outputs: readonly number[]): Piece {
  return { texts: [guess], isKnown: false, isPattern: false, splits: true, outputs }
}
