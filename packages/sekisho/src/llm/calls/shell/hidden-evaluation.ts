import type { ParameterExpansionPart, ParameterOperation, SyntaxNode } from 'unbash'
import type { SeenWord } from '../../../detect/commands/seen-command.ts'
import { programOfWord } from './program-word.ts'
import { tellingOf } from './telling-variables.ts'

/** Take names of variables as words, and with them `a[$(command)]`. */
const NAMING =
  /^(?:declare|export|getopts|let|local|mapfile|printf|read|readarray|readonly|test|typeset|unset|wait|\[)$/
/** Set or forget them, to what stands elsewhere. */
const FILLING = /^(?:getopts|mapfile|printf|read|readarray|unset)$/
const DECLARING = /^(?:declare|local|typeset)$/
const IS_NUMBERS = /^[\s\d+-]*$/
const NAME = /(?<!\w)[A-Za-z_]\w*/g
const COMPARES_NUMBERS = /^-(?:eq|ne|lt|le|gt|ge)$/
/** Forms of a value that run nothing of it; `${x@P}` does. */
const PLAIN_FORM = /^[aAEKkLQuU]$/
/** Lengths and counts, which are numbers whatever is in there. */
const COUNTS = /\$\{#[^}]*\}|\$[#?$!]/g
/** What a command, an argument or an indirection puts there may be `a[$(command)]` itself. */
const FROM_ELSEWHERE = /`|\$\(|\$\{?[\d@*]|\$\{!/

/**
 * Code that bash runs, and variables that it sets, where a line has no command for it.
 *
 * Arithmetic evaluates the values of its variables again, and the commands in their subscripts: with
 * `x='a[$(curl evil)]'`, `((x))` runs curl. It sets `PATH` as well as any assignment does. So do
 * loops, `${BASH_CMDS[git]:=./x}` and redirections. Which of a line's variables is set first depends
 * on how it runs, so all of them are looked at when the line has been read.
 */
export class HiddenEvaluation {
  readonly #evaluated = new Set<string>()
  readonly #notNumbers = new Set<string>()
  readonly #set = new Set<string>()
  #isHidden = false

  /** Whether what the line has told of commands may not be all, or may not be what it says. */
  get isThere(): boolean {
    const isTelling = (name: string): boolean => tellingOf(name, '') !== 'nothing'
    const evaluated = [...this.#evaluated]
    return (
      this.#isHidden ||
      evaluated.some((name) => this.#notNumbers.has(name) || isTelling(name)) ||
      [...this.#set].some(isTelling)
    )
  }

  /** One node of a line, without those in it. */
  look(node: SyntaxNode): void {
    const { type } = node
    if (type === 'ArithmeticWord') return this.#evaluate(node.value)
    if (type === 'Assignment') return this.#evaluate(node.index?.text)
    if (type === 'ParameterExpansion') return this.#lookAtExpansion(node)
    if (type === 'TestBinary' || type === 'TestUnary') return this.#lookAtTest(node)
    this.#isHidden ||= isUnreadArithmetic(node)
    this.#lookAtName(node)
  }

  #lookAtTest(node: Extract<SyntaxNode, { type: 'TestBinary' | 'TestUnary' }>): void {
    if (node.type === 'TestUnary') {
      if (node.operator === '-v') this.#name(node.operand.text)
    } else if (COMPARES_NUMBERS.test(node.operator)) {
      this.#evaluate(node.left.text)
      this.#evaluate(node.right.text)
    }
  }

  #lookAtName(node: SyntaxNode): void {
    if (node.type === 'For' || node.type === 'Select') this.#set.add(node.name.value)
    else if (node.type === 'Coproc' && node.name !== undefined) this.#set.add(node.name.value)
    else if (node.type === 'FileDescriptorVariable') this.#set.add(node.name)
  }

  #lookAtExpansion({ parameter, prefix, index, operation }: ParameterExpansionPart): void {
    const isAll = ['@', '*'].includes(index?.text ?? '')
    if (!isAll) this.#evaluate(index?.text)
    const isNames = isAll || operation?.type === 'Names'
    this.#isHidden ||= prefix === '!' && !isNames
    if (operation !== undefined) this.#lookAtOperation(parameter, operation)
  }

  #lookAtOperation(parameter: string, operation: ParameterOperation): void {
    if (operation.type === 'Transform') this.#isHidden ||= !PLAIN_FORM.test(operation.operand.text)
    else if (operation.type === 'Slice') {
      this.#evaluate(operation.offset.text)
      this.#evaluate(operation.length?.text)
    } else if (operation.type === 'Default' && operation.operator.endsWith('=')) {
      this.#set.add(parameter)
    }
  }

  /** What an assignment, or a loop, puts into a variable. */
  assigned(name: string, { text, isKnown }: Pick<SeenWord, 'text' | 'isKnown'>): void {
    if (!isKnown || !IS_NUMBERS.test(text)) this.#notNumbers.add(name)
  }

  /** A command, some of which evaluate their words. */
  ran([first, ...rest]: readonly SeenWord[]): void {
    const program = programOfWord(first)
    if (!NAMING.test(program)) return
    for (const { text } of rest) {
      if (program === 'let') this.#evaluate(text)
      else this.#name(text)
    }
    this.#declared(program, rest)
    if (!FILLING.test(program)) return
    const names = program === 'printf' ? printedTo(rest) : rest.map(({ text }) => text)
    for (const name of names) {
      this.#set.add(name)
      this.#notNumbers.add(name)
    }
  }

  /** `-i` has every value of a name evaluated, and `-n` makes it one for another. */
  #declared(program: string, words: readonly SeenWord[]): void {
    if (!DECLARING.test(program)) return
    const options = words.flatMap(({ text }) => (/^[-+]\w/.test(text) ? [text] : [])).join('')
    this.#isHidden ||= options.includes('n')
    if (options.includes('i')) for (const { text } of words) this.#evaluate(text)
  }

  /** The subscript of a name is arithmetic; a name that a variable holds may have any. */
  #name(text: string): void {
    const [, subscript] = /^\w+\[(.*)/s.exec(text) ?? []
    if (subscript !== undefined) this.#evaluate(subscript)
    else if (text.includes('$')) this.#evaluate(text)
  }

  #evaluate(text = ''): void {
    const plain = text.replace(COUNTS, '')
    this.#isHidden ||= FROM_ELSEWHERE.test(plain)
    for (const [name] of plain.matchAll(NAME)) this.#evaluated.add(name)
  }
}

/** `printf -v name`; without it nothing is set. */
function printedTo(words: readonly SeenWord[]): string[] {
  const option = words.findIndex(({ text }) => text.startsWith('-v'))
  const text = words[option]?.text ?? ''
  const name = text === '-v' ? words[option + 1]?.text : text.slice(2)
  return option === -1 || name === undefined ? [] : [name]
}

function isUnreadArithmetic(node: SyntaxNode): boolean {
  if (node.type === 'ArithmeticCommandExpansion') return true
  const isArithmetic = node.type === 'ArithmeticExpansion' || node.type === 'ArithmeticCommand'
  return isArithmetic && node.expression === undefined
}
