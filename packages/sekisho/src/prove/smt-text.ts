import { type Language, languageRegExp } from './language.ts'
import { matchFormula, stringLiteral } from './smt-strings.ts'
import {
  type Application,
  type Match,
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
  /** what to ask the values of */
  symbols: readonly string[]
  /** @param raw by symbol, as read from the solver */
  decode(raw: ReadonlyMap<string, Value>): Assignment
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
  readonly #constants = new Map<string, number>()
  readonly #printed = new Map<Term, string>()
  readonly #lines: string[] = []
  readonly #symbols = new Map<string, Variable>()
  readonly #symbolOf = new Map<string, string>()
  readonly #guesses = new Map<string, string>()

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
      const isShared = (uses.get(term) ?? 0) > 1 && (term.kind === 'apply' || term.kind === 'match')
      this.#printed.set(term, isShared ? this.#define(term, text) : text)
    }
    const asserted = this.#assertions.map((term) => `(assert ${this.#text(term)})`)
    return {
      script: [...this.#lines, ...asserted].join('\n'),
      symbols: [...this.#symbols.keys()],
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
    const isText = [term, ...term.args].some(
      (part) => sortOf(part) === 'String' && this.#isText(part),
    )
    return term.args.map((arg) => {
      if (arg.kind !== 'string') return this.#text(arg)
      return isText ? stringLiteral(arg.value) : String(this.#number(arg.value))
    })
  }

  #match(term: Match): string {
    if (this.#detail === 'exact') return matchFormula(this.#text(term.text), term.language)
    const text = this.#text(term.text)
    const key = `${text} ${JSON.stringify(term.language)}`
    const known = this.#guesses.get(key)
    if (known !== undefined) return known
    const guess = `m${this.#guesses.size}`
    this.#guesses.set(key, guess)
    this.#lines.push(`(declare-const ${guess} Bool)`)
    for (const line of this.#tieToConstants(text, guess, term.language)) this.#lines.push(line)
    return guess
  }

  #tieToConstants(text: string, guess: string, language: Language): string[] {
    const pattern = languageRegExp(language)
    const constants = new Set(this.#terms.flatMap((t) => (t.kind === 'string' ? [t.value] : [])))
    return [...constants].map(
      (value) =>
        `(assert (=> (= ${text} ${this.#number(value)}) (= ${guess} ${pattern.test(value)})))`,
    )
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
    this.#lines.push(`(define-fun ${symbol} () ${this.#sort(term)} ${text})`)
    return symbol
  }

  #number(constant: string): number {
    const known = this.#constants.get(constant)
    if (known !== undefined) return known
    this.#constants.set(constant, this.#constants.size)
    return this.#constants.size - 1
  }

  #decode(raw: ReadonlyMap<string, Value>): Assignment {
    const texts = new Map([...this.#constants].map(([text, number]) => [BigInt(number), text]))
    const assignment = new Map<string, Value>()
    for (const [symbol, variable] of this.#symbols) {
      const value = raw.get(symbol)
      if (value === undefined) continue
      const isNumbered = variable.sort === 'String' && typeof value === 'bigint'
      const text = isNumbered ? (texts.get(value) ?? otherText(value, this.#constants)) : value
      assignment.set(variable.name, text)
    }
    return assignment
  }
}

/** A text that no policy names. */
function otherText(number: bigint, constants: ReadonlyMap<string, number>): string {
  let text = `other${number < 0n ? `-${-number}` : number}`
  while (constants.has(text)) text += 'x'
  return text
}

function countUses(terms: readonly Term[]): ReadonlyMap<Term, number> {
  const uses = new Map<Term, number>()
  for (const term of terms) {
    for (const part of partsOf(term)) uses.set(part, (uses.get(part) ?? 0) + 1)
  }
  return uses
}

/** Which texts must be printed in one way: those that a pattern looks into, and what meets them. */
class Groups {
  readonly #parent = new Map<string | Term, string | Term>()
  readonly #texts: Term[] = []
  #roots: Set<string | Term> | undefined

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
    return this.#roots.has(this.#root(key(term)))
  }

  #root(term: string | Term): string | Term {
    let root = term
    for (let next = this.#parent.get(root); next !== undefined && next !== root; ) {
      root = next
      next = this.#parent.get(root)
    }
    return root
  }
}

/** A variable is its name, whichever object says it. */
function key(term: Term): string | Term {
  return term.kind === 'variable' ? term.name : term
}
