import { type Language, languageRegExp } from './language.ts'

/** What a term stands for: SMT-LIB's sorts as far as policies need them. */
export type Sort = 'Bool' | 'Int' | 'String'

export type Variable = { readonly kind: 'variable'; readonly name: string; readonly sort: Sort }
type Constant =
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
export type Operator =
  | 'not'
  | 'and'
  | 'or'
  | '='
  | 'ite'
  | '+'
  | '-'
  | '*'
  | 'div'
  | 'mod'
  | '<'
  | '<='
export type Application = {
  readonly kind: 'apply'
  readonly operator: Operator
  readonly sort: Sort
  readonly args: readonly Term[]
}
/** A text is in a set of texts. */
export type Match = { readonly kind: 'match'; readonly text: Variable; readonly language: Language }

/** A formula or value over variables; made by the functions here, which fold what is constant. */
export type Term = Variable | Constant | Application | Match

export const TRUE: Term = { kind: 'bool', value: true }
export const FALSE: Term = { kind: 'bool', value: false }

export function variable(name: string, sort: Sort): Variable {
  return { kind: 'variable', name, sort }
}

export function bool(value: boolean): Term {
  return value ? TRUE : FALSE
}

export function int(value: bigint | number): Term {
  return { kind: 'int', value: BigInt(value) }
}

export function string(value: string): Term {
  return { kind: 'string', value }
}

export function sortOf(term: Term): Sort {
  switch (term.kind) {
    case 'bool':
    case 'match':
      return 'Bool'
    case 'int':
      return 'Int'
    case 'string':
      return 'String'
    case 'variable':
    case 'apply':
      return term.sort
  }
}

export function not(term: Term): Term {
  if (term.kind === 'bool') return bool(!term.value)
  if (isNot(term)) return term.args[0] ?? FALSE
  return apply('not', 'Bool', [term])
}

export function and(...terms: readonly Term[]): Term {
  return connect('and', terms)
}

export function or(...terms: readonly Term[]): Term {
  return connect('or', terms)
}

export function implies(premise: Term, conclusion: Term): Term {
  return or(not(premise), conclusion)
}

function connect(operator: 'and' | 'or', terms: readonly Term[]): Term {
  const neutral = operator === 'and'
  const kept = new Set<Term>()
  for (const term of terms.flatMap((each) => operands(operator, each))) {
    if (term.kind !== 'bool') kept.add(term)
    else if (term.value !== neutral) return term
  }
  if ([...kept].some((term) => isNot(term) && term.args.every((arg) => kept.has(arg)))) {
    return bool(!neutral)
  }
  const [only, another] = kept
  if (only === undefined) return bool(neutral)
  return another === undefined ? only : apply(operator, 'Bool', [...kept])
}

function operands(operator: 'and' | 'or', term: Term): readonly Term[] {
  return term.kind === 'apply' && term.operator === operator ? term.args : [term]
}

function isNot(term: Term): term is Application {
  return term.kind === 'apply' && term.operator === 'not'
}

/** Both of one sort. */
export function equal(a: Term, b: Term): Term {
  if (a === b || isSameVariable(a, b)) return TRUE
  if ('value' in a && 'value' in b) return bool(a.value === b.value)
  if (a.kind === 'bool') return a.value ? b : not(b)
  if (b.kind === 'bool') return equal(b, a)
  return apply('=', 'Bool', [a, b])
}

function isSameVariable(a: Term, b: Term): boolean {
  return a.kind === 'variable' && b.kind === 'variable' && a.name === b.name
}

export function ifThenElse(condition: Term, yes: Term, no: Term): Term {
  if (condition.kind === 'bool') return condition.value ? yes : no
  if (yes === no) return yes
  if (sortOf(yes) === 'Bool') return and(implies(condition, yes), or(condition, no))
  return apply('ite', sortOf(yes), [condition, yes, no])
}

type Arithmetic = '+' | '-' | '*' | 'div' | 'mod'

/** `div` and `mod` as SMT-LIB has them for a positive divisor: towards minus infinity, never negative. */
export function arithmetic(operator: Arithmetic, a: Term, b: Term): Term {
  if (a.kind === 'int' && b.kind === 'int') return int(calculate(operator, a.value, b.value))
  return apply(operator, 'Int', [a, b])
}

export function calculate(operator: Arithmetic, a: bigint, b: bigint): bigint {
  const rest = (): bigint => ((a % b) + b) % b
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case 'div':
      return (a - rest()) / b
    case 'mod':
      return rest()
  }
}

export function less(a: Term, b: Term): Term {
  if (a.kind === 'int' && b.kind === 'int') return bool(a.value < b.value)
  return apply('<', 'Bool', [a, b])
}

export function atMost(a: Term, b: Term): Term {
  if (a.kind === 'int' && b.kind === 'int') return bool(a.value <= b.value)
  return apply('<=', 'Bool', [a, b])
}

/** @throws TypeError for a text that is no variable, constant or choice between such */
export function match(text: Term, language: Language): Term {
  const constant = onlyText(language)
  if (constant !== undefined) return equal(text, string(constant))
  if (language.length === 1 && language[0]?.kind === 'gap') return TRUE
  if (text.kind === 'string') return bool(languageRegExp(language).test(text.value))
  if (text.kind === 'variable') return { kind: 'match', text, language }
  const [condition, yes, no] = partsOf(text)
  if (condition === undefined || yes === undefined || no === undefined) {
    throw new TypeError('a pattern looks into texts only')
  }
  return ifThenElse(condition, match(yes, language), match(no, language))
}

/** The one text of a language that has one only. */
function onlyText([only, another]: Language): string | undefined {
  if (only === undefined) return ''
  return another === undefined && only.kind === 'text' ? only.text : undefined
}

function apply(operator: Operator, sort: Sort, args: readonly Term[]): Term {
  return { kind: 'apply', operator, sort, args }
}

/** One name for what is one question. */
export function matchKey({ text, language }: Match): string {
  return `${text.name} ${JSON.stringify(language)}`
}

/** The terms that a term is made of. */
export function partsOf(term: Term): readonly Term[] {
  if (term.kind === 'apply') return term.args
  return term.kind === 'match' ? [term.text] : []
}

/** Every term within, itself included, each once, parts before wholes. */
export function walk(roots: readonly Term[]): readonly Term[] {
  const seen = new Set<Term>()
  const visit = (term: Term): void => {
    if (seen.has(term)) return
    for (const part of partsOf(term)) visit(part)
    seen.add(term)
  }
  for (const root of roots) visit(root)
  return [...seen]
}

/** Names of the variables within. */
export function variablesOf(roots: readonly Term[]): ReadonlySet<string> {
  return new Set(walk(roots).flatMap((term) => (term.kind === 'variable' ? [term.name] : [])))
}
