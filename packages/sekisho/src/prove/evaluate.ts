import { languageRegExp } from './language.ts'
import type { Assignment, Value } from './smt-text.ts'
import { type Application, calculate, type Operator, type Sort, type Term, walk } from './term.ts'

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

const LOGIC: ReadonlyMap<Operator, (args: readonly Value[]) => Value> = new Map<
  Operator,
  (args: readonly Value[]) => Value
>([
  ['not', ([a]) => a !== true],
  ['and', (args) => args.every((arg) => arg === true)],
  ['or', (args) => args.includes(true)],
  ['=', ([a, b]) => a === b],
  ['ite', ([a, b = false, c = false]) => (a === true ? b : c)],
  ['<', ([a = 0n, b = 0n]) => BigInt(a) < BigInt(b)],
  ['<=', ([a = 0n, b = 0n]) => BigInt(a) <= BigInt(b)],
  ...(['+', '-', '*', 'div', 'mod'] as const).map(
    (operator) =>
      [
        operator,
        ([a = 0n, b = 0n]: readonly Value[]) => calculate(operator, BigInt(a), BigInt(b)),
      ] as const,
  ),
])

function applied({ operator }: Application, args: readonly Value[]): Value {
  return LOGIC.get(operator)?.(args) ?? false
}
