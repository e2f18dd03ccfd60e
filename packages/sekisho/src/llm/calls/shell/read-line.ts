import { forEachChild } from 'unbash'
import type {
  Assignment,
  Command,
  For,
  Pipeline,
  Redirected,
  Redirection,
  Select,
  SyntaxNode,
  Word,
  WordPart,
} from 'unbash'
import type { CommandCall } from '../../../core/action.ts'
import type { SeenCommand, SeenRedirect, SeenWord } from '../../../detect/commands/seen-command.ts'
import { Unreadable } from '../unreadable.ts'
import {
  hasPartForBash,
  isForBash,
  isRedirectForBash,
  languageOf,
  type ShellLanguage,
} from './language.ts'
import { launchesOf, readsCode, type Launch } from './launches.ts'
import { readCode } from './code/read-code.ts'
import { innerOf, type Inner } from './wrappers.ts'
import { parseLine, refuseErrors } from './parse-line.ts'
import { guessWords, joinWords, unsure } from './guess-words.ts'
import { HiddenEvaluation } from './hidden-evaluation.ts'
import { settingsIn, tellingOf } from './telling-variables.ts'
import { knownWord, readText, readWord, type WordScope } from './word.ts'

/** Lines within lines: substitutions, `sh -c`, `eval`. */
const MAX_DEPTH = 12
/** Commands in one call, as many as a leaf holds. */
const MAX_COMMANDS = 64

/** What a shell line would run. */
export type ShellLine = {
  /** in the order in which the line names them, substitutions before what they are part of */
  calls: readonly CommandCall[]
  /** the same commands, as detectors look at them */
  seen: readonly SeenCommand[]
}

/** What surrounds a command. */
type Around = {
  depth: number
  pipedFrom: readonly number[]
  redirects: readonly SeenRedirect[]
  input: SeenWord | null
  startedBy: number | null
  language: ShellLanguage
}

const NOTHING_AROUND: Around = {
  depth: 0,
  pipedFrom: [],
  redirects: [],
  input: null,
  startedBy: null,
  language: 'bash',
}

/**
 * Every simple command of a line, in the grammar of bash.
 *
 * @param language of the shell that will read it; what `sh` may read in another way than bash is a
 *   command of which nothing is known
 * @throws Unreadable for what is no bash, and for more than is looked at
 */
export function readShellLine(line: string, language: ShellLanguage = 'bash'): ShellLine {
  const reader = new LineReader()
  reader.readLine(line, { ...NOTHING_AROUND, language })
  reader.end()
  return reader
}

/**
 * What a program would run that is started without a shell.
 *
 * @param argv null for what is not known
 * @throws Unreadable as {@link readShellLine}
 */
export function readArgv(argv: readonly (string | null)[]): ShellLine {
  const reader = new LineReader()
  const words = argv.map((text) =>
    text === null ? { ...knownWord(''), isKnown: false } : knownWord(text),
  )
  reader.run(words, words, NOTHING_AROUND)
  reader.end()
  return reader
}

class LineReader implements ShellLine {
  readonly calls: CommandCall[] = []
  readonly seen: (SeenCommand & { pipedFrom: number[] })[] = []
  /** commands in `>(…)`, which read what the command around them writes */
  #sinks: { pipedFrom: number[] }[] = []
  readonly #hidden = new HiddenEvaluation()
  readonly #variables = new Map<string, { text: string; outputs: readonly number[] }>()

  readLine(line: string, around: Around): void {
    if (around.depth > MAX_DEPTH) throw new Unreadable(`lines within lines, ${MAX_DEPTH} deep`)
    this.#visit(parseLine(line), around)
  }

  /** Nothing follows: what the line does beside its commands is known by now. */
  end(): void {
    if (this.#hidden.isThere) this.#runUnknown(NOTHING_AROUND)
  }

  #visit(node: SyntaxNode, around: Around): void {
    this.#hidden.look(node)
    if (around.language === 'sh' && isForBash(node)) this.#runUnknown(around)
    if (node.type === 'Command') return this.#visitCommand(node, around)
    if (node.type === 'Pipeline') return this.#visitPipeline(node, around)
    if (node.type === 'Redirected') return this.#visitRedirected(node, around)
    if (node.type === 'For' || node.type === 'Select') return this.#visitFor(node, around)
    if (node.type === 'Script') refuseErrors(node)
    this.#visitPart(node, around)
  }

  #visitPart(node: SyntaxNode, around: Around): void {
    if (node.type === 'Word') this.#words(node, around)
    else if (node.type === 'Assignment') this.#set(node, around)
    else this.#visitChildren(node, around)
  }

  #visitChildren(node: SyntaxNode, around: Around): void {
    forEachChild(node, (child) => this.#visit(child, around))
  }

  #visitPipeline({ commands }: Pipeline, around: Around): void {
    let current = around
    for (const command of commands) {
      const from = this.seen.length
      this.#visit(command, current)
      current = { ...around, input: null, pipedFrom: this.#since(from) }
    }
  }

  #visitRedirected({ command, redirects }: Redirected, around: Around): void {
    const within = this.#redirected(redirects, around)
    const sinks = this.#takeSinks()
    const from = this.seen.length
    this.#visit(command, within)
    for (const sink of sinks) sink.pipedFrom.push(...this.#since(from))
  }

  #visitFor({ name, wordlist, body }: For | Select, around: Around): void {
    const words = (wordlist ?? []).flatMap((word) => this.#words(word, around))
    const outputs = words.flatMap((word) => word.outputs)
    const text = words.map((word) => word.text).join(' ')
    this.#variables.set(name.value, { text, outputs })
    this.#hidden.assigned(name.value, { text, isKnown: words.every(({ isKnown }) => isKnown) })
    this.#visit(body, around)
  }

  #takeSinks(): { pipedFrom: number[] }[] {
    const sinks = this.#sinks
    this.#sinks = []
    return sinks
  }

  #since(from: number): number[] {
    return Array.from({ length: this.seen.length - from }, (_, i) => from + i)
  }

  #visitCommand(command: Command, around: Around): void {
    for (const part of command.prefix) if (part.type === 'Assignment') this.#set(part, around)
    const words = [command.name, ...command.args].flatMap((part) => this.#argument(part, around))
    const within = this.#redirected(command.redirects, around)
    const sinks = this.#takeSinks()
    const place = this.seen.length
    if (words.length > 0) this.run(words, guessWords(words), within)
    for (const sink of sinks) sink.pipedFrom.push(place)
  }

  #argument(part: Word | Assignment | undefined, around: Around): SeenWord[] {
    if (part === undefined) return []
    if (part.type === 'Word') return this.#words(part, around)
    const value = this.#assign(part, around)
    return [{ ...value, text: `${part.name}=${value.text}`, splits: false }]
  }

  #words(word: Word, around: Around): SeenWord[] {
    if (around.language === 'sh' && hasPartForBash(word.parts ?? [])) this.#runUnknown(around)
    return readWord(word, this.#scope(around))
  }

  #assign(part: Assignment, around: Around): SeenWord {
    if (around.language === 'sh' && part.value.type !== 'Word') this.#runUnknown(around)
    const values =
      part.value.type === 'Word'
        ? this.#words(part.value, around)
        : part.value.elements.flatMap((element) => this.#words(element, around))
    if (part.index !== undefined) this.#words(part.index, around)
    const value = {
      ...knownWord(values.map(({ text }) => text).join(' ')),
      isKnown: values.every(({ isKnown }) => isKnown) && part.append !== true,
      outputs: values.flatMap(({ outputs }) => outputs),
    }
    this.#variables.set(part.name, value)
    this.#hidden.look(part)
    this.#hidden.assigned(part.name, value)
    return value
  }

  /** An assignment that is a word of no command. */
  #set(part: Assignment, around: Around): void {
    this.#tell(part.name, this.#assign(part, around), around)
  }

  /** `LD_PRELOAD=x ls` is no `ls`, and `PAGER=x git log` runs `x`. */
  #tell(name: string, value: SeenWord, around: Around): void {
    const telling = tellingOf(name, value.text)
    const inside = { ...around, depth: around.depth + 1 }
    if (telling === 'code') this.#runUnknown(around)
    else if (telling === 'line' && value.text !== '') this.#runLine(value, true, inside)
  }

  #scope(around: Around): WordScope {
    return {
      runInside: (part) => this.#runInside(part, around),
      variable: (name) => this.#variables.get(name),
    }
  }

  /** Commands of a substitution, which read what surrounds it and are joined to nothing else. */
  #runInside(part: WordPart, around: Around): number[] {
    const from = this.seen.length
    const inside = { ...around, depth: around.depth + 1 }
    if (inside.depth > MAX_DEPTH) throw new Unreadable(`lines within lines, ${MAX_DEPTH} deep`)
    const sinks = this.#takeSinks()
    this.#hidden.look(part)
    forEachChild(part, (child) => this.#visit(child, inside))
    this.#sinks = sinks
    if (part.type !== 'ProcessSubstitution' || part.operator === '<') return this.#since(from)
    this.#sinks.push(...this.seen.slice(from))
    return []
  }

  #redirected(redirects: readonly Redirection[], around: Around): Around {
    let within = around
    const isOdd = around.language === 'sh' && redirects.some(isRedirectForBash)
    if (isOdd) this.#runUnknown(around)
    for (const redirect of redirects) within = this.#redirect(redirect, within, around)
    return within
  }

  #redirect(redirect: Redirection, within: Around, around: Around): Around {
    const scope = this.#scope(around)
    if (redirect.type === 'HereDoc') {
      const { parts, text } = redirect.body
      const input = parts === undefined ? knownWord(text) : readText(parts, scope)
      return { ...within, input, pipedFrom: [...input.outputs] }
    }
    const target = redirect.target === undefined ? [] : readWord(redirect.target, scope)
    const [word = knownWord('')] = target
    if (redirect.type === 'HereString') {
      return { ...within, input: word, pipedFrom: [...word.outputs] }
    }
    const { operator, descriptor } = redirect
    if (descriptor !== undefined) this.#hidden.look(descriptor)
    const seen = {
      operator,
      descriptor: descriptor?.type === 'FileDescriptor' ? descriptor.value : null,
      target: word,
    }
    const pipedFrom = operator === '<' ? word.outputs : within.pipedFrom
    return { ...within, pipedFrom, redirects: [...within.redirects, seen] }
  }

  /**
   * One command, and whatever it runs.
   *
   * @param words as the line has them
   * @param guess the same, with those that split taken apart
   */
  run(words: readonly SeenWord[], guess: readonly SeenWord[], around: Around): void {
    if (this.seen.length >= MAX_COMMANDS) throw new Unreadable(`more than ${MAX_COMMANDS} commands`)
    const place = this.seen.length
    this.calls.push(callOf(words))
    this.#hidden.ran(guess)
    const { redirects, input, startedBy } = around
    const seenWords = guess.length > 0 ? guess : [knownWord('')]
    const pipedFrom = [...around.pipedFrom]
    const command = { words: seenWords, redirects, pipedFrom, input, startedBy }
    this.seen.push(command)
    const language = languageOf(seenWords) ?? around.language
    const inside = { ...around, depth: around.depth + 1, startedBy: place, language }
    for (const { name, value } of settingsIn(seenWords)) this.#tell(name, value, inside)
    const inners = [...innerOf(seenWords), ...launchesOf(seenWords), ...readsCode(command)]
    for (const inner of inners) this.#runInner(inner, inside)
  }

  #runInner(inner: Inner | Launch, around: Around): void {
    if (around.depth > MAX_DEPTH)
      throw new Unreadable(`commands within commands, ${MAX_DEPTH} deep`)
    if (inner.kind === 'words') {
      const words = inner.isSure ? inner.words : inner.words.map(unsure)
      return this.run(words, inner.words, around)
    }
    if (inner.kind === 'stdin') return this.#runInput(around)
    if (inner.kind === 'unknown') return this.#runUnknown(around)
    if (inner.kind === 'code') return this.#runCode(inner, around)
    this.#runLine(joinWords(inner.words), inner.isSure, around)
  }

  /** Code of another language, as far as it has a shell run something. */
  #runCode({ language, word, isSure }: Extract<Launch, { kind: 'code' }>, around: Around): void {
    const { lines, isWhole } = readCode(language, word.text)
    for (const line of lines) this.#runLine(knownWord(line), true, around)
    if (!isWhole || !isSure || !word.isKnown) this.#runUnknown(around, word.outputs)
  }

  /** A shell that reads its line: what is written there is read, what comes from elsewhere is not known. */
  #runInput(around: Around): void {
    const { input } = around
    if (input === null) this.#runUnknown(around)
    else this.#runLine(input, true, around)
  }

  #runLine(line: SeenWord, isSure: boolean, around: Around): void {
    const inside = { ...around, input: null }
    if (line.isKnown && isSure) return this.readLine(line.text, inside)
    this.#runUnknown(inside, line.outputs)
    this.#guessLine(line.text, inside)
  }

  /** For signals: what a line would run if its unknown parts were nothing. */
  #guessLine(line: string, around: Around): void {
    if (line.trim() === '') return
    try {
      this.readLine(line, around)
    } catch (thrown) {
      // the line that runs is another one; that it is not known has been said
      if (!(thrown instanceof Unreadable)) throw thrown
    }
  }

  #runUnknown(around: Around, outputs: readonly number[] = []): void {
    const nothing = { text: '', isKnown: false, isPattern: false, splits: true, outputs }
    this.run([nothing], [nothing], around)
  }
}

function callOf(words: readonly SeenWord[]): CommandCall {
  const [first, ...rest] = words
  const isNamed = first?.isKnown === true && !first.isPattern && !first.text.startsWith('=')
  return {
    program: isNamed && first.text !== '' ? first.text : null,
    args: rest.map(({ isKnown, text }) => (isKnown ? text : null)),
  }
}
