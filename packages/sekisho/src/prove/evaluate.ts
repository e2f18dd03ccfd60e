import { languageRegExp } from './language.ts'
import type { Assignment, Value } from './smt-text.ts'
import { type Application, calculate, type Sort, type Term, walk } from './term.ts'

const DEFAULTS: Readonly<Record<Sort, Value>> = { Bool: false, Int: 0n, String: '' }

/** Whether all terms are true where variables are as assigned; what is not assigned is a default. */
export function allTrue(terms: readonly Term[], assignment: Assignment): boolean {
  const values = new Map<Term, Value>()
  for (const term of walk(terms)) values.set(term, valueOf(term, assignment, values))
  return terms.every((term) => values.get(term) === true)
}

function valueOf(term: Term, assignment: Assignment, known: ReadonlyMap<Term, Value>): Value {
  switch (term.kind) {
    case 'bool':
    case 'int':
    case 'string':
      return term.value
    case 'variable':
      return assignment.get(term.name) ?? DEFAULTS[term.sort]
    case 'match':
      return languageRegExp(term.language).test(String(known.get(term.text)))
    case 'apply':
      return applied(
        term,
        term.args.map((arg) => known.get(arg) ?? false),
      )
  }
}

function applied({ operator }: Application, args: readonly Value[]): Value {
  const [a = false, b = false, c = false] = args
  switch (operator) {
    case 'not':
      return a !== true
    case 'and':
      return args.every((arg) => arg === true)
    case 'or':
      return args.includes(true)
    case '=':
      return a === b
    case 'ite':
      return a === true ? b : c
    case '<':
      return BigInt(a) < BigInt(b)
    case '<=':
      return BigInt(a) <= BigInt(b)
    default:
      return calculate(operator, BigInt(a), BigInt(b))
  }
}
