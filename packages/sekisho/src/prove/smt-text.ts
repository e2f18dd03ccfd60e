import { languageRegExp } from './language.ts'
import { matchFormula, stringLiteral } from './smt-strings.ts'
import {
  type Application,
  type Match,
  matchKey,
  partsOf,
  type Sort,
  sortOf,
  type Term,
  type Variable,
  walk,
} from './term.ts'

/** A value that a solver found for a variable. */
export type Value = boolean | bigint | string
export type Assignment = ReadonlyMap<string, Value>

/** Assertions as SMT-LIB, and the way back from what the solver answers. */
export type SmtText = {
  /** declarations, definitions and assertions, without `check-sat` */
  script: string
  /** @param raw by symbol, as read from the solver */
  decode: (raw: ReadonlyMap<string, Value>) => Model
}

/** What a solver found. */
export type Model = {
  assignment: Assignment
  /** texts in it that stand for some text which is no constant */
  stand: ReadonlySet<string>
  /** what the solver took patterns to say, by `matchKey`; empty where it looked into the texts */
  guesses: ReadonlyMap<string, boolean>
}

/**
 * `exact`: texts are texts. `abstract`: what patterns say of a text is anybody's guess but for the
 * constants it is compared with; that allows more, so what cannot be then cannot be at all, and it
 * is decided without a theory of strings.
 */
export type Detail = 'exact' | 'abstract'

/**
 * Texts that are only compared become numbers, one for each constant: z3's theory of strings is
 * asked only for texts that a pattern looks into.
 */
export function smtText(assertions: readonly Term[], detail: Detail): SmtText {
  return new Printer(assertions, detail).print()
}

class Printer {
  readonly #assertions: readonly Term[]
  readonly #detail: Detail
  readonly #terms: readonly Term[]
  readonly #groups = new Groups()
  /** numbers of constants from 0 on, by the group of texts that they are compared with */
  readonly #constants = new Map<Group, Map<string, number>>()
  readonly #printed = new Map<Term, string>()
  readonly #lines: string[] = []
  readonly #symbols = new Map<string, Variable>()
  readonly #symbolOf = new Map<string, string>()
  readonly #guesses = new Map<string, string>()
  readonly #ties: (() => string[])[] = []

  constructor(assertions: readonly Term[], detail: Detail) {
    this.#assertions = assertions
    this.#detail = detail
    this.#terms = walk(assertions)
  }

  print(): SmtText {
    for (const term of this.#terms) this.#group(term)
    const uses = countUses(this.#terms)
    for (const term of this.#terms) {
      const text = this.#show(term)
      const isShared = (uses.get(term) ?? 0) > 1 && text.startsWith('(') && term.kind !== 'int'
      this.#printed.set(term, isShared ? this.#define(term, text) : text)
    }
    const asserted = this.#assertions.map((term) => `(assert ${this.#text(term)})`)
    return {
      script: [...this.#lines, ...asserted, ...this.#ties.flatMap((tie) => tie())].join('\n'),
      decode: (raw) => this.#decode(raw),
    }
  }

  /** Texts that are compared with each other, or chosen between, are of one sort. */
  #group(term: Term): void {
    if (term.kind === 'match') this.#groups.markAsText(term.text)
    if (term.kind !== 'apply') return
    if (term.operator === '=') this.#groups.join(term.args)
    if (term.operator === 'ite') this.#groups.join([term, ...term.args.slice(1)])
  }

  #isText(term: Term): boolean {
    return this.#detail === 'exact' && this.#groups.isText(term)
  }

  #sort(term: Term): Sort {
    const sort = sortOf(term)
    return sort === 'String' && !this.#isText(term) ? 'Int' : sort
  }

  #text(term: Term): string {
    return this.#printed.get(term) ?? this.#show(term)
  }

  #show(term: Term): string {
    switch (term.kind) {
      case 'bool':
        return String(term.value)
      case 'int':
        return term.value < 0n ? `(- ${-term.value})` : String(term.value)
      case 'string':
        return '' // by whom it is compared with
      case 'variable':
        return this.#declare(term)
      case 'match':
        return this.#match(term)
      case 'apply':
        return `(${term.operator} ${this.#arguments(term).join(' ')})`
    }
  }

  #arguments(term: Application): string[] {
    const text = [term, ...term.args].find(
      (part) => sortOf(part) === 'String' && part.kind !== 'string',
    )
    return term.args.map((arg) => {
      if (arg.kind !== 'string' || text === undefined) return this.#text(arg)
      return this.#isText(text) ? stringLiteral(arg.value) : this.#number(arg.value, text)
    })
  }

  #match(term: Match): string {
    if (this.#detail === 'exact') return matchFormula(this.#text(term.text), term.language)
    const key = matchKey(term)
    const known = this.#guesses.get(key)
    if (known !== undefined) return known
    const guess = `m${this.#guesses.size}`
    this.#guesses.set(key, guess)
    this.#lines.push(`(declare-const ${guess} Bool)`)
    this.#ties.push(() => this.#tieToConstants(guess, term))
    return guess
  }

  /** What a pattern says of the constants that its text is compared with: the rest is a guess. */
  #tieToConstants(guess: string, { text, language }: Match): string[] {
    const pattern = languageRegExp(language)
    const constants = this.#constantsWith(text)
    if (constants.size === 0) return []
    const symbol = this.#text(text)
    const within = [...constants].filter(([value]) => pattern.test(value))
    const isOne = within.map(([, number]) => `(= ${symbol} ${number})`).join(' ')
    const isConstant = `(and (<= 0 ${symbol}) (< ${symbol} ${constants.size}))`
    return [`(assert (=> ${isConstant} (= ${guess} (or false ${isOne}))))`]
  }

  #declare(term: Variable): string {
    const known = this.#symbolOf.get(term.name)
    if (known !== undefined) return known
    const symbol = `v${this.#symbolOf.size}`
    this.#symbolOf.set(term.name, symbol)
    this.#symbols.set(symbol, term)
    this.#lines.push(`(declare-const ${symbol} ${this.#sort(term)})`)
    return symbol
  }

  #define(term: Term, text: string): string {
    const symbol = `t${this.#printed.size}`
    // not `define-fun`: z3 lists a definition in its model, as the text that it is
    this.#lines.push(
      `(declare-const ${symbol} ${this.#sort(term)})`,
      `(assert (= ${symbol} ${text}))`,
    )
    return symbol
  }

  #number(constant: string, comparedWith: Term): string {
    const numbers = this.#constantsWith(comparedWith)
    const number = numbers.get(constant) ?? numbers.size
    numbers.set(constant, number)
    return String(number)
  }

  #constantsWith(text: Term): Map<string, number> {
    const group = this.#groups.groupOf(text)
    const numbers = this.#constants.get(group) ?? new Map<string, number>()
    this.#constants.set(group, numbers)
    return numbers
  }

  #decode(raw: ReadonlyMap<string, Value>): Model {
    const assignment = new Map<string, Value>()
    const stand = new Set<string>()
    for (const [symbol, declared] of this.#symbols) {
      const value = raw.get(symbol)
      if (value === undefined) continue
      const isNumbered = typeof value === 'bigint' && declared.sort === 'String'
      const known = isNumbered ? this.#constantOf(value, declared) : value
      const text = known ?? this.#otherText(value, declared)
      if (known === undefined) stand.add(String(text))
      assignment.set(declared.name, text)
    }
    const guesses = new Map<string, boolean>()
    for (const [key, symbol] of this.#guesses) {
      const value = raw.get(symbol)
      if (typeof value === 'boolean') guesses.set(key, value)
    }
    return { assignment, stand, guesses }
  }

  #constantOf(number: bigint, declared: Variable): string | undefined {
    return [...this.#constantsWith(declared)].find(([, each]) => BigInt(each) === number)?.[0]
  }

  /** A text that no policy names: one for each number of each group. */
  #otherText(number: Value, declared: Variable): string {
    const group = [...this.#constants.keys()].indexOf(this.#groups.groupOf(declared))
    let text = `other${group}-${String(number)}`
    while (this.#terms.some((term) => term.kind === 'string' && term.value === text)) text += 'x'
    return text
  }
}

function countUses(terms: readonly Term[]): ReadonlyMap<Term, number> {
  const uses = new Map<Term, number>()
  for (const term of terms) {
    for (const part of partsOf(term)) uses.set(part, (uses.get(part) ?? 0) + 1)
  }
  return uses
}

/** Names a group of texts that are compared with each other, directly or not. */
type Group = string | Term

/** Which texts must be printed in one way: those that a pattern looks into, and what meets them. */
class Groups {
  readonly #parent = new Map<Group, Group>()
  readonly #texts: Term[] = []
  #roots: Set<Group> | undefined

  join(terms: readonly Term[]): void {
    const [first, ...rest] = terms.filter(
      (term) => sortOf(term) === 'String' && term.kind !== 'string',
    )
    if (first === undefined) return
    for (const term of rest) this.#parent.set(this.#root(key(term)), this.#root(key(first)))
  }

  markAsText(term: Term): void {
    this.#texts.push(term)
  }

  isText(term: Term): boolean {
    this.#roots ??= new Set(this.#texts.map((text) => this.#root(key(text))))
    return this.#roots.has(this.groupOf(term))
  }

  groupOf(term: Term): Group {
    return this.#root(key(term))
  }

  #root(term: Group): Group {
    let root = term
    for (let next = this.#parent.get(root); next !== undefined && next !== root; ) {
      root = next
      next = this.#parent.get(root)
    }
    return root
  }
}

/** A variable is its name, whichever object says it. */
function key(term: Term): Group {
  return term.kind === 'variable' ? term.name : term
}
